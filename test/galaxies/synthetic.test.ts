import { describe, expect, it } from 'vitest';
import { CHALLENGE_COLUMNS } from '../../galaxies/columns.ts';
import type { RgbImage } from '../../vision/data/rgb_image.ts';
import { label, labelTable } from '../../galaxies/labels.ts';
import { openDataset } from '../../galaxies/open_dataset.node.ts';
import { Random, randomBits, randomKey } from '../../galaxies/random.ts';
import { parseSynthetic, syntheticDataset } from '../../galaxies/synthetic.ts';
import { drawGalaxy } from '../../galaxies/synthetic_galaxy.ts';

describe('random numbers', () => {
  it('are uniform and normal', () => {
    const random = new Random(1, 2, 3);
    const uniform = Array.from({ length: 20_000 }, () => random.uniform());
    const normal = Array.from({ length: 20_000 }, () => random.normal(2, 3));
    const mean = (v: number[]) => v.reduce((a, b) => a + b, 0) / v.length;
    const variance = (v: number[]) => mean(v.map((x) => x * x)) - mean(v) ** 2;
    expect(mean(uniform)).toBeCloseTo(0.5, 1.7);
    expect(variance(uniform)).toBeCloseTo(1 / 12, 2);
    expect(Math.abs(mean(normal) - 2)).toBeLessThan(0.1);
    expect(Math.abs(variance(normal) - 9)).toBeLessThan(0.5);
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...uniform)).toBeLessThan(1);
  });

  it('differ by seed, index, purpose and counter, in many bits', () => {
    const base = randomBits(randomKey(1, 1, 1), 0);
    const others = [
      randomBits(randomKey(2, 1, 1), 0),
      randomBits(randomKey(1, 2, 1), 0),
      randomBits(randomKey(1, 1, 2), 0),
      randomBits(randomKey(1, 1, 1), 1),
    ];
    for (const other of others) {
      const differing = (base ^ other).toString(2).replace(/[^1]/g, '').length;
      expect(differing).toBeGreaterThan(4);
    }
    expect(new Set([base, ...others]).size).toBe(5);
  });

  it('pick in proportion to weights', () => {
    const random = new Random(5, 0, 0);
    const counts = [0, 0, 0];
    for (let i = 0; i < 8000; i++) counts[random.pick([1, 0, 3])]++;
    expect(counts[1]).toBe(0);
    expect(Math.abs(counts[0] / 8000 - 0.25)).toBeLessThan(0.025);
  });
});

