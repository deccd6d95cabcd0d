import { accuracy, type Interval } from '../../vision/judge/metrics.ts';
import type { Votes } from '../galaxy.ts';
import { CLASSES, label } from '../labels.ts';

export interface TradeOff {
  readonly threshold: number;
  /** Galaxies that have a class at this threshold, and their share of all with votes. */
  readonly n: number;
  readonly share: number;
  readonly accuracy: Interval;
}

/**
 * How accuracy and the number of galaxies trade against each other: a stricter label threshold leaves fewer and clearer
 * ones. `probabilities` holds a row of P(smooth), P(featured) for each of `votes`: of all galaxies that have a class at
 * any of these thresholds.
 */
export function thresholdTradeOff(
  votes: readonly Votes[],
  probabilities: ArrayLike<number>,
  thresholds: readonly number[],
): TradeOff[] {
  const classes = CLASSES.length;
  return thresholds.map((threshold) => {
    const truth = votes.map((v) => label(v, threshold));
    const kept = truth.flatMap((name, i) => (name === null ? [] : [i]));
    const rows = kept.flatMap((i) => Array.from({ length: classes }, (_, k) => probabilities[i * classes + k]));
    const labels = kept.map((i) => CLASSES.indexOf(truth[i]!));
    return {
      threshold,
      n: kept.length,
      share: votes.length > 0 ? kept.length / votes.length : 0,
      accuracy: accuracy({ probabilities: rows, labels, classes }),
    };
  });
}
