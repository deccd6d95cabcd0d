import { describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { moveCentres, nearestCentre, seedCentre } from '../../engine/ops/kmeans.ts';
import { input } from '../../engine/ops/leaves.ts';
import { compile } from '../../engine/program/program.ts';
import { cluster, kMeans, nearestCentres, seedCentres } from '../../engine/train/kmeans.ts';
import { UserError } from '../../engine/user_error.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray, uniform } from '../random.ts';
import * as reference from '../reference/kmeans.ts';
import { randomUniform } from '../reference/random.ts';
import { UNIT, expectWithin, sumBound } from '../tolerance.ts';

/**
 * How far a squared distance of d terms, all positive, may be from its value: each term has rounded in the difference
 * and in the square.
 */
const distanceBound = (d: number, distance: number) => sumBound(d + 3, distance);

/**
 * Each chosen centre is a nearest one, or so near a nearest one that rounding can have told them the wrong way round.
 * Returns how many were decided beyond doubt.
 */
function expectNearest(got: ArrayLike<number>, points: Float32Array, centres: ArrayLike<number>, d: number): number {
  const k = centres.length / d;
  const distances = reference.squaredDistances(points, centres, d);
  expect(got.length).toBe(points.length / d);
  let certain = 0;
  for (let i = 0; i < got.length; i++) {
    const row = distances.subarray(i * k, (i + 1) * k);
    const least = Math.min(...row);
    const allowed = (c: number) => row[c] - distanceBound(d, row[c]) <= least + distanceBound(d, least);
    if (!allowed(got[i])) expect.fail(`point ${i}: centre ${got[i]} at ${row[got[i]]}, and the nearest is at ${least}`);
    if (row.filter((_, c) => allowed(c)).length === 1) certain++;
  }
  return certain;
}

/** The centres are the means of their points, and those without points the ones given as `before`. */
function expectMeans(
  got: Float32Array,
  points: Float32Array,
  before: Float32Array,
  nearest: ArrayLike<number>,
  d: number,
): void {
  const want = reference.moveCentres(points, before, nearest, d);
  const k = before.length / d;
  const [count, size] = [new Array<number>(k).fill(0), new Array<number>(k * d).fill(0)];
  for (let i = 0; i < nearest.length; i++) {
    count[nearest[i]]++;
    for (let j = 0; j < d; j++) size[nearest[i] * d + j] += Math.abs(points[i * d + j]);
  }
  // A sum rounds at most twice for each of its points, in its part and when parts are added; WGSL's division is good to
  // 2.5 ulp.
  expectWithin(
    got,
    want,
    (t) => {
      const members = count[Math.floor(t / d)];
      return members === 0 ? 0 : sumBound(2 * members, size[t]) / members + 3 * 2 * UNIT * Math.abs(want[t]);
    },
    'centre',
  );
}

/** Points around k places far from one another. */
function blobs(n: number, k: number, d: number, seed: number): { points: Float32Array; places: Float32Array } {
  const places = Float32Array.from({ length: k * d }, (_, t) => 10 * Math.floor(t / d) * (t % 2 ? -1 : 1) + (t % d));
  const noise = randomArray(n * d, seed);
  return { places, points: noise.map((v, t) => v + places[(Math.floor(t / d) % k) * d + (t % d)]) };
}

/** Lloyd's iterations in float64, as `cluster` makes them; throws where an assignment is too close to call in f32. */
function lloyd(points: Float32Array, initial: Float32Array, d: number) {
  let centres: Float64Array = Float64Array.from(initial);
  const k = initial.length / d;
  for (let iterations = 1; ; iterations++) {
    const nearest = reference.nearestCentre(points, centres, d);
    const distances = reference.squaredDistances(points, centres, d);
    nearest.forEach((c, i) => {
      const others = [...distances.subarray(i * k, (i + 1) * k)].filter((_, other) => other !== c);
      if (Math.min(...others) < distances[i * k + c] * 1.001 + 1e-3) throw new Error(`point ${i} is no fair test`);
    });
    const moved = reference.moveCentres(points, centres, nearest, d);
    if (moved.every((v, t) => v === centres[t])) return { centres, nearest, iterations };
    centres = moved;
  }
}

async function moveOnce(
  device: Device,
  points: Float32Array,
  before: Float32Array,
  nearest: Float32Array,
  d: number,
): Promise<Float32Array> {
  using centres = new Parameter(device, 'centres', [before.length / d, d], before);
  const [x, a] = [input('x', [nearest.length, d]), input('nearest', [nearest.length])];
  using program = await compile(device, { updates: [moveCentres(centres.tensor, x, a)] });
  program.run({ x: points, nearest });
  return centres.read();
}

describeAdapters('k-means', (device) => {
  it.each([
    [1, 1, 1],
    [7, 2, 3],
    [64, 5, 1],
    [65, 64, 5],
    [1000, 6, 3],
    [20_000, 3, 2],
  ])('assigns %d points to the nearest of %d centres of %d coordinates', async (n, k, d) => {
    const [points, centres] = [randomArray(n * d, 1), randomArray(k * d, 2)];
    const certain = expectNearest(await nearestCentres(device(), points, centres, d), points, centres, d);
    expect(certain).toBeGreaterThan(0.99 * n);
  });

  it('of equally near centres takes the first', async () => {
    // All on whole numbers, where nothing rounds.
    const points = Float32Array.of(0, 0, 2, 0, 5, 5);
    expect([...(await nearestCentres(device(), points, Float32Array.of(9, 9, 1, 0, 1, 0, -1, 0), 2))]).toEqual([
      1, 1, 0,
    ]);
  });

  it.each([
    [1, 1, 1],
    [63, 3, 2],
    [64, 1, 3],
    [65, 7, 3],
    [1000, 20, 5],
    [20_000, 3, 2],
    [40_001, 9, 1],
  ])('moves centres to the means of their points: %d points, %d centres, %d coordinates', async (n, k, d) => {
    const [points, before] = [randomArray(n * d, 3), randomArray(k * d, 4)];
    const random = uniform(5);
    // The last of several centres gets no points.
    const nearest = Float32Array.from({ length: n }, () => Math.floor(random() * Math.max(1, k - 1)));
    const got = await moveOnce(device(), points, before, nearest, d);
    expectMeans(got, points, before, nearest, d);
    if (k > 1) expect(got.slice((k - 1) * d)).toEqual(before.slice((k - 1) * d));
    expect(await moveOnce(device(), points, before, nearest, d)).toEqual(got);
  });

  it.each([
    [60, 3, 2],
    [500, 5, 3],
    [333, 2, 7],
  ])(
    'goes the way of the reference from the same centres, where no point is close to call: %d points, %d clusters, %d coordinates',
    async (n, k, d) => {
      const { points, places } = blobs(n, k, d, 6);
      const initial = places.map((v, t) => v + (t % 3) - 1);
      const want = lloyd(points, initial, d);
      const got = await cluster(device(), points, initial, d);
      expect([...(await nearestCentres(device(), points, got.centres, d))]).toEqual(want.nearest);
      expect([got.settled, got.iterations]).toEqual([true, want.iterations]);
      expectWithin(
        got.centres,
        want.centres,
        (t) => sumBound(2 * n, 10 * k + d + 1) + 3 * 2 * UNIT * Math.abs(want.centres[t]),
        'centre',
      );
    },
  );

  it.each([
    [300, 8, 3],
    [2000, 40, 2],
  ])(
    'settles where centres are the means of the points nearest to them: %d points without order, %d clusters',
    async (n, k, d) => {
      const points = randomArray(n * d, 7);
      const { centres, settled } = await kMeans(device(), points, d, { k, seed: 3 });
      expect(settled).toBe(true);
      const nearest = await nearestCentres(device(), points, centres, d);
      expectNearest(nearest, points, centres, d);
      expectMeans(centres, points, centres, nearest, d);
      // Better than the centres it began with.
      expect(reference.inertia(points, centres, d)).toBeLessThan(
        reference.inertia(points, await seedCentres(device(), points, d, k, 3), d),
      );
    },
  );

  it('stops at the limit, and says so', async () => {
    const points = randomArray(3000, 8);
    const { iterations, settled } = await kMeans(device(), points, 3, { k: 20, seed: 1, limit: 2 });
    expect([iterations, settled]).toEqual([2, false]);
  });

  it.each([
    [1, 1, 1, 0],
    [50, 50, 2, 1],
    [700, 12, 3, 4_000_000_000],
    [17_000, 4, 2, 5],
  ])(
    'chooses first centres as k-means++ does: %d points, %d centres, %d coordinates, seed %d',
    async (n, k, d, seed) => {
      const points = randomArray(n * d, 9);
      const centres = await seedCentres(device(), points, d, k, seed);
      const chosen: number[] = [];
      for (let round = 0; round < k; round++) {
        const at = Array.from({ length: n }, (_, i) => i).find((i) =>
          Array.from({ length: d }, (_, j) => points[i * d + j] === centres[round * d + j]).every(Boolean),
        );
        expect(at, `centre ${round} is one of the points`).toBeDefined();
        const weight = (i: number) =>
          round === 0 ? 1 : Math.min(...chosen.map((c) => reference.squaredDistance(points, points, d, i, c)));
        let [before, total] = [0, 0];
        for (let i = 0; i < n; i++) {
          if (i < at!) before += weight(i);
          total += weight(i);
        }
        const [u] = randomUniform(1, seed, round, 0);
        // The running sum passes u·total at the chosen point, but for rounding of sums and of the distances in them.
        const slack = 2 * sumBound(n + d + 5, total);
        expect(u * total).toBeGreaterThanOrEqual(before - slack);
        expect(u * total).toBeLessThanOrEqual(before + weight(at!) + slack);
        chosen.push(at!);
      }
      expect(new Set(chosen).size).toBe(k);
    },
  );

  it('gives the same bits for the same seed, and others for another', async () => {
    const points = randomArray(900, 10);
    const run = async (seed: number) => (await kMeans(device(), points, 3, { k: 7, seed })).centres;
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
  });

  it('has more clusters than different points: the others lie on the first point and get none', async () => {
    const points = Float32Array.of(1, 1, 1, 4, 4);
    const { centres, settled } = await kMeans(device(), points, 1, { k: 4, seed: 2 });
    expect(settled).toBe(true);
    expect([...new Set(centres)].sort()).toEqual([1, 4]);
    expect([...(await nearestCentres(device(), points, centres, 1))].map((c) => centres[c])).toEqual([...points]);
  });
});

describe('k-means', () => {
  it('refuses what it cannot do', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    const [points, centres] = [input('points', [5, 3]), input('centres', [2, 3])];
    expect(() => nearestCentre(points, input('c', [2, 4]))).toThrow(/\[5, 3\].*\[2, 4\]/);
    expect(() => nearestCentre(input('p', [2 ** 24 + 1, 3]), centres)).toThrow(UserError);
    expect(() => moveCentres(centres, points, input('a', [5]))).toThrow(/is no parameter/);
    using state = new Parameter(device, 'state', [2, 3]);
    using weights = new Parameter(device, 'weights', [5]);
    expect(() => moveCentres(state.tensor, points, input('a', [4]))).toThrow(/nearest centre of each point/);
    expect(() => seedCentre(state.tensor, weights.tensor, points, input('seed', [2]))).toThrow(
      /it takes u32, and seed is f32 \[2\]/,
    );
    await expect(kMeans(device, new Float32Array(15), 3, { k: 6, seed: 0 })).rejects.toThrow(/6 clusters of 5 points/);
  });

  it('compiles: every kernel on the null backend', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    using centres = new Parameter(device, 'centres', [4, 3]);
    using weights = new Parameter(device, 'weights', [70]);
    const points = input('points', [70, 3]);
    using seeding = await compile(device, {
      updates: [seedCentre(centres.tensor, weights.tensor, points, input('seed', [2], 'u32'))],
    });
    using iteration = await compile(device, {
      updates: [moveCentres(centres.tensor, points, nearestCentre(points, centres.tensor))],
    });
    expect([...seeding.steps, ...iteration.steps].map(({ launch }) => launch.kernel.name).sort()).toEqual([
      'kmeans_move',
      'kmeans_nearest',
      'kmeans_seed_choose',
      'kmeans_seed_weights',
      'kmeans_sums',
    ]);
  });
});
