/*
 * A polynomial fitted to a few noisy points, in plain float64: a model small enough that its training is one formula,
 * so that what is seen is the data and the model alone.
 */

export interface Points {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** What the points scatter about, x from −1 to 1. */
export const truth = (x: number): number => Math.sin(Math.PI * x);
/** Standard deviation of the scatter; its square is the loss that no model can be expected to go below. */
export const NOISE = 0.3;
export const LEAST_LOSS = NOISE ** 2;

/** A seeded stream of numbers in [0, 1): mulberry32, public domain. */
function stream(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Points of the seed: x evenly at random, y = truth + noise (normal, by Box and Muller 1958). */
export function drawPoints(count: number, seed: number): Points {
  const next = stream(seed);
  const x: number[] = [];
  const y: number[] = [];
  for (let i = 0; i < count; i++) {
    x.push(2 * next() - 1);
    y.push(truth(x[i]) + NOISE * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
  }
  return { x, y };
}

/** Legendre's polynomials of degrees 0 to `degree` at x: by their recurrence, (k + 1)·P' = (2k + 1)·x·P − k·P''. */
function legendre(x: number, degree: number): number[] {
  const p = [1, x];
  for (let k = 1; k < degree; k++) p.push(((2 * k + 1) * x * p[k] - k * p[k - 1]) / (k + 1));
  return p.slice(0, degree + 1);
}

/** A fitted polynomial: the weights of Legendre's polynomials of degrees 0, 1, … */
export type Weights = readonly number[];

export const predict = (weights: Weights, x: number): number =>
  legendre(x, weights.length - 1).reduce((sum, p, k) => sum + weights[k] * p, 0);

/** The mean of the squared errors. */
export const lossOf = (weights: Weights, { x, y }: Points): number =>
  x.reduce((sum, at, i) => sum + (predict(weights, at) - y[i]) ** 2, 0) / x.length;

/**
 * The weights with the least loss + decay · Σ weights² on the points: least squares by Householder's reflections.
 * @param degree less than the count of points where `decay` is 0
 */
export function fit({ x, y }: Points, degree: number, decay = 0): number[] {
  const rows = x.map((at, i) => [...legendre(at, degree), y[i]]);
  const width = degree + 1;
  // The decay as further rows: a weight's own, times the root of what it costs, should be 0.
  if (decay > 0)
    for (let k = 0; k < width; k++)
      rows.push(Array.from({ length: width + 1 }, (_, j) => (j === k ? Math.sqrt(decay * x.length) : 0)));
  for (let k = 0; k < width; k++) {
    const norm = Math.hypot(...rows.slice(k).map((row) => row[k]));
    const v = rows.map((row, i) => (i < k ? 0 : row[k]));
    v[k] += v[k] < 0 ? -norm : norm;
    const square = v.reduce((sum, each) => sum + each * each, 0);
    if (square === 0) continue;
    for (let j = k; j <= width; j++) {
      const scale = (2 * rows.reduce((sum, row, i) => sum + v[i] * row[j], 0)) / square;
      rows.forEach((row, i) => (row[j] -= scale * v[i]));
    }
  }
  const weights = new Array<number>(width).fill(0);
  for (let k = width - 1; k >= 0; k--) {
    let rest = rows[k][width];
    for (let j = k + 1; j < width; j++) rest -= rows[k][j] * weights[j];
    weights[k] = rest / rows[k][k];
  }
  return weights;
}

/** What one can choose. */
export interface Choice {
  readonly points: number;
  readonly degree: number;
  readonly decay: number;
  /** Other points of the same kind. */
  readonly seed: number;
}

/** Points that are held out: so many that their loss hardly depends on which they are. */
const HELD_OUT = 200;

export interface Fitted {
  readonly training: Points;
  readonly weights: Weights;
  readonly trainingLoss: number;
  readonly heldOutLoss: number;
  /** The same for each degree that so many points determine, from 0 to `most`. */
  readonly byDegree: readonly { readonly training: number; readonly heldOut: number }[];
}

/** The largest degree in the figure: with fewer points, the one that goes through all of them. */
export const mostDegree = (points: number): number => Math.min(12, points - 1);

const OTHERS = 12;

const heldOut = drawPoints(HELD_OUT, 1_000_003);

const lossesByDegree = (training: Points, decay: number): Fitted['byDegree'] =>
  Array.from({ length: mostDegree(training.x.length) + 1 }, (_, k) => {
    const weights = fit(training, k, decay);
    return { training: lossOf(weights, training), heldOut: lossOf(weights, heldOut) };
  });

/** @param degree at most `mostDegree(points)` */
export function fitted({ points, degree, decay, seed }: Choice): Fitted {
  const training = drawPoints(points, seed);
  const byDegree = lossesByDegree(training, decay);
  return {
    training,
    weights: fit(training, degree, decay),
    trainingLoss: byDegree[degree].training,
    heldOutLoss: byDegree[degree].heldOut,
    byDegree,
  };
}

/** The same model fitted to other points of the same kind: how it varies. */
export const otherFits = ({ points, degree, decay, seed }: Choice): Weights[] =>
  Array.from({ length: OTHERS }, (_, i) => fit(drawPoints(points, 7919 * (i + 1) + seed), degree, decay));

/**
 * What the two losses say, in a sentence.
 * @param best the least held-out loss of any degree and decay on these points
 */
export function verdict({ trainingLoss, heldOutLoss }: Fitted, best: number): string {
  if (heldOutLoss <= 1.5 * best) return 'It generalises: nothing that can be chosen here does much better.';
  if (trainingLoss > 1.25 * LEAST_LOSS) return 'It underfits: even on the points it was fitted to the loss is high.';
  return 'It overfits: it follows the scatter of its own points, which helps with no others.';
}

/** The least held-out loss of any degree with any of these decays. */
export const leastHeldOut = ({ points, seed }: Pick<Choice, 'points' | 'seed'>, decays: readonly number[]): number =>
  Math.min(
    ...decays.flatMap((decay) => lossesByDegree(drawPoints(points, seed), decay).map((losses) => losses.heldOut)),
  );
