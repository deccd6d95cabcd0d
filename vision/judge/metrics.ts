/** What a classifier said of n images, and what they are. */
export interface Predictions {
  /** n rows of `classes` probabilities that sum to 1. */
  readonly probabilities: ArrayLike<number>;
  /** n class indices, 0 .. classes - 1. */
  readonly labels: ArrayLike<number>;
  readonly classes: number;
}

/** The ends of a 95 % interval, in 0..1. */
export interface Ends {
  readonly low: number;
  readonly high: number;
}

/** A share with its 95 % interval, all in 0..1. */
export interface Interval extends Ends {
  readonly value: number;
}

/**
 * Throws unless the rows of `p` fit its labels and all are numbers: NaN is neither less nor more than another, and what
 * compares would rank it anywhere or never end. Returns n.
 */
export function checkPredictions({ probabilities, labels, classes }: Predictions): number {
  if (probabilities.length !== labels.length * classes) {
    throw new RangeError(`${probabilities.length} probabilities are not ${labels.length} rows of ${classes} classes`);
  }
  for (let i = 0; i < probabilities.length; i++)
    if (!Number.isFinite(probabilities[i]))
      throw new RangeError(`row ${Math.floor(i / classes)} holds the probability ${probabilities[i]}`);
  for (let i = 0; i < labels.length; i++) {
    if (!(Number.isInteger(labels[i]) && labels[i] >= 0 && labels[i] < classes)) {
      throw new RangeError(`label ${labels[i]} of row ${i} is none of ${classes} classes`);
    }
  }
  return labels.length;
}

/** The most probable class of row `i`; of equals, the first. */
export function predicted({ probabilities, classes }: Predictions, i: number): number {
  let best = 0;
  for (let k = 1; k < classes; k++) if (probabilities[i * classes + k] > probabilities[i * classes + best]) best = k;
  return best;
}

/**
 * `correct` of `n` as a share with Wilson's score interval (Wilson 1927), which stays within 0..1 and is honest near
 * its ends; z = 1.96 is 95 %. For n = 0 the value is NaN and the interval 0..1.
 */
export function wilson(correct: number, n: number, z = 1.959963984540054): Interval {
  if (n === 0) return { value: Number.NaN, low: 0, high: 1 };
  const share = correct / n;
  const centre = (share + z ** 2 / (2 * n)) / (1 + z ** 2 / n);
  const half = (z / (1 + z ** 2 / n)) * Math.sqrt((share * (1 - share)) / n + z ** 2 / (4 * n ** 2));
  return { value: share, low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** Share of rows whose most probable class is the label. */
export function accuracy(p: Predictions): Interval {
  const n = checkPredictions(p);
  let correct = 0;
  for (let i = 0; i < n; i++) if (predicted(p, i) === p.labels[i]) correct++;
  return wilson(correct, n);
}

/** Share of rows whose label is among the `k` most probable classes; of equals, those that come first count before. */
export function topAccuracy(p: Predictions, k: number): Interval {
  const n = checkPredictions(p);
  let correct = 0;
  for (let i = 0; i < n; i++) {
    const at = i * p.classes;
    const own = p.probabilities[at + p.labels[i]];
    let before = 0;
    for (let c = 0; c < p.classes; c++) {
      const other = p.probabilities[at + c];
      if (other > own || (other === own && c < p.labels[i])) before++;
    }
    if (before < k) correct++;
  }
  return wilson(correct, n);
}

/** counts[truth][prediction]. */
export function confusionMatrix(p: Predictions): number[][] {
  const n = checkPredictions(p);
  const counts = Array.from({ length: p.classes }, () => new Array<number>(p.classes).fill(0));
  for (let i = 0; i < n; i++) counts[p.labels[i]][predicted(p, i)]++;
  return counts;
}

export interface ClassScore {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Rows of this class. */
  readonly support: number;
  /** Wilson's intervals: of the rows called so, and of the rows that are. */
  readonly precisionInterval: Ends;
  readonly recallInterval: Ends;
}

/** Precision, recall and F1 of each class, from a confusion matrix; NaN where nothing was there to be right about. */
export function classScores(confusion: readonly (readonly number[])[]): ClassScore[] {
  return confusion.map((row, k) => {
    const hits = row[k];
    const support = row.reduce((a, b) => a + b, 0);
    const claimed = confusion.reduce((sum, r) => sum + r[k], 0);
    const ends = ({ low, high }: Interval): Ends => ({ low, high });
    return {
      precision: hits / claimed,
      recall: hits / support,
      f1: (2 * hits) / (claimed + support),
      support,
      precisionInterval: ends(wilson(hits, claimed)),
      recallInterval: ends(wilson(hits, support)),
    };
  });
}

/** Means over classes, each counting the same however many rows it has. NaN where no class has such a score. */
export interface MacroScore {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/**
 * The mean of each score over the classes that have rows. A class that was never predicted has precision 0 here, or a
 * network that ignores a class would gain by it.
 */
export function macroScore(scores: readonly ClassScore[]): MacroScore {
  const known = scores.filter(({ support }) => support > 0);
  const mean = (of: (score: ClassScore) => number) =>
    known.reduce((sum, score) => sum + (Number.isNaN(of(score)) ? 0 : of(score)), 0) / known.length;
  return { precision: mean((s) => s.precision), recall: mean((s) => s.recall), f1: mean((s) => s.f1) };
}

/** Mean of -ln p(label), in nats. Probabilities below 1e-12 count as 1e-12. */
export function logLoss(p: Predictions): number {
  const n = checkPredictions(p);
  let sum = 0;
  for (let i = 0; i < n; i++) sum -= Math.log(Math.max(1e-12, p.probabilities[i * p.classes + p.labels[i]]));
  return sum / n;
}

export interface Mistake {
  /** Row in the predictions. */
  readonly index: number;
  readonly label: number;
  readonly predicted: number;
  /** Probability given to the wrong answer. */
  readonly confidence: number;
}

/** The wrong answers given with the most confidence, surest first, at most `limit`. */
export function confidentMistakes(p: Predictions, limit = 20): Mistake[] {
  const n = checkPredictions(p);
  const mistakes: Mistake[] = [];
  for (let index = 0; index < n; index++) {
    const guess = predicted(p, index);
    if (guess === p.labels[index]) continue;
    mistakes.push({
      index,
      label: p.labels[index],
      predicted: guess,
      confidence: p.probabilities[index * p.classes + guess],
    });
  }
  return mistakes.sort((a, b) => b.confidence - a.confidence || a.index - b.index).slice(0, limit);
}
