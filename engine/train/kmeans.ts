import { checkOptions, checkWhole, type Known } from '../check.ts';
import { requireDevice, type Device } from '../device/device.ts';
import { Parameter } from '../device/parameter.ts';
import { moveCentres, nearestCentre, seedCentre } from '../ops/kmeans.ts';
import { input } from '../ops/leaves.ts';
import { compile } from '../program/program.ts';
import { UserError } from '../user_error.ts';

/** How many clusters, from which seed, and for how long. */
export interface KMeansOptions {
  /** Number of clusters. */
  readonly k: number;
  readonly seed: number;
  /** After so many iterations it ends in any case. */
  readonly limit?: number;
}

const OPTIONS: Known<KMeansOptions> = { k: true, seed: true, limit: true };

/** Centres [k, d], and how they were found. */
export interface Clusters {
  readonly centres: Float32Array;
  /** Iterations until nothing moved any more, or the limit. */
  readonly iterations: number;
  readonly settled: boolean;
}

/**
 * k-means (Lloyd 1982) on the GPU, from centres chosen by k-means++. A cluster that loses all its points stays where it
 * is. The same points and seed give the same bits on the same adapter.
 * @param points n rows of `d` finite numbers
 */
export async function kMeans(
  device: Device,
  points: Float32Array,
  d: number,
  options: KMeansOptions,
): Promise<Clusters> {
  requireDevice('k-means', device);
  checkOptions('k-means', options, OPTIONS);
  const { k, seed, limit } = options;
  checkWhole('k-means', 'd', d, 1);
  checkWhole('k-means', 'the seed', seed, 0, 2 ** 32 - 1);
  if (limit !== undefined) checkWhole('k-means', 'limit', limit, 1);
  const n = points.length / d;
  if (!Number.isInteger(n)) throw new UserError(`k-means: ${points.length} numbers are no points of ${d} coordinates`);
  if (!(Number.isInteger(k) && k >= 1 && k <= n))
    throw new UserError(`k-means: ${k} clusters of ${n} points; there must be at least 1 and no more than points`);
  return cluster(device, points, await seedCentres(device, points, d, k, seed), d, limit);
}

/** k centres by k-means++: points [k, d]. */
export async function seedCentres(
  device: Device,
  points: Float32Array,
  d: number,
  k: number,
  seed: number,
): Promise<Float32Array> {
  const n = points.length / d;
  using x = new Parameter(device, 'points', [n, d], points);
  using centres = new Parameter(device, 'centres', [k, d]);
  using weights = new Parameter(device, 'weights', [n]);
  using program = await compile(device, {
    updates: [seedCentre(centres.tensor, weights.tensor, x.tensor, input('seed', [2], 'u32'))],
  });
  for (let round = 0; round < k; round++) program.run({ seed: Uint32Array.of(seed, round) });
  return centres.read();
}

/** Iterates from these centres [k, d] until no point changes its centre, at most `limit` times. */
export async function cluster(
  device: Device,
  points: Float32Array,
  initial: Float32Array,
  d: number,
  limit = 300,
): Promise<Clusters> {
  using x = new Parameter(device, 'points', [points.length / d, d], points);
  using centres = new Parameter(device, 'centres', [initial.length / d, d], initial);
  using program = await compile(device, {
    updates: [moveCentres(centres.tensor, x.tensor, nearestCentre(x.tensor, centres.tensor))],
  });
  let before = initial;
  for (let iteration = 1; iteration <= limit; iteration++) {
    program.run();
    const now = await centres.read();
    // Centres are a function of the assignments, the same bits each time: they stay where no assignment changes.
    if (now.every((value, i) => value === before[i])) return { centres: now, iterations: iteration, settled: true };
    before = now;
  }
  return { centres: before, iterations: limit, settled: false };
}

/** The row of the nearest of the centres [k, d] for each of the points [n, d]. */
export async function nearestCentres(
  device: Device,
  points: Float32Array,
  centres: Float32Array,
  d: number,
): Promise<Float32Array> {
  if (points.length === 0) return new Float32Array(0);
  const [x, c] = [input('points', [points.length / d, d]), input('centres', [centres.length / d, d])];
  const nearest = nearestCentre(x, c);
  using program = await compile(device, { outputs: [nearest] });
  program.run({ points, centres });
  return program.read(nearest);
}
