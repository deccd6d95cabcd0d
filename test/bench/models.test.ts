import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { benchModels, compare, share, type ModelBenchOptions } from '../../bench/models.ts';
import { columns, showModelBench } from '../../bench/show.ts';

const program = (...args: string[]) => [fileURLToPath(new URL('fake_contender.mjs', import.meta.url)), ...args];

const options = (...contenders: ModelBenchOptions['contenders']): ModelBenchOptions => ({
  job: { work: 'train', batch: 2, size: 32 },
  repeats: 3,
  cold: false,
  profile: true,
  contenders,
});

describe('the comparison of outputs', () => {
  const opened = (name: string, description: string, ...outputs: number[][]) => ({
    process: { name },
    opened: { adapter: { vendor: '', architecture: '', description, software: true } },
    outputs,
  });

  it('passes within the tolerance of each run', () =>
    compare(opened('a', 'x', [1], [2]), opened('b', 'x', [1.0005], [2.01]), [1e-3, 1e-2]));
  it('refuses what differs, naming the run', () => {
    expect(() => compare(opened('a', 'x', [1], [2]), opened('b', 'x', [1], [2.1]), [1e-3, 1e-2])).toThrow(
      /b computes something else than a: relative difference 5\.0e-2 in run 2/,
    );
  });
  it('refuses what is no number', () =>
    expect(() => compare(opened('a', 'x', [1]), opened('b', 'x', [NaN]), [1e-3])).toThrow('something else'));
  it('refuses different adapters', () =>
    expect(() => compare(opened('a', 'x', [1]), opened('b', 'y', [1]), [1e-3])).toThrow('a runs on x and b on y'));
});

describe('a benchmark of made-up engines', () => {
  it('takes turns, compares, and shows what it found', async () => {
    const said: string[] = [];
    const result = await benchModels({
      ...options(['ours', program('5')], ['theirs', program('5')]),
      onProgress: (text) => said.push(text),
    });
    expect(said.slice(2, 6)).toEqual([
      'ours: run 1 of 3',
      'theirs: run 1 of 3',
      'ours: run 2 of 3',
      'theirs: run 2 of 3',
    ]);
    expect(result.contenders.map(({ name, runs, difference }) => [name, runs.length, difference])).toEqual([
      ['ours', 3, null],
      ['theirs', 3, [0, 0]],
    ]);
    expect(result.contenders[0].memory.resident).toBeGreaterThan(2 ** 20);
    expect(result.kernels).toEqual([{ kernel: 'naive', steps: 4, milliseconds: 2 }]);
    const text = showModelBench(result);
    expect(text).toContain('SOFTWARE adapter');
    expect(text).toMatch(/ours takes \d+\.\d{3} of the time of theirs/);
    expect(text).toMatch(/naive +4 +2\.00 +1\.00 +100\.0 %/);
  });
  it('times nothing where outputs differ', async () => {
    const said: string[] = [];
    await expect(
      benchModels({
        ...options(['ours', program('5')], ['theirs', program('6')]),
        onProgress: (text) => said.push(text),
      }),
    ).rejects.toThrow('theirs computes something else');
    expect(said).toEqual(['ours: first run', 'theirs: first run']);
  });
  it('says what went wrong in a contender', async () => {
    await expect(benchModels(options(['ours', program('fails')]))).rejects.toThrow(
      'ours could not open: there is no adapter',
    );
    await expect(benchModels(options(['ours', program('dies')]))).rejects.toThrow(
      /the process of ours ended \(exit code 3\) when asked to open: out of something/,
    );
  });
});

it('a share is the median over pairs, which a burst of other work on one pair leaves alone', () =>
  expect(share([1, 50, 1], [4, 100, 4])).toBe(0.25));
it('columns are as wide as their widest text', () =>
  expect(
    columns([
      ['a', 'bb'],
      ['ccc', 'd'],
    ]),
  ).toBe('a    bb\nccc   d'));