describe('the synthetic sky', () => {
  const sky = syntheticDataset(600, 11, { size: 64 });

  it('is the same for the same seed, another for another, and longer ones begin alike', async () => {
    const again = syntheticDataset(20, 11, { size: 64 });
    expect(again.examples).toEqual(sky.examples.slice(0, 20));
    expect(await again.load(7)).toEqual(await sky.load(7));
    expect((await syntheticDataset(20, 12, { size: 64 }).load(7)).data).not.toEqual((await sky.load(7)).data);
    expect((await sky.load(8)).data).not.toEqual((await sky.load(7)).data);
  });

  it('has 38 to 48 volunteers a galaxy, of whom each answers the first question once', () => {
    const numbers = new Set(
      sky.examples.map(({ votes }) => {
        const shares = [...votes!.all!.subarray(0, 3)];
        expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
        const isWhole = (n: number) => shares.every((share) => Math.abs(share * n - Math.round(share * n)) < 1e-4);
        return Array.from({ length: 48 }, (_, i) => i + 1).find(isWhole)!;
      }),
    );
    // The least number that makes all shares whole divides that of the volunteers.
    const possible = Array.from({ length: 11 }, (_, i) => 38 + i);
    for (const least of numbers)
      expect(
        possible.some((n) => n % least === 0),
        `${least}`,
      ).toBe(true);
    expect(numbers).toContain(47);
    expect(numbers).toContain(48);
  });

  it('has both classes and a few ambiguous ones', () => {
    const share = Object.fromEntries(labelTable(sky).map((r) => [r.name, r.share]));
    expect(share.smooth).toBeGreaterThan(0.35);
    expect(share.featured).toBeGreaterThan(0.3);
    expect(share.ambiguous).toBeGreaterThan(0.04);
    expect(share.ambiguous).toBeLessThan(0.2);
  });

  it("keeps the decision tree's sums: what reaches a question is what its answers add up to", () => {
    for (const { votes } of sky.examples) {
      const v = Object.fromEntries(CHALLENGE_COLUMNS.map((name, i) => [name.slice(5), votes!.all![i]]));
      const sum = (q: number, n: number) =>
        Array.from({ length: n }, (_, i) => v[`${q}.${i + 1}`]).reduce((a, b) => a + b, 0);
      expect(Object.values(v).every((x) => x >= 0 && x <= 1)).toBe(true);
      const pairs: [number, number][] = [
        [sum(1, 3), 1],
        [sum(2, 2), v['1.2']],
        [sum(3, 2), v['2.2']],
        [sum(4, 2), sum(3, 2)],
        [sum(10, 3), v['4.1']],
        [sum(11, 6), v['4.1']],
        [sum(5, 4), v['2.2']],
        [sum(9, 3), v['2.1']],
        [sum(7, 3), v['1.1']],
        [sum(6, 2), 1],
        [sum(8, 7), v['6.1']],
      ];
      for (const [left, right] of pairs) expect(left).toBeCloseTo(right, 5);
      const first = [votes!.smooth, votes!.featured, votes!.artifact];
      first.forEach((share, i) => expect(share).toBeCloseTo(v[`1.${i + 1}`], 6));
    }
  });

  it('shows what was voted: seen arms make featured, their absence smooth', () => {
    const drawn = sky.examples.map(({ votes }, i) => ({ votes: votes!, galaxy: drawGalaxy(11, i) }));
    const mean = (chosen: typeof drawn) => chosen.reduce((sum, d) => sum + d.votes.featured, 0) / chosen.length;
    const strong = drawn.filter((d) => (d.galaxy.disc?.arms?.contrast ?? 0) > 0.6 && d.galaxy.disc!.axisRatio > 0.5);
    const weak = drawn.filter((d) => (d.galaxy.disc?.arms?.contrast ?? 1) < 0.3 && d.galaxy.disc!.axisRatio > 0.5);
    const elliptical = drawn.filter((d) => !d.galaxy.disc);
    expect(strong.length).toBeGreaterThan(20);
    expect(mean(strong)).toBeGreaterThan(mean(weak) + 0.3);
    expect(mean(elliptical)).toBeLessThan(0.2);
  });

  it('is dark sky with light in the middle, noise everywhere', async () => {
    for (let i = 0; i < 20; i++) {
      const image = await sky.load(i);
      expect(patch(image, 28, 36)).toBeGreaterThan(patch(image, 0, 8) + 20);
      expect(new Set(image.data).size).toBeGreaterThan(60);
    }
  });

  it('cannot be told apart by colour alone, yet colour helps', async () => {
    const rows: { colour: number; smooth: boolean }[] = [];
    for (let i = 0; i < 400; i++) {
      const name = label(sky.examples[i].votes!);
      if (name) rows.push({ colour: colour(await sky.load(i)), smooth: name === 'smooth' });
    }
    const scores = rows.map(({ colour: cut }) => rows.filter((r) => r.colour > cut === r.smooth).length / rows.length);
    expect(Math.max(...scores)).toBeGreaterThan(0.65);
    expect(Math.max(...scores)).toBeLessThan(0.82);
  });

  it('is 424 pixels wide unless told otherwise', async () => {
    expect((await syntheticDataset(1).load(0)).data.length).toBe(424 * 424 * 3);
  });
});

describe('synthetic:N', () => {
  it('is opened by its name', async () => {
    expect(parseSynthetic('synthetic:400')).toEqual({ count: 400, seed: 0 });
    expect(parseSynthetic('some/folder')).toBeNull();
    const dataset = await openDataset('synthetic:3:9', { size: 32 });
    expect([dataset.name, dataset.examples.length, dataset.examples[2].id]).toEqual(['synthetic:3:9', 3, 's9-2']);
    expect((await dataset.load(2)).width).toBe(32);
    await expect(dataset.load(3)).rejects.toThrow(/no galaxy 3/);
    await dataset.close();
  });

  it('refuses anything else', () => {
    for (const rest of ['', '0', '-4', 'ten', '4:', '4:x', '99999999']) {
      expect(() => parseSynthetic(`synthetic:${rest}`), rest).toThrow(/is not of the form/);
    }
    expect(() => syntheticDataset(0)).toThrow(/not a number of synthetic galaxies/);
    expect(() => syntheticDataset(4, 0, { size: 0.5 })).toThrow(/image size/);
  });
});

/** Mean level of the pixels from..to in both directions. */
function patch(image: RgbImage, from: number, to: number): number {
  let sum = 0;
  for (let y = from; y < to; y++) for (let x = from * 3; x < to * 3; x++) sum += image.data[y * image.width * 3 + x];
  return sum / (3 * (to - from) ** 2);
}

/** Red over blue in the central quarter. */
function colour(image: RgbImage): number {
  const sums = [0, 0, 0];
  const [from, to] = [image.width * 0.375, image.width * 0.625];
  for (let y = from; y < to; y++) {
    for (let x = from; x < to; x++) for (let c = 0; c < 3; c++) sums[c] += image.data[(y * image.width + x) * 3 + c];
  }
  return sums[0] / sums[2];
}
