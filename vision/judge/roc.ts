import { checkPredictions, type Interval, type Predictions } from './metrics.ts';

/** Scores of class `k` and whether each row is of it, by falling score. */
function ranked(p: Predictions, k: number): { score: number; positive: boolean }[] {
  const n = checkPredictions(p);
  return Array.from({ length: n }, (_, i) => ({
    score: p.probabilities[i * p.classes + k],
    positive: p.labels[i] === k,
  })).sort((a, b) => b.score - a.score);
}

/**
 * Area under the ROC curve of class `k` against the rest, from ranks: the chance that a row of the class scores higher
 * than one that is not, ties counting half (Mann & Whitney 1947; Hanley & McNeil 1982). NaN if either side is empty.
 */
export function rocAuc(p: Predictions, k: number): number {
  const rows = ranked(p, k).reverse();
  let rankSum = 0;
  let positives = 0;
  for (let from = 0; from < rows.length; ) {
    let to = from;
    while (to < rows.length && rows[to].score === rows[from].score) to++;
    // Equal scores share the mean of the ranks from + 1 .. to.
    const rank = (from + 1 + to) / 2;
    for (; from < to; from++) {
      if (!rows[from].positive) continue;
      rankSum += rank;
      positives++;
    }
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * (rows.length - positives));
}

/**
 * The ends of the 95 % interval (z = 1.96) of an area under the ROC curve: the areas θ from which `auc` is z standard
 * errors away, θ(1 - θ) [1 + N (1 - θ) / (2 - θ) + N θ / (1 + θ)] / (m n) being the variance of m positives and n
 * negatives and N their mean less 1 (Hanley & McNeil 1982, equation 2, as method 5 of Newcombe 2006 solves it). Like
 * Wilson's it stays within 0..1 and has a width where all is in order. Of NaN: 0..1.
 */
export function aucInterval(auc: number, positives: number, negatives: number, z = 1.959963984540054): Interval {
  if (Number.isNaN(auc)) return { value: auc, low: 0, high: 1 };
  const others = (positives + negatives) / 2 - 1;
  const variance = (area: number) =>
    (area * (1 - area) * (1 + (others * (1 - area)) / (2 - area) + (others * area) / (1 + area))) /
    (positives * negatives);
  const isWithin = (area: number) => (auc - area) ** 2 <= z ** 2 * variance(area);
  /** Between `auc`, which is within, and an end of the range, by halves down to the last bits. */
  const end = (limit: number) => {
    let [within, outside] = [auc, limit];
    for (let halves = 0; halves < 60; halves++) {
      const middle = (within + outside) / 2;
      if (isWithin(middle)) within = middle;
      else outside = middle;
    }
    return within;
  };
  return { value: auc, low: end(0), high: end(1) };
}

export interface RocPoint {
  /** Rows with this score or more are called positive; Infinity at the beginning. */
  readonly threshold: number;
  readonly falsePositiveRate: number;
  readonly truePositiveRate: number;
}

/** The ROC curve of class `k`, from (0, 0) to (1, 1), one point for each score that occurs. */
export function rocCurve(p: Predictions, k: number): RocPoint[] {
  const rows = ranked(p, k);
  const positives = rows.filter((row) => row.positive).length;
  const points: RocPoint[] = [{ threshold: Number.POSITIVE_INFINITY, falsePositiveRate: 0, truePositiveRate: 0 }];
  let hits = 0;
  rows.forEach(({ score, positive }, i) => {
    if (positive) hits++;
    if (rows[i + 1]?.score === score) return;
    points.push({
      threshold: score,
      falsePositiveRate: (i + 1 - hits) / (rows.length - positives),
      truePositiveRate: hits / positives,
    });
  });
  return points;
}
