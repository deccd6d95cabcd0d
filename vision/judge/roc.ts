import { checkPredictions, type Predictions } from './metrics.ts';

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
