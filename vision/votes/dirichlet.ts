import { concat } from '../../engine/ops/concat.ts';
import { constant, ones, reshape } from '../../engine/ops/leaves.ts';
import { add, greater, log, mul, sigmoid, sub } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { slice } from '../../engine/ops/slice.ts';
import type { Tensor } from '../../engine/tensor.ts';

/*
 * The loss of Zoobot (Walmsley et al. 2022, MNRAS 509, 3966, section 3.1): the votes k on the answers to a question are
 * draws from a Dirichlet-multinomial distribution with the concentrations a that the network gives,
 *
 *   P(k | a, N) = N! / Πkᵢ! · Γ(A) / Γ(A + N) · ΠΓ(aᵢ + kᵢ) / Γ(aᵢ)      A = Σaᵢ, N = Σkᵢ
 *
 * Votes are whole numbers, so that Γ(a + k) / Γ(a) is the rising product a·(a + 1)···(a + k − 1), and k! the one of 1.
 * Its logarithm is a sum of at most N terms without the cancellation that a difference of two lgamma has in float32.
 */

/** Places of a question's answers among the columns. */
export interface Places {
  readonly from: number;
  readonly count: number;
}

/** The least concentration, and by how much the largest is above it: as in Zoobot, 1 to 101. */
export const LEAST = 1;
export const RANGE = 100;

/** Concentrations [N, K] of logits. */
export const concentrations = (logits: Tensor): Tensor => add(mul(sigmoid(logits), RANGE), LEAST);

/** 0, 1, ... as a row [1, n]. */
const ramp = (n: number): Tensor =>
  constant(
    Float32Array.from({ length: n }, (_, i) => i),
    [1, n],
  );

/**
 * log(a·(a + 1)···(a + k − 1)) of each element [N, K], 0 where k is 0. `steps` [1, J] counts from 0 to the largest k or
 * beyond.
 */
function logRising(a: Tensor, k: Tensor, steps: Tensor): Tensor {
  const rows = (x: Tensor): Tensor => reshape(x, [x.size, 1]);
  const taken = greater(rows(k), steps);
  return reshape(sum(mul(taken, log(add(rows(a), steps))), [1]), k.shape);
}

/** The sums [N, Q] over the answers to each question. */
const byQuestion = (x: Tensor, places: readonly Places[]): Tensor =>
  concat(
    places.map(({ from, count }) => sum(slice(x, [0, from], [x.shape[0], count]), [1])),
    1,
  );

/**
 * The negative logarithm of the probability of an image's votes, over all questions and in the mean over the batch: a
 * scalar.
 * @param a concentrations [N, K]
 * @param votes whole numbers [N, K]
 * @param most votes that a question has at most
 */
export function dirichletLoss(a: Tensor, votes: Tensor, places: readonly Places[], most: number): Tensor {
  const steps = ramp(Math.max(1, most));
  // The logarithm of Γ(a + k) / Γ(a) / k!, summed over the batch.
  const total = (a: Tensor, k: Tensor): Tensor => sum(sub(logRising(a, k, steps), logRising(ones(k.shape), k, steps)));
  const ofQuestions = total(byQuestion(a, places), byQuestion(votes, places));
  return reshape(mul(sub(ofQuestions, total(a, votes)), 1 / a.shape[0]), []);
}

/**
 * The same of one image in float64.
 * @param a concentrations, and `votes` whole numbers, of all answers
 */
export function dirichletLogLoss(a: ArrayLike<number>, votes: ArrayLike<number>, places: readonly Places[]): number {
  const rising = (from: number, k: number): number => {
    let total = 0;
    for (let j = 0; j < k; j++) total += Math.log((from + j) / (1 + j));
    return total;
  };
  let loss = 0;
  for (const { from, count } of places) {
    let [all, asked] = [0, 0];
    for (let i = from; i < from + count; i++) {
      all += a[i];
      asked += votes[i];
      loss -= rising(a[i], votes[i]);
    }
    loss += rising(all, asked);
  }
  return loss;
}
