import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { benchGrowth, showGrowth, writeGrowthPage, type GrowthOptions } from '../../bench/growth.ts';

const options = (...args: string[]): GrowthOptions => ({
  work: 'forward',
  batches: [1, 2],
  sizes: [32, 64],
  batch: 1,
  size: 32,
  repeats: 2,
  limit: 1,
  program: [fileURLToPath(new URL('fake_contender.mjs', import.meta.url)), ...args],
});

it('measures along both series and draws them', async () => {
  const result = await benchGrowth(options('5'));
  expect(result.points.map(({ along, batch, size, run }) => [along, batch, size, run.median])).toEqual([
    ['batch', 1, 32, 10],
    ['batch', 2, 32, 10],
    ['size', 1, 32, 10],
    ['size', 1, 64, 10],
  ]);
  expect(result.ends).toEqual([]);
  expect(showGrowth(result)).toMatch(/\n2 +32 +10\.0 +5\.0 +10\.0 to 10\.0 +7\.5 /);
  const folder = mkdtempSync(join(tmpdir(), 'tuningfork-growth-'));
  try {
    await writeGrowthPage(folder, result);
    expect(readFileSync(join(folder, 'growth.html'), 'utf8').match(/<svg/g)).toHaveLength(4);
    expect(JSON.parse(readFileSync(join(folder, 'growth.json'), 'utf8'))).toEqual(result);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
it('ends a series where a run takes too long', async () => {
  const { points, ends } = await benchGrowth({ ...options('5'), limit: 0.005 });
  expect(points).toHaveLength(2);
  expect(ends).toEqual([
    'batch 1, 32 pixels: a run takes longer than 0.005 s, the series ends here',
    'batch 1, 32 pixels: a run takes longer than 0.005 s, the series ends here',
  ]);
});
it('ends a series where a point cannot be measured, and goes on with the other', async () => {
  const { points, ends } = await benchGrowth(options('5', '1'));
  expect(points.map(({ batch, size }) => [batch, size])).toEqual([
    [1, 32],
    [1, 32],
    [1, 64],
  ]);
  expect(ends).toEqual(['batch 2, 32 pixels: tuningfork could not open: the batch is too large']);
});
it('fails where the first point does', async () => {
  await expect(benchGrowth(options('fails'))).rejects.toThrow('tuningfork could not open: there is no adapter');
});
