import type { Device } from '../../engine/device/device.ts';
import { kMeans, nearestCentres } from '../../engine/train/kmeans.ts';
import type { Progress } from '../../vision/progress.ts';
import { CHALLENGE_COLUMNS } from '../columns.ts';
import type { Galaxies } from '../galaxy.ts';
import type { RgbImage } from '../../vision/data/rgb_image.ts';
import { RmseAccumulator, type ChallengeRmse } from './rmse.ts';

const COLUMNS = CHALLENGE_COLUMNS.length;

/**
 * Answers that know little or nothing of the image, to hold a network against: the challenge's own benchmarks, and the
 * mean.
 */
export const BASELINES = ['zeros', 'ones', 'mean', 'central-pixel'] as const;
export type BaselineName = (typeof BASELINES)[number];

/** The side of the patch whose mean colour stands for the centre, in pixels: that of the challenge's own benchmark. */
export const CENTRAL_PATCH = 10;
export const DEFAULT_CLUSTERS = 64;

/** The 37 votes of a galaxy, which must have them: see `splitVoted`. */
const votesOf = ({ examples }: Galaxies, galaxy: number): Float32Array => examples[galaxy].votes!.all!;

/** RMSE over these galaxies of what `answer` says of each. */
export function judge(
  dataset: Galaxies,
  galaxies: readonly number[],
  answer: (galaxy: number) => ArrayLike<number>,
): ChallengeRmse {
  const sums = new RmseAccumulator();
  for (const galaxy of galaxies) sums.add(votesOf(dataset, galaxy), answer(galaxy));
  return sums.result();
}

/** The mean of each column over these galaxies, in float64. */
export function meanVotes(dataset: Galaxies, galaxies: readonly number[]): Float64Array {
  const mean = new Float64Array(COLUMNS);
  for (const galaxy of galaxies) votesOf(dataset, galaxy).forEach((v, c) => (mean[c] += v / galaxies.length));
  return mean;
}

/** The mean colour (r, g, b in 0..255) of the central patch of an image; of all of it where it is smaller. */
export function centralColour({ width, height, data }: RgbImage, patch = CENTRAL_PATCH): number[] {
  const [w, h] = [Math.min(width, patch), Math.min(height, patch)];
  const sums = [0, 0, 0];
  for (let row = (height - h) >> 1, rows = 0; rows < h; row++, rows++) {
    const first = (row * width + ((width - w) >> 1)) * 3;
    for (let at = 0; at < w * 3; at++) sums[at % 3] += data[first + at];
  }
  return sums.map((sum) => sum / (w * h));
}

/** Images that are decoded at once: what bounds the memory. */
const WINDOW = 32;

/** Central colours [n, 3] of these galaxies, each image loaded once and let go. */
export async function centralColours(
  dataset: Galaxies,
  galaxies: readonly number[],
  progress: Progress,
): Promise<Float32Array> {
  const colours = new Float32Array(galaxies.length * 3);
  progress.start('central colours', galaxies.length);
  for (let start = 0; start < galaxies.length; start += WINDOW) {
    const window = galaxies.slice(start, start + WINDOW);
    const found = await Promise.all(window.map(async (galaxy) => centralColour(await dataset.load(galaxy))));
    colours.set(found.flat(), start * 3);
    progress.tick(start + window.length);
  }
  progress.end();
  return colours;
}

/** What a baseline learns from and what it is judged on: indices into the dataset. */
export interface BaselineData {
  readonly dataset: Galaxies;
  readonly train: readonly number[];
  readonly judged: readonly number[];
}

export interface CentralPixel {
  readonly figures: ChallengeRmse;
  readonly clusters: number;
  /** Those without any training galaxy, which answer with the mean of all. */
  readonly empty: number;
  readonly iterations: number;
  readonly settled: boolean;
}

/**
 * The challenge's central pixel benchmark: galaxies whose centres have like colours get like answers. The training
 * galaxies are clustered by the mean colour of the central 10 x 10 pixels, and every cluster answers with the mean
 * votes of its members. The original (J. Noah-Vanhoucke 2013, RMSE 0.162) put colours together by a hash of the rounded
 * mean; here k-means does.
 */
export async function centralPixel(
  device: Device,
  { dataset, train, judged }: BaselineData,
  { k, seed }: { readonly k: number; readonly seed: number },
  progress: Progress,
): Promise<CentralPixel> {
  // Either side may hold the other.
  const all = [...new Set([...train, ...judged])];
  const position = new Map(all.map((galaxy, i) => [galaxy, i]));
  const colours = await centralColours(dataset, all, progress);
  // `all` begins with the training galaxies.
  const { centres, iterations, settled } = await kMeans(device, colours.subarray(0, train.length * 3), 3, { k, seed });
  const clusterOf = await nearestCentres(device, colours, centres, 3);
  const members: number[][] = Array.from({ length: k }, () => []);
  train.forEach((galaxy, i) => members[clusterOf[i]].push(galaxy));
  const mean = meanVotes(dataset, train);
  const answers = members.map((cluster) => (cluster.length > 0 ? meanVotes(dataset, cluster) : mean));
  const figures = judge(dataset, judged, (galaxy) => answers[clusterOf[position.get(galaxy)!]]);
  return { figures, clusters: k, empty: members.filter((cluster) => cluster.length === 0).length, iterations, settled };
}
