import { checkPredictions, predicted, type Predictions } from './metrics.ts';

/** The answers whose confidence lies in (from, to]. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean confidence and share of right answers; NaN in an empty bin. */
  readonly confidence: number;
  readonly accuracy: number;
}

interface Answer {
  readonly confidence: number;
  readonly right: boolean;
}

function answers(p: Predictions): Answer[] {
  return Array.from({ length: checkPredictions(p) }, (_, i) => {
    const guess = predicted(p, i);
    return { confidence: p.probabilities[i * p.classes + guess], right: guess === p.labels[i] };
  });
}

/** Index of the bin (i/bins, (i+1)/bins] that `confidence` falls in; 0 goes to the first. */
const binOf = (confidence: number, bins: number): number =>
  Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));

/** Confidence against accuracy in bins of equal width (Guo et al. 2017, section 2; Niculescu-Mizil & Caruana 2005). */
export function reliability(p: Predictions, bins = 15): ReliabilityBin[] {
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, right: 0 }));
  for (const { confidence, right } of answers(p)) {
    const bin = sums[binOf(confidence, bins)];
    bin.count++;
    bin.confidence += confidence;
    if (right) bin.right++;
  }
  return sums.map(({ count, confidence, right }, i) => ({
    from: i / bins,
    to: (i + 1) / bins,
    count,
    confidence: confidence / count,
    accuracy: right / count,
  }));
}

/**
 * Expected calibration error: the mean of |accuracy - confidence| over bins, weighted by count (Guo et al. 2017, eq.
 * 3).
 */
export function expectedCalibrationError(p: Predictions, bins = 15): number {
  const filled = reliability(p, bins).filter((bin) => bin.count > 0);
  const gaps = filled.reduce((sum, bin) => sum + bin.count * Math.abs(bin.accuracy - bin.confidence), 0);
  return gaps / p.labels.length;
}

/** Logits of classes, n rows of `classes`, and the number of the right one for each row. */
export interface Logits {
  readonly logits: ArrayLike<number>;
  readonly labels: readonly number[];
  readonly classes: number;
}

/** Between which powers of 2 a scale is sought, and by how many halvings: down to the last digits of a float64. */
const SCALES = { least: -10, most: 10, halvings: 60 } as const;

/**
 * What logits are to be multiplied by so that their probabilities have the least cross entropy (temperature scaling,
 * Guo et al. 2017, section 4.2). As in Platt's method (1999, section 2.2) a class that N images have is
 * aimed at by (N + 1)/(N + classes) instead of 1, so that where no answer is wrong the scale is finite.
 * @param softmax probabilities of a row of logits
 */
export function calibratingScale(
  { logits, labels, classes }: Logits,
  softmax: (row: ArrayLike<number>) => ArrayLike<number>,
): number {
  const counts = Array.from({ length: classes }, (_, k) => labels.filter((label) => label === k).length);
  const rows = labels.map((label, i) => ({
    label,
    row: Float64Array.from({ length: classes }, (_, k) => logits[i * classes + k]),
  }));
  // Grows with the scale, and is 0 where the cross entropy is least.
  const slope = (scale: number): number =>
    rows.reduce((sum, { label, row }) => {
      const probabilities = softmax(row.map((logit) => scale * logit));
      const others = counts[label] + classes;
      const target = (k: number) => (k === label ? counts[label] + 1 : 1) / others;
      return row.reduce((each, logit, k) => each + (probabilities[k] - target(k)) * logit, sum);
    }, 0);
  let { least, most }: { least: number; most: number } = SCALES;
  for (let i = 0; i < SCALES.halvings; i++) {
    const middle = (least + most) / 2;
    if (slope(2 ** middle) < 0) least = middle;
    else most = middle;
  }
  return 2 ** ((least + most) / 2);
}

export interface ConfidenceHistogram {
  /** Answers per bin of equal width from 0 to 1. */
  readonly counts: number[];
  /** NaN where there are none. */
  readonly median: number;
}

/** How sure the classifier was of its right answers, and of its wrong ones. */
export function confidenceHistograms(
  p: Predictions,
  bins = 20,
): { right: ConfidenceHistogram; wrong: ConfidenceHistogram } {
  const all = answers(p);
  const histogram = (chosen: Answer[]): ConfidenceHistogram => {
    const counts = new Array<number>(bins).fill(0);
    for (const { confidence } of chosen) counts[binOf(confidence, bins)]++;
    return { counts, median: median(chosen.map((a) => a.confidence)) };
  };
  return { right: histogram(all.filter((a) => a.right)), wrong: histogram(all.filter((a) => !a.right)) };
}

/** The middle value, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
