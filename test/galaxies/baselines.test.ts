import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { centralColour, centralColours, centralPixel, judge, meanVotes } from '../../galaxies/challenge/baselines.ts';
import { challengeRmse } from '../../galaxies/challenge/rmse.ts';
import { SILENT } from '../../vision/progress.ts';
import type { Galaxies } from '../../galaxies/galaxy.ts';
import type { RgbImage } from '../../vision/data/rgb_image.ts';
import { openDataset } from '../../galaxies/open_dataset.node.ts';
import { parseIdRanges, split } from '../../vision/data/split.ts';
import { testData } from '../data.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray, uniform } from '../random.ts';
import * as reference from '../reference/kmeans.ts';

const COLUMNS = 37;

/** An image of one colour with a frame of another that lies outside of the central 10 x 10 pixels. */
function framed(side: number, colour: readonly number[], frame: readonly number[]): RgbImage {
  const data = new Uint8Array(side * side * 3);
  const first = (side - 10) >> 1;
  const inside = (at: number) => at >= first && at < first + 10;
  for (let i = 0; i < side * side; i++)
    data.set(inside(Math.floor(i / side)) && inside(i % side) ? colour : frame, i * 3);
  return { width: side, height: side, data };
}

/** Galaxies of these colours and votes. */
const sky = (colours: readonly (readonly number[])[], votes: readonly Float32Array[]): Galaxies => ({
  name: 'sky',
  notes: [],
  examples: votes.map((all, i) => ({
    id: `g${i}`,
    votes: { smooth: all[0], featured: all[1], artifact: all[2], all },
  })),
  load: async (i) => framed(24 + (i % 3), colours[i], [i % 256, 99, 7]),
  close: async () => {},
});

describe('the central colour', () => {
  it('is the mean of the central 10 x 10 pixels, whatever is around them', () => {
    for (const side of [10, 11, 24, 25, 424])
      expect(centralColour(framed(side, [10, 20, 250], [255, 255, 255]))).toEqual([10, 20, 250]);
    const data = Uint8Array.from({ length: 12 * 14 * 3 }, (_, i) => (i * 37) % 251);
    let sums = [0, 0, 0];
    for (let row = 2; row < 12; row++)
      for (let column = 1; column < 11; column++) sums = sums.map((sum, c) => sum + data[(row * 12 + column) * 3 + c]);
    expect(centralColour({ width: 12, height: 14, data })).toEqual(sums.map((sum) => sum / 100));
  });

  it('is that of the whole image where it is smaller', () => {
    expect(centralColour({ width: 2, height: 1, data: Uint8Array.of(0, 10, 255, 100, 20, 255) })).toEqual([
      50, 15, 255,
    ]);
  });

  it('is found for more galaxies than are decoded at once, few at a time', async () => {
    const colours = Array.from({ length: 100 }, (_, i) => [i, 255 - i, 3]);
    const dataset = sky(
      colours,
      colours.map(() => new Float32Array(COLUMNS)),
    );
    let [now, most] = [0, 0];
    const counting: Galaxies = {
      ...dataset,
      async load(index) {
        most = Math.max(most, ++now);
        await new Promise((done) => setTimeout(done, 1));
        now--;
        return dataset.load(index);
      },
    };
    const wanted = colours.map((_, i) => 99 - i);
    expect([...(await centralColours(counting, wanted, SILENT))]).toEqual(wanted.flatMap((i) => colours[i]));
    expect(most).toBeLessThanOrEqual(32);
  });
});

describe('the mean', () => {
  it("is each column's over the galaxies given, and is judged on others", () => {
    const votes = Array.from({ length: 9 }, (_, i) => randomArray(COLUMNS, i, 0, 1));
    const dataset = sky(
      votes.map(() => [0, 0, 0]),
      votes,
    );
    const mean = meanVotes(dataset, [0, 2, 5]);
    mean.forEach((v, c) => expect(v).toBeCloseTo((votes[0][c] + votes[2][c] + votes[5][c]) / 3, 14));
    expect(judge(dataset, [1, 8], () => mean)).toEqual(challengeRmse([...mean, ...mean], [votes[1], votes[8]]));
  });
});

