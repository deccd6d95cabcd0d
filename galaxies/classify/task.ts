import { UserError } from '../../engine/user_error.ts';
import { reshape } from '../../engine/ops/leaves.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { softmaxCrossEntropy } from '../../engine/ops/softmax_cross_entropy.ts';
import type { Galaxies, Galaxy } from '../galaxy.ts';
import { CLASSES, label, softLabel, type ClassName } from '../labels.ts';
import { voteStratum } from '../vote_stratum.ts';
import { sidesOf } from '../../vision/data/folds.ts';
import type { Split } from '../../vision/data/split.ts';
import type { SplitOptions, Task } from '../../vision/train/task.ts';

/** How votes become the classes that are learnt. */
export interface LabelOptions {
  /** How much of the votes makes a label, 0..1. */
  readonly threshold: number;
  /** Aim at the votes themselves instead of the class. */
  readonly softLabels: boolean;
  /** Share of the target spread evenly over the classes. */
  readonly labelSmoothing: number;
}

/**
 * The class of each galaxy, null where no class reaches the threshold, and the side of the split that each labelled one
 * is on.
 */
function labelAndSplit(
  dataset: Galaxies,
  options: SplitOptions & Pick<LabelOptions, 'threshold'>,
): Split & { labels: (ClassName | null)[] } {
  const labels = dataset.examples.map(({ votes }) => (votes ? label(votes, options.threshold) : null));
  const strata = dataset.examples.map(({ votes }, i) => (labels[i] === null ? null : voteStratum(votes!)));
  return { labels, ...sidesOf(dataset, strata, options) };
}

/** exp(xᵢ)/Σexp(x) in float64, shifted by the largest so that nothing overflows. */
function softmaxRow(logits: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(logits);
  const largest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const exps = values.map((v) => Math.exp(v - largest));
  const total = exps.reduce((a, b) => a + b, 0);
  return exps.map((e) => e / total);
}

const largestOf = (row: ArrayLike<number>): number => {
  let best = 0;
  for (let k = 1; k < row.length; k++) if (row[k] > row[best]) best = k;
  return best;
};

/**
 * Smooth or featured: two classes, cross entropy of their softmax. Galaxies whose votes reach the threshold for neither
 * are left out.
 */
export function smoothOrFeatured(options: LabelOptions): Task<Galaxy> {
  return {
    name: 'smooth-or-featured',
    head: 'softmax',
    answers: 'probabilities',
    outputs: CLASSES,
    scores: (logits) => logits,
    prediction: softmaxRow,
    loss: (logits, targets) => reshape(mean(softmaxCrossEntropy(logits, targets)), []),
    figure: { name: 'accuracy', of: (share) => share },
    split: (dataset, sides) => labelAndSplit(dataset, { ...options, ...sides }),
    prepare(dataset, sides) {
      const { labels, train, validation } = labelAndSplit(dataset, { ...options, ...sides });
      for (const [name, side] of [
        ['training', train],
        ['validation', validation],
      ] as const) {
        for (const className of CLASSES) {
          if (!side.some((i) => labels[i] === className)) {
            throw new UserError(
              `${dataset.name}: no ${className} galaxy reaches the threshold ${options.threshold} on the ${name} side (${side.length} galaxies); give more data, or another --threshold or ${sides.fold ? 'fewer folds' : '--val-fraction'}`,
            );
          }
        }
      }
      const classOf = (galaxy: number) => CLASSES.indexOf(labels[galaxy]!);
      const smoothing = options.labelSmoothing / CLASSES.length;
      return {
        dataset,
        train,
        validation,
        target(galaxy) {
          const smooth = options.softLabels ? softLabel(dataset.examples[galaxy].votes!) : 1 - classOf(galaxy);
          return [smooth, 1 - smooth].map((p) => p * (1 - options.labelSmoothing) + smoothing);
        },
        loss: (probabilities, galaxy) => -Math.log(Math.max(probabilities[classOf(galaxy)], 1e-12)),
        mark: (row, galaxy) => Number(largestOf(row) === classOf(galaxy)),
      };
    },
  };
}
