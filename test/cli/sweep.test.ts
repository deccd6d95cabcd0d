import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expandGrid } from '../../cli/sweep_grid.ts';
import { fail, succeed, tuningfork } from './cli.ts';

const names = (grid: unknown) => expandGrid(grid, 'grid.json').map(({ name }) => name);

describe('a grid', () => {
  it('is all combinations, called after what is tried', () => {
    expect(expandGrid({ lr: [1e-3, 1e-7], size: [32, 48], keep: 'last' }, 'g')).toEqual([
      { name: 'lr=0.001_size=32', options: { lr: 1e-3, size: 32, keep: 'last' } },
      { name: 'lr=0.001_size=48', options: { lr: 1e-3, size: 48, keep: 'last' } },
      { name: 'lr=1e-7_size=32', options: { lr: 1e-7, size: 32, keep: 'last' } },
      { name: 'lr=1e-7_size=48', options: { lr: 1e-7, size: 48, keep: 'last' } },
    ]);
    expect(names({ lr: 1 })).toEqual(['all']);
    expect(names({ weights: ['a/x y.safetensors', 'b/x y.safetensors'], flip: [true] })).toEqual([
      'weights=x-y.safetensors_flip=true',
      'weights=x-y.safetensors_flip=true_2',
    ]);
  });

  it('keeps its names when it grows', () => {
    const few = names({ lr: [1, 2], size: [32] });
    expect(names({ lr: [1, 2, 3], size: [32, 48] })).toEqual(expect.arrayContaining(few));
  });

  const GRID = {
    random: 400,
    seed: 3,
    lr: { log: [1e-5, 1e-1] },
    dropout: { uniform: [0, 0.5] },
    size: [32, 48],
    keep: 'last',
  };

  it('drawn at random is the same for a seed, and begins the same when more is drawn', () => {
    const runs = expandGrid(GRID, 'g');
    expect(expandGrid(GRID, 'g')).toEqual(runs);
    expect(expandGrid({ ...GRID, random: 8 }, 'g')).toEqual(runs.slice(0, 8));
    expect(expandGrid({ ...GRID, seed: 4 }, 'g')).not.toEqual(runs);
    expect(new Set(runs.map(({ name }) => name)).size).toBe(400);
    for (const { name, options } of runs) {
      expect(name).toBe(`lr=${options['lr']}_dropout=${options['dropout']}_size=${options['size']}`);
      expect(options['keep']).toBe('last');
    }
  });

  it('draws evenly within its ranges', () => {
    const runs = expandGrid(GRID, 'g').map(({ options }) => options as Record<string, number>);
    // Binomial with n = 400: the share of a quarter is within four standard deviations, 4·√(¼·¾/400) = 0.087, of it.
    const share = (of: (options: Record<string, number>) => boolean) => runs.filter(of).length / 400;
    for (const quarter of [0, 1, 2, 3]) {
      const [low, high] = [10 ** (quarter - 5), 10 ** (quarter - 4)];
      expect(Math.abs(share(({ lr }) => lr >= low && lr < high) - 0.25)).toBeLessThan(0.087);
      expect(Math.abs(share(({ dropout: d }) => d >= quarter / 8 && d < (quarter + 1) / 8) - 0.25)).toBeLessThan(0.087);
    }
    expect(Math.abs(share(({ size }) => size === 32) - 0.5)).toBeLessThan(0.1);
    for (const { lr, dropout } of runs) {
      expect(lr >= 1e-5 && lr <= 0.1 && dropout >= 0 && dropout <= 0.5).toBe(true);
      expect(Number(lr.toPrecision(3))).toBe(lr);
    }
  });

  it.each<[string, unknown, RegExp]>([
    ['a list', [1], /^g: a grid is a JSON object/],
    ['an empty list', { lr: [] }, /"lr" must be a value or a list of values \(a range needs "random"/],
    ['a value twice', { lr: [1, 1] }, /"lr" lists a value twice/],
    ['a range without random', { lr: { log: [1, 2] } }, /a range needs "random"/],
    ['no number of draws', { random: 0 }, /"random" is the number of trainings, 1 to 10000, not 0/],
    ['a seed that is none', { random: 1, seed: -1 }, /"seed" of a random sweep is a whole number/],
    ['a range upside down', { random: 1, lr: { log: [2, 1] } }, /"lr" must be \{"log": \[low, high\]\}/],
    ['a logarithm of 0', { random: 1, lr: { log: [0, 1] } }, /0 < low < high/],
    ['a range of another kind', { random: 1, lr: { normal: [0, 1] } }, /not \{"normal":\[0,1\]\}/],
    ['two ranges in one', { random: 1, lr: { log: [1, 2], uniform: [1, 2] } }, /"lr" must be/],
    ['more draws than there are', { random: 3, lr: [1, 2] }, /only 2 different combinations for "random": 3/],
    [
      'too many',
      Object.fromEntries(['a', 'b', 'c'].map((k) => [k, [...Array(30).keys()]])),
      /27000 combinations are more than 10000/,
    ],
  ])('refuses %s', (_, grid, message) => {
    expect(() => expandGrid(grid, 'g')).toThrow(message);
  });
});

const SMALL = '--data synthetic:60 --model vgg_small --width 0.25 --batch 8 --epochs 1 --tta 1 --tuning none'.split(
  ' ',
);

describe('sweep', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tuningfork-sweep-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const grid = (json: unknown) => {
    const path = join(folder, 'grid.json');
    writeFileSync(path, typeof json === 'string' ? json : JSON.stringify(json));
    return path;
  };

  it('trains what is not finished, goes on after a training that fails, and compares, the best first', async () => {
    const out = join(folder, 'runs');
    const path = grid({ lr: [1e-3, 1e-4, 10], clip: 1e9 });
    expect(await succeed('sweep', path, ...SMALL, '--size', '32', '--out', out, '--run', '2')).toBe(
      `Training 2 of 3 is finished: ${out}/lr=0.0001\n`,
    );
    expect(readdirSync(out)).toEqual(['lr=0.0001']);
    const before = statSync(join(out, 'lr=0.0001', 'model.safetensors')).mtimeMs;
    // A folder of another training is in the way of the first.
    await succeed('train', ...SMALL, '--size', '48', '--out', join(out, 'lr=0.001'));
    rmSync(join(out, 'lr=0.001', 'report.html'));
    const { code, stdout, stderr } = await tuningfork([
      'sweep',
      path,
      ...SMALL,
      '--size',
      '32',
      '--out',
      out,
      '--adapter',
      'lavapipe',
    ]);
    expect(stderr).toMatch(/^lr=0\.001 failed: .*holds a run with other options \(size was 48 and is now 32/m);
    expect(stderr).toMatch(
      /^tuningfork: (1 of 3 trainings is not finished \(lr=0\.001 failed\)|2 of 3 trainings are)/m,
    );
    expect(code).toBe(2);
    expect(statSync(join(out, 'lr=0.0001', 'model.safetensors')).mtimeMs).toBe(before);
    const accuracies = [...stdout.matchAll(/lr=\S+ +(0\.\d{3}|1\.000) /g)].map(([, value]) => Number(value));
    expect(accuracies.length).toBeGreaterThanOrEqual(2);
    expect([...accuracies].sort((a, b) => b - a)).toEqual(accuracies);
    expect(existsSync(join(out, 'compare.html'))).toBe(true);
    expect(JSON.parse(readFileSync(join(out, 'lr=0.0001', 'config.json'), 'utf8'))).toMatchObject({
      size: 32,
      tune: { learningRate: 1e-4 },
      clip: 1e9,
    });
  });

  it('refuses what is finished with other options, from the command line or the grid', async () => {
    const out = join(folder, 'begun');
    const given = [...SMALL, '--size', '32', '--out', out];
    const one = { lr: [1e-3], dropout: 0.1 };
    await succeed('sweep', grid(one), ...given);
    const before = statSync(join(out, 'lr=0.001', 'report.html')).mtimeMs;
    expect(await succeed('sweep', grid(one), ...given)).toContain('lr=0.001');
    for (const command of [['sweep'], ['slurm', 'sweep']]) {
      const again = (json: unknown, ...args: string[]) => fail(...command, grid(json), ...given, ...args);
      expect(await again(one, '--epochs', '2', '--seed', '3')).toMatch(
        /lr=0\.001 holds a run with other options \(seed was 1 and is now 3; tune was .*"epochs":1.* and is now .*"epochs":2/,
      );
      expect(await again({ ...one, dropout: 0.3 })).toMatch(/dropout was 0\.1 and is now 0\.3/);
      expect(await again(one, '--data', 'synthetic:61')).toMatch(/data was "synthetic:60" and is now "synthetic:61"/);
    }
    expect(statSync(join(out, 'lr=0.001', 'report.html')).mtimeMs).toBe(before);
  });

  it.each<[string, unknown, string[], RegExp]>([
    ['what is no JSON', '{"lr": [1e-3', [], /grid\.json is not JSON: /],
    ['an option that is none', { rate: [1] }, [], /grid\.json: "rate" is no option of a sweep; .*"weight-decay"/],
    ['the folder as an option', { out: ['a'] }, [], /"out" is no option of a sweep/],
    [
      'a value that the option refuses',
      { size: [32, 8] },
      [],
      /grid\.json: "size" cannot be 8\. It must be a whole number from 32/,
    ],
    ['a choice that is none', { keep: ['first'] }, [], /"keep" cannot be "first"\. Allowed choices are best, last/],
    ['a word for a switch', { flip: ['no'] }, [], /"flip" is true or false, not "no"/],
    ['options that do not fit', { head: ['tree'] }, [], /grid\.json: head=tree: --head says nothing to --task smooth/],
    ['a training that is none', { lr: [1] }, ['--run', '2'], /--run 2: .*grid\.json asks for 1 trainings; give 1 to 1/],
  ])('refuses %s before anything is written', async (_, json, args, message) => {
    const out = join(folder, 'none');
    expect(await fail('sweep', grid(json), ...args, '--out', out)).toMatch(message);
    expect(existsSync(out)).toBe(false);
  });
});