describeAdapters('the central pixel', (device) => {
  const random = uniform(1);
  const kinds = [
    [250, 240, 200],
    [10, 10, 60],
    [120, 60, 20],
  ];
  const n = 90;
  const kind = (i: number) => i % 3;
  const colours = Array.from({ length: n }, (_, i) => kinds[kind(i)].map((v) => v + Math.floor(5 * random())));
  const answers = kinds.map((_, k) => randomArray(COLUMNS, k, 0, 1));
  const train = Array.from({ length: 60 }, (_, i) => i);
  const judged = Array.from({ length: n - 60 }, (_, i) => 60 + i);

  it('answers rightly where the colour tells all', async () => {
    const dataset = sky(
      colours,
      colours.map((_, i) => answers[kind(i)]),
    );
    const { figures, empty, settled } = await centralPixel(
      device(),
      { dataset, train, judged },
      { k: 3, seed: 1 },
      SILENT,
    );
    expect([empty, settled]).toEqual([0, true]);
    // Means of 20 equal numbers round.
    expect(figures.rmse).toBeLessThan(1e-14);
  });

  it('answers for a cluster of one galaxy with its votes', async () => {
    // Three galaxies of three kinds, a cluster each, judged on themselves.
    const own = kinds.map((_, k) => Array.from({ length: n }, (_, i) => i).find((i) => kind(i) === k)!);
    const dataset = sky(
      colours,
      colours.map((_, i) => answers[kind(i)]),
    );
    const { figures, empty } = await centralPixel(
      device(),
      { dataset, train: own, judged: own },
      { k: own.length, seed: 1 },
      SILENT,
    );
    expect([empty, figures.rmse]).toEqual([0, 0]);
  });

  it('with one cluster is the mean', async () => {
    const dataset = sky(
      colours,
      colours.map((_, i) => randomArray(COLUMNS, i, 0, 1)),
    );
    const { figures } = await centralPixel(device(), { dataset, train, judged }, { k: 1, seed: 1 }, SILENT);
    const mean = meanVotes(dataset, train);
    expect(figures).toEqual(judge(dataset, judged, () => mean));
  });

  it('is what the reference makes of the same clusters, judged on galaxies it learned from too', async () => {
    const votes = colours.map((_, i) => randomArray(COLUMNS, i, 0, 1));
    const dataset = sky(colours, votes);
    const all = [...train, ...judged];
    const { figures } = await centralPixel(device(), { dataset, train, judged: all }, { k: 3, seed: 1 }, SILENT);
    // Three kinds of colours far apart: whatever the first centres are, these are the clusters, and the means of
    // colours tell which galaxy is in which.
    const centres = kinds.flatMap((_, k) =>
      [0, 1, 2].map((c) => train.filter((i) => kind(i) === k).reduce((sum, i) => sum + colours[i][c], 0) / 20),
    );
    const clusters = reference.nearestCentre(Float64Array.from(colours.flat()), centres, 3);
    const predicted = all.flatMap((i) => [
      ...meanVotes(
        dataset,
        train.filter((t) => clusters[t] === clusters[i]),
      ),
    ]);
    expect(figures.rmse).toBeCloseTo(challengeRmse(predicted, votes).rmse, 13);
  });

  it('answers with the mean where a cluster has no training galaxy', async () => {
    // Two colours in training and four clusters: two are empty, and are never nearer than those on the same spot before
    // them.
    const dataset = sky(
      colours.map((_, i) => kinds[i % 2]),
      colours.map((_, i) => answers[i % 2]),
    );
    const { figures, empty, clusters } = await centralPixel(
      device(),
      { dataset, train, judged },
      { k: 4, seed: 1 },
      SILENT,
    );
    expect([clusters, empty]).toEqual([4, 2]);
    expect(figures.rmse).toBeLessThan(1e-14);
  });
});

describe.runIf(testData())('on real galaxies', () => {
  it('zeros, ones and the mean give the figures that an independent program gave', async () => {
    const dataset = await openDataset(join(testData()!, 'galaxies'));
    try {
      const { train, validation } = split(
        dataset.examples.map(({ id }) => id),
        dataset.examples.map(({ votes }) => (votes ? '' : null)),
        { valFraction: 0.2, trainOnly: parseIdRanges('0-100007,108650-945989,999968-99999999') },
      );
      expect([train.length, validation.length]).toEqual([3120, 658]);
      const constant = (value: number) => judge(dataset, validation, () => new Float64Array(COLUMNS).fill(value)).rmse;
      expect(constant(0)).toBeCloseTo(0.2727093034956261, 7);
      expect(constant(1)).toBeCloseTo(0.8961914545563839, 7);
      const mean = meanVotes(dataset, train);
      expect(judge(dataset, validation, () => mean).rmse).toBeCloseTo(0.16724390074986503, 7);
    } finally {
      await dataset.close();
    }
  });
});
