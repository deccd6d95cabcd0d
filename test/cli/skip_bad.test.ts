import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHUNK, KEPT_CHUNKS, goodImages } from '../../cli/good_images.ts';
import { UserError } from '../../engine/user_error.ts';
import type { Dataset } from '../../vision/data/dataset.ts';
import { MachineFault } from '../../vision/data/machine_fault.ts';
import { SILENT } from '../../vision/progress.ts';
import { NO_AUGMENTATION } from '../../vision/view/view.ts';
import { ViewMaker } from '../../vision/view/views.ts';
import { PROGRAM, fail, succeed, tuningfork } from './cli.ts';
import { shape } from './shapes.ts';

const PLUG = fileURLToPath(new URL('../vision/plug.mjs', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-skip-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const lines = (path: string) => readFileSync(path, 'utf8').trim().split('\n');

describe('images asked for in chunks', () => {
  const COUNT = 2 * CHUNK + 50;
  /** How often each is decoded; those of `faults` cannot be. */
  function dataset(faults: ReadonlyMap<number, Error>): { data: Dataset; loads: number[] } {
    const loads = new Array<number>(COUNT).fill(0);
    const data: Dataset = {
      name: 'counted',
      examples: Array.from({ length: COUNT }, (_, i) => ({ id: `image ${i}` })),
      notes: [],
      async load(i) {
        loads[i]++;
        if (faults.has(i)) throw faults.get(i)!;
        return { width: 2, height: 2, data: new Uint8Array(12) };
      },
      close: async () => undefined,
    };
    return { data, loads };
  }
  const bad = [20, 21, 22, 23, 24, 25, 140];
  const faults = new Map(bad.map((i) => [i, new UserError(`image ${i} is cut off`)]));
  const normalisation = { mean: [0, 0, 0], std: [1, 1, 1] };
  const asked = { title: 'looking', range: [10, COUNT - 10], done: 0, skipBad: true } as const;

  async function look(found: ReadonlyMap<number, Error>, how: object = {}) {
    const { data, loads } = dataset(found);
    const views = new ViewMaker(data, { size: 2, crop: 2, normalisation }, NO_AUGMENTATION, 0, KEPT_CHUNKS);
    const told: string[] = [];
    const progress = { ...SILENT, line: (text: string) => told.push(text) };
    const good: number[] = [];
    let left = 0;
    for await (const { before, examples, bad } of goodImages(views, { ...asked, ...how }, progress)) {
      expect(before % CHUNK).toBe(0);
      await views.feeds(examples.map((example) => views.plain(example)));
      good.push(...examples);
      left += bad;
    }
    return { good, left, told, loads };
  }
  const within = (first: number, end: number) => Array.from({ length: end - first }, (_, i) => first + i);

  it('are decoded once, and only those asked for; of the bad the first are named', async () => {
    const { good, left, told, loads } = await look(faults);
    expect(good).toEqual(within(10, COUNT - 10).filter((i) => !bad.includes(i)));
    expect(left).toBe(7);
    expect(loads).toEqual(loads.map((_, i) => Number(i >= 10 && i < COUNT - 10)));
    expect(told).toEqual([
      ...bad.slice(0, 5).map((i) => `skipped: image ${i} is cut off`),
      'more images are skipped, and counted at the end',
    ]);
  });

  it('go on behind what is done', async () => {
    const { good, left, loads } = await look(faults, { done: CHUNK });
    expect(good).toEqual(within(10 + CHUNK, COUNT - 10).filter((i) => !bad.includes(i)));
    expect([left, loads[9 + CHUNK]]).toEqual([1, 0]);
  });

  it('end at the first that is bad, unless they are skipped, and at a fault of the machine in any case', async () => {
    await expect(look(faults, { skipBad: false })).rejects.toThrow('image 20 is cut off');
    const fault = new MachineFault('image 200 cannot be read (EIO)');
    await expect(look(new Map([...faults, [200, fault]]))).rejects.toBe(fault);
  });
});

describe('--skip-bad of a prediction', () => {
  let [run, data, whole]: string[] = [];
  const bad = ['3', '107', '108', '250'];
  const predict = (out: string, ...args: string[]) => ['predict', run, '--data', data, '--out', out, ...args];
  const skip = async (...args: string[]) => {
    const { code, stderr } = await tuningfork([...args, '--skip-bad', '--adapter', 'lavapipe']);
    expect(code, stderr).toBe(0);
    return stderr;
  };

  beforeAll(async () => {
    [run, data, whole] = [at('run'), at('pictures'), at('whole.csv')];
    mkdirSync(data);
    for (let i = 0; i < 300; i++) writeFileSync(join(data, `${i}.png`), shape(i % 3, i));
    const small = '--data synthetic:60 --model vgg_small --width 0.25 --size 32 --batch 8 --epochs 1 --tta 1';
    await succeed('train', ...small.split(' '), '--out', run);
    await succeed(...predict(whole));
    for (const id of bad) writeFileSync(join(data, `${id}.png`), 'no image');
  });
  const good = () => lines(whole).filter((line) => !bad.includes(line.split(',')[0]));

  it('leaves their rows out, names and counts them', async () => {
    const told = await skip(...predict(at('left.csv')));
    expect(lines(at('left.csv'))).toEqual(good());
    for (const id of bad) expect(told).toMatch(new RegExp(`^skipped: .*pictures/${id}\\.png is no image`, 'm'));
    expect(told).toMatch(/^4 images were skipped$/m);
  });

  it('goes on where it stopped', async () => {
    const out = at('stopped.csv');
    const moment = { file: 'stopped.*state.json.*tmp$', operation: 'renamed', nth: 2, signal: 'SIGKILL' };
    const words = ['--import', PLUG, PROGRAM, ...predict(out), '--skip-bad', '--adapter', 'lavapipe'];
    const child = spawn(process.execPath, words, {
      stdio: 'ignore',
      env: { ...process.env, PLUG: JSON.stringify(moment) },
    });
    expect(await new Promise((resolve) => child.on('close', (_, signal) => resolve(signal)))).toBe('SIGKILL');
    const told = await skip(...predict(out));
    expect(told).toMatch(/^128 of 300 were predicted before$/m);
    expect(told).toMatch(/^4 images were skipped$/m);
    expect(lines(out)).toEqual(good());
    expect(readdirSync(folder).filter((name) => name.startsWith('stopped'))).toEqual(['stopped.csv']);
  });

  it('is counted when parts are put together', async () => {
    const parts = at('parts');
    expect(await fail(...predict(parts, '--shard', '1/2'))).toMatch(/\.png is no image/);
    for (const shard of ['1/2', '2/2']) await skip(...predict(parts, '--shard', shard));
    expect(await succeed('predict', 'merge', parts, '--out', at('merged.csv'))).toBe(
      `296 rows of 2 parts, 4 images were skipped: ${at('merged.csv')}\n`,
    );
    expect(lines(at('merged.csv'))).toEqual(good());
    // One that is lost is not one that was skipped.
    const other = at('other');
    cpSync(parts, other, { recursive: true });
    const state = join(other, 'shard-2-of-2.csv.state.json');
    writeFileSync(state, readFileSync(state, 'utf8').replace(/"bad":\d+/, '"bad":0'));
    expect(await fail('predict', 'merge', other, '--out', at('no.csv'))).toMatch(
      /rows of 29\d images, and 300 were asked/,
    );
  });
});
