import { reshape } from '../../engine/ops/leaves.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { softmaxCrossEntropy } from '../../engine/ops/softmax_cross_entropy.ts';
import type { Example } from '../data/dataset.ts';
import { FIGURES } from '../judge/figures.ts';
import type { Prepared, Task } from '../train/task.ts';

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

/** What every task has whose outputs are classes of which one is right: cross entropy of their softmax. */
export const SOFTMAX = {
  head: 'softmax',
  answers: 'probabilities',
  scores: (logits) => logits,
  prediction: softmaxRow,
  loss: (logits, targets) => reshape(mean(softmaxCrossEntropy(logits, targets)), []),
  figure: FIGURES.accuracy,
} satisfies Partial<Task<Example>>;

/** How the answer to an example is judged, where `classOf` is the number of its class. */
export const judgedBy = (classOf: (example: number) => number): Pick<Prepared, 'loss' | 'mark'> => ({
  loss: (probabilities, example) => -Math.log(Math.max(probabilities[classOf(example)], 1e-12)),
  mark: (row, example) => Number(largestOf(row) === classOf(example)),
});
