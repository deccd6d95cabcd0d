import { CHALLENGE_COLUMNS, firstColumn } from './columns.ts';
import type { Votes } from './galaxy.ts';
import { QUESTIONS } from './decision_tree.ts';
import { PURPOSE, Random } from './random.ts';
import type { SyntheticGalaxy } from './synthetic_galaxy.ts';

/** For each question by number, how likely each answer is. */
type Opinion = Readonly<Record<number, readonly number[]>>;

/** Smooth step from 0 at `low` to 1 at `high` (either may be the larger). */
function step(x: number, low: number, high: number): number {
  const t = Math.min(1, Math.max(0, (x - low) / (high - low)));
  return t * t * (3 - 2 * t);
}
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** Likelihoods of answers that lie at `places` on a scale, for something seen at `x`. */
const near = (x: number, places: readonly number[], width: number): number[] =>
  places.map((place) => Math.exp(-(((x - place) / width) ** 2)) + 1e-3);

/**
 * What volunteers would think of a galaxy as drawn: features count for as much as tilt, seeing and noise let one see.
 */
function opinion({ bulge, disc, bulgeShare, seeing, grid, companions }: SyntheticGalaxy, taste: number): Opinion {
  const resolved = disc ? step(disc.scale / seeing, 1.5, 6) : 0;
  const clear = disc ? 1 - Math.exp(-disc.brightness / 18) : 0;
  const open = disc ? step(disc.axisRatio, 0.15, 0.5) : 0;
  const seen = open * resolved * clear;
  const arms = disc?.arms ? disc.arms.contrast * (1 - bulgeShare) * seen : 0;
  const bar = disc?.bar ? Math.min(1, disc.bar.strength) * seen : 0;
  const edgeOn = disc ? step(disc.axisRatio, 0.42, 0.2) : 0;
  const featured = sigmoid(-2.3 + 7.5 * arms + 1.6 * bar + 4 * edgeOn + (disc ? 0.5 : 0) + taste);
  const ratio = disc?.axisRatio ?? bulge.axisRatio;
  const close = companions.some(({ x, y, light }) => Math.hypot(x, y) < grid / 7 && light.radius > 2) ? 1 : 0;
  const pitch = disc?.arms ? Math.abs(disc.arms.pitch) * (180 / Math.PI) : 18;
  const count = disc?.arms?.count ?? 0;
  return {
    1: [0.98 * (1 - featured), 0.98 * featured, 0.02],
    2: [sigmoid((0.27 - ratio) * 22), 1 - sigmoid((0.27 - ratio) * 22)],
    3: [0.06 + 0.85 * bar, 0.94 - 0.85 * bar],
    4: [0.12 + 0.86 * step(arms, 0.05, 0.4), 0.88 - 0.86 * step(arms, 0.05, 0.4)],
    5: near(bulgeShare, [0, 0.12, 0.35, 0.7], 0.12),
    6: [0.07 + 0.35 * close, 0.93 - 0.35 * close],
    7: near(ratio, [0.95, 0.6, 0.22], 0.2),
    8: [0.1, 0.02, 0.15, 0.2, 0.25, 0.08 + 0.8 * close, 0.05 + (disc ? disc.dust * edgeOn : 0)],
    9: [0.1 + bulgeShare, 0.08, Math.max(0.05, 0.6 - 2 * bulgeShare)],
    10: near(pitch, [10, 19, 30], 7),
    11: [1, 2, 3, 4, 5, 6].map((answer) => (answer === count ? 0.7 : answer === 6 ? 0.25 : 0.06)),
  };
}

/**
 * The votes on a galaxy: 38 to 48 seeded volunteers walk the decision tree. Because every column is a share of the same
 * walks, the answers of a question sum to the share that reached it; question 6 is scaled to 1, question 8 with it.
 */
export function castVotes(galaxy: SyntheticGalaxy, seed: number, index: number): Votes {
  const random = new Random(seed, index, PURPOSE.votes);
  const likely = opinion(galaxy, random.normal(0, 0.5));
  const shares = CHALLENGE_COLUMNS.map(() => 0);
  const volunteers = Math.floor(random.uniform(38, 49));
  for (let v = 0; v < volunteers; v++) {
    let next: number | null = 1;
    while (next !== null) {
      const answer = random.pick(likely[next]);
      shares[firstColumn(next) + answer]++;
      next = QUESTIONS[next - 1].answers[answer].next;
    }
  }
  const [odd, strange] = [firstColumn(6), firstColumn(8)];
  const asked = shares[odd] + shares[odd + 1];
  for (let c = 0; c < shares.length; c++) {
    const question6or8 = (c >= odd && c < odd + 2) || (c >= strange && c < strange + 7);
    shares[c] /= question6or8 ? Math.max(1, asked) : volunteers;
  }
  return { smooth: shares[0], featured: shares[1], artifact: shares[2], all: Float32Array.from(shares) };
}
