import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCheckpoint } from '../../vision/train/checkpoint.node.ts';
import { RUN_FILES } from '../../vision/train/train.node.ts';
import { PROGRAM, tuningfork } from '../cli/cli.ts';
import { writeRandomB0 } from '../galaxies/b0_weights.ts';
import { scratchFolder } from './training.ts';

/** Six processes one after another: beside other work a minute and more. */
const SLOW = 900_000;
const scratch = scratchFolder();

/** When to pull the plug: in the middle of the n-th such operation on a file of the run directory (plug.mjs). */
interface Moment {
  readonly file: RegExp;
  readonly operation: 'open' | 'write' | 'rename' | 'renamed';
  readonly nth: number;
}

const PLUG = fileURLToPath(new URL('plug.mjs', import.meta.url));

/** Trains until the moment, in which the process gets SIGKILL; false where it ended before. */
async function killAt(args: readonly string[], out: string, { file, operation, nth }: Moment): Promise<boolean> {
  const child = spawn(process.execPath, ['--import', PLUG, PROGRAM, ...args, '--out', out], {
    stdio: 'ignore',
    env: { ...process.env, PLUG: JSON.stringify({ file: file.source, operation, nth }) },
  });
  const signal = await new Promise((resolve, reject) => child.on('error', reject).on('close', (_, by) => resolve(by)));
  return signal === 'SIGKILL';
}

const where = async (out: string): Promise<string> => {
  const checkpoint = await loadCheckpoint(join(out, RUN_FILES.checkpoint));
  return checkpoint ? `phase ${checkpoint.state.phase + 1}` : 'before the first checkpoint';
};

interface Metrics {
  readonly frontSeconds?: number;
}

/**
 * The bytes of a model trained with interruptions, where each left the training, and the seconds that the frozen front
 * had taken at each and at the end.
 */
async function trainInterrupted(
  args: readonly string[],
  moments: readonly Moment[],
): Promise<{ model: Buffer; left: string[]; front: number[] }> {
  const out = scratch.next();
  const left: string[] = [];
  const front: number[] = [];
  for (const moment of moments) {
    expect(
      await killAt(args, out, moment),
      `was to be killed at ${moment.nth}. ${moment.operation} of ${moment.file}`,
    ).toBe(true);
    left.push(await where(out));
    const clock = join(out, RUN_FILES.cache, 'seconds');
    front.push(existsSync(clock) ? Number(readFileSync(clock, 'utf8')) : 0);
  }
  // What a kill within the milliseconds in which these are written leaves.
  for (const name of [RUN_FILES.config, RUN_FILES.metrics, RUN_FILES.report, RUN_FILES.predictions])
    writeFileSync(join(out, `.${name}.12345.0.tmp`), '');
  const { code, stderr } = await tuningfork([...args, '--out', out]);
  expect(code, stderr).toBe(0);
  expect(stderr).toMatch(/resuming at phase/);
  expect(
    readdirSync(out).filter((name) => name.endsWith('.tmp') || name === RUN_FILES.cache),
    'left over',
  ).toEqual([]);
  const { frontSeconds = 0 } = JSON.parse(readFileSync(join(out, RUN_FILES.metrics), 'utf8')) as Metrics;
  return { model: readFileSync(join(out, RUN_FILES.model)), left, front: [...front, frontSeconds] };
}

async function trainOnce(args: readonly string[]): Promise<Buffer> {
  const out = scratch.next();
  const { code, stderr } = await tuningfork([...args, '--out', out]);
  expect(code, stderr).toBe(0);
  return readFileSync(join(out, RUN_FILES.model));
}

const CHECKPOINT = /\/\.checkpoint\.safetensors\..*tmp$/;
const BEST = /\/\.best\.safetensors\..*tmp$/;
const FRONT = /\/(cut|features)\.f32$/;

// On lavapipe alone: a command runs on one adapter, and SwiftShader would take minutes.
describe('a training killed by SIGKILL', () => {
  const common = [
    'train',
    '--adapter',
    'lavapipe',
    '--batch',
    '8',
    '--tta',
    '1',
    '--checkpoint-steps',
    '1',
    '--epochs',
    '2',
  ];
  it.each(['f32', 'f16'])(
    'ends in the same bytes: a small network from scratch, %s',
    async (precision) => {
      const args = [
        ...common,
        '--data',
        'synthetic:32',
        '--model',
        'vgg_small',
        '--size',
        '32',
        '--drop-path',
        '0.1',
        '--weight-decay',
        '0.01',
        '--precision',
        precision,
      ];
      // Where files lie is the same in both; f16 has a loss scale in its checkpoint.
      const ofFiles: Moment[] = [
        { file: CHECKPOINT, operation: 'open', nth: 1 },
        { file: BEST, operation: 'rename', nth: 1 },
      ];
      const moments: Moment[] = [
        ...(precision === 'f32' ? ofFiles : []),
        { file: CHECKPOINT, operation: 'write', nth: 2 },
        { file: CHECKPOINT, operation: 'renamed', nth: 2 },
      ];
      const { model } = await trainInterrupted(args, moments);
      expect(model.equals(await trainOnce(args))).toBe(true);
    },
    SLOW,
  );

  // What is kept of a batch on the front: two records, or features alone.
  it.each([
    { unfreeze: '1', third: 5 },
    { unfreeze: 'all', third: 3 },
  ])(
    'ends in the same bytes: both phases from weights, --unfreeze $unfreeze',
    async ({ unfreeze, third }) => {
      const weights = join(scratch.path, 'b0.safetensors');
      await writeRandomB0(weights);
      const args = [
        ...common,
        '--data',
        'synthetic:32',
        '--weights',
        weights,
        '--size',
        '64',
        '--epochs-head',
        '2',
        '--views',
        '1',
        '--unfreeze',
        unfreeze,
      ];
      const moments: Moment[] = [
        { file: FRONT, operation: 'write', nth: third },
        { file: CHECKPOINT, operation: 'write', nth: 2 },
        { file: CHECKPOINT, operation: 'renamed', nth: 6 },
        { file: CHECKPOINT, operation: 'rename', nth: 2 },
      ];
      const { model, left, front } = await trainInterrupted(args, moments);
      expect(left[0]).toBe('before the first checkpoint');
      expect(left).toContain('phase 1');
      expect(left).toContain('phase 2');
      // Told together, though it was interrupted.
      expect(front[0]).toBeGreaterThan(0);
      expect(front[1]).toBeGreaterThan(front[0]);
      expect(front.slice(2)).toEqual(front.slice(2).fill(front[1]));
      expect(model.equals(await trainOnce(args))).toBe(true);
    },
    SLOW,
  );
});

beforeAll(() => expect(existsSync(PROGRAM), 'dist/cli.js, built before the tests').toBe(true));
