import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toPng } from '../../vision/report/encode.node.ts';
import { PROGRAM, succeed, tuningfork } from './cli.ts';

const SLOW = 300_000;
const PLUG = fileURLToPath(new URL('../vision/plug.mjs', import.meta.url));
const SMALL = '--model vgg_small --width 0.25 --size 32 --batch 4 --epochs 1 --tta 1'.split(' ');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-left-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Two classes of grey squares; the first image of the folder cannot be decoded where it is `damaged`. */
function images(name: string, damaged: boolean): string {
  const root = join(folder, name);
  for (const [k, label] of ['cats', 'dogs'].entries()) {
    mkdirSync(join(root, label), { recursive: true });
    for (let i = 0; i < 12; i++) {
      const data = new Uint8Array(40 * 40 * 3).fill(60 * k + 10 * i);
      writeFileSync(join(root, label, `${i}.png`), toPng({ width: 40, height: 40, data }));
    }
  }
  if (damaged) for (let i = 0; i < 12; i++) writeFileSync(join(root, 'cats', `${i}.png`), 'no image');
  return root;
}

/** Runs a command that must end with exit code 2 and this sentence, and leave no folder. */
async function refused(sentence: RegExp, out: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await tuningfork([...args, '--out', out, '--adapter', 'lavapipe']);
  expect([code, stderr]).toEqual([2, expect.stringMatching(sentence)]);
  expect(existsSync(join(folder, 'deep')), `left by: ${args.join(' ')}`).toBe(false);
}

describe('a refused start leaves nothing, and the corrected command runs', () => {
  it(
    'of train and crossval',
    async () => {
      const out = join(folder, 'deep', 'run');
      const noWeights = join(folder, 'no.safetensors');
      writeFileSync(noWeights, 'no weights');
      const bad = images('bad', true);
      for (const command of ['train', 'crossval']) {
        const run = (sentence: RegExp, ...args: string[]) => refused(sentence, out, command, ...args);
        await run(/no model|unknown model|there is no/i, '--data', 'synthetic:60', '--model', 'vgg_smal');
        await run(/no\.such/, '--data', join(folder, 'no.such'), ...SMALL);
        await run(/no\.safetensors/, '--data', 'synthetic:60', '--weights', noWeights, '--batch', '4');
        await run(/missing\.safetensors/, '--data', 'synthetic:60', '--weights', join(folder, 'missing.safetensors'));
        await run(/smooth|featured|class|folds of/, '--data', 'synthetic:60', '--threshold', '1', ...SMALL);
        await run(/bad\/cats\/\d+\.png/, '--data', bad, ...SMALL);
      }
      await succeed('train', '--data', images('good', false), ...SMALL, '--out', out);
      expect(readdirSync(out).filter((name) => name.startsWith('.'))).toEqual([]);
    },
    SLOW,
  );

  it(
    'of predict and embed',
    async () => {
      const run = join(folder, 'deep', 'run');
      const bad = images('bad2', true);
      const out = join(folder, 'answers.csv');
      for (const [command, ...args] of [['predict'], ['predict', '--tta', '2'], ['embed']]) {
        const { code, stderr } = await tuningfork([command, run, '--data', bad, ...args, '--out', out]);
        expect([code, stderr]).toEqual([2, expect.stringMatching(/bad2\/cats\/0\.png/)]);
        expect(readdirSync(folder).filter((name) => name.startsWith('answers'))).toEqual([]);
      }
      await succeed('predict', run, '--data', images('good2', false), '--out', out);
      expect(readdirSync(folder).filter((name) => name.startsWith('answers'))).toEqual(['answers.csv']);
    },
    SLOW,
  );
});

/** Resolves when a file is there. */
async function appears(path: string): Promise<void> {
  const parent = join(path, '..');
  await new Promise<void>((resolve) => {
    const look = () => existsSync(path) && resolve();
    watch(parent, look);
    look();
  });
}

describe('a second process is refused, with the process and the host of the first', () => {
  it(
    'train and predict; what a killed one left is taken over',
    async () => {
      const out = join(folder, 'busy');
      mkdirSync(out);
      const command = ['train', '--data', 'synthetic:60', ...SMALL, '--adapter', 'lavapipe', '--out', out];
      // Stops, and does not end, when it writes its first checkpoint.
      const moment = { file: '/\\.checkpoint\\.', operation: 'open', nth: 1, signal: 'SIGSTOP' };
      const env = { ...process.env, PLUG: JSON.stringify(moment) };
      const first = spawn(process.execPath, ['--import', PLUG, PROGRAM, ...command], { stdio: 'ignore', env });
      const ended = new Promise((resolve) => first.on('close', resolve));
      await appears(join(out, 'config.json'));
      const { code, stderr } = await tuningfork(command);
      expect(code).toBe(2);
      expect(stderr).toContain(`${out} is being written by process ${first.pid} on ${hostname()}; wait until it ends`);
      first.kill('SIGKILL');
      await ended;
      expect(existsSync(join(out, '.lock'))).toBe(true);
      await succeed(...command);
      expect(readdirSync(out).filter((name) => name.startsWith('.'))).toEqual([]);

      const rows = join(folder, 'rows.csv');
      writeFileSync(`${rows}.lock`, `${JSON.stringify({ pid: process.pid, host: hostname(), started: null })}\n`);
      const predict = ['predict', out, '--data', 'synthetic:9', '--out', rows];
      expect((await tuningfork(predict)).stderr).toContain(`rows.csv is being written by process ${process.pid} on`);
      rmSync(`${rows}.lock`);
      await succeed(...predict);
      expect(readdirSync(folder).filter((name) => name.startsWith('rows'))).toEqual(['rows.csv']);
    },
    SLOW,
  );
});
