import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import jpeg from 'jpeg-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCheckpoint } from '../../vision/train/checkpoint.node.ts';
import { RUN_FILES } from '../../vision/train/train.node.ts';
import { CHALLENGE_COLUMNS, ID_COLUMN } from '../../galaxies/columns.ts';
import { CLASSES, label } from '../../galaxies/labels.ts';
import { syntheticDataset } from '../../galaxies/synthetic.ts';
import { tuningfork } from '../cli/cli.ts';
import { scratchFolder } from './training.ts';

const scratch = scratchFolder();
const COMMON = [
  'train',
  '--adapter',
  'lavapipe',
  '--size',
  '32',
  '--crop',
  '40',
  '--batch',
  '8',
  '--tta',
  '1',
  '--epochs',
  '1',
];

/**
 * Galaxies as the challenge has them: `images/<id>.jpg` and a table of votes. Small, and drawn. Returns the names of
 * one image of each class.
 */
async function writeGalaxies(folder: string, count: number): Promise<string[]> {
  mkdirSync(join(folder, 'images'), { recursive: true });
  const dataset = syntheticDataset(count, 0, { size: 48 });
  const rows = [[ID_COLUMN, ...CHALLENGE_COLUMNS].join()];
  for (const [i, { votes }] of dataset.examples.entries()) {
    const { width, height, data } = await dataset.load(i);
    const rgba = Buffer.alloc(width * height * 4, 255);
    for (let p = 0; p < width * height; p++) rgba.set(data.subarray(p * 3, p * 3 + 3), p * 4);
    writeFileSync(join(folder, 'images', `${100 + i}.jpg`), jpeg.encode({ width, height, data: rgba }, 90).data);
    rows.push(
      [
        100 + i,
        votes!.smooth,
        votes!.featured,
        votes!.artifact,
        ...Array<number>(CHALLENGE_COLUMNS.length - 3).fill(0),
      ].join(),
    );
  }
  writeFileSync(join(folder, 'labels.csv'), `${rows.join('\n')}\n`);
  return CLASSES.map((name) => `${100 + dataset.examples.findIndex(({ votes }) => label(votes!) === name)}.jpg`).sort();
}

describe('training on a folder with damaged images', () => {
  const data = join(scratch.path, 'galaxies');
  let bad: string[];
  beforeAll(async () => {
    bad = await writeGalaxies(data, 40);
    const whole = jpeg.encode({ width: 48, height: 48, data: Buffer.alloc(48 * 48 * 4, 90) }, 90).data;
    writeFileSync(join(data, 'images', bad[0]), whole.subarray(0, whole.length / 2));
    writeFileSync(join(data, 'images', bad[1]), 'this is a letter and no galaxy\n');
  });

  it('stops with a sentence that names the file, and exit code 2', async () => {
    const out = scratch.next();
    const { code, stderr } = await tuningfork([...COMMON, '--data', data, '--out', out]);
    expect(
      bad.some((name) => stderr.includes(name)),
      `exit code ${code}: ${stderr}`,
    ).toBe(true);
    expect(stderr).toMatch(/^tuningfork: .*\.jpg /m);
    expect(code).toBe(2);
    expect(existsSync(join(out, RUN_FILES.model))).toBe(false);
  });

  it('--skip-bad names them, counts them and goes on', async () => {
    const out = scratch.next();
    const { code, stderr } = await tuningfork([...COMMON, '--data', data, '--out', out, '--skip-bad']);
    expect(stderr).toContain('2 images were skipped: ');
    for (const name of bad) expect(stderr).toContain(name);
    expect(code, stderr).toBe(0);
    expect(readdirSync(out)).toContain(RUN_FILES.model);
  });
});

/** A disk of so many KiB in memory; null where this user may not mount one. */
function tinyDisk(at: string, kib: number): string | null {
  mkdirSync(at, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', at], { stdio: 'ignore' });
    afterAll(() => {
      execFileSync('umount', [at]);
    });
    return at;
  } catch {
    return null;
  }
}

describe('training on a full disk', () => {
  // The config and one checkpoint with moments (730 KB) fit, the best weights (245 KB) beside it do not.
  const disk = tinyDisk(join(scratch.path, 'disk'), 840);

  it.skipIf(disk === null)(
    'stops with a sentence, and leaves the last checkpoint whole and nothing half-written (skipped where no disk can be mounted)',
    async () => {
      const { code, stderr } = await tuningfork([
        ...COMMON,
        '--data',
        'synthetic:32',
        '--model',
        'vgg_small',
        '--out',
        join(disk!, 'run'),
        '--checkpoint-steps',
        '1',
      ]);
      expect(stderr).toMatch(
        /^tuningfork: Cannot write .*(checkpoint|best)\.safetensors: the disk is full; free some space/m,
      );
      expect(code).toBe(2);
      const left = readdirSync(join(disk!, 'run'));
      expect(left.filter((name) => name.endsWith('.tmp') || name === RUN_FILES.model)).toEqual([]);
      expect((await loadCheckpoint(join(disk!, 'run', RUN_FILES.checkpoint)))!.state.step).toBe(1);
    },
  );
});
