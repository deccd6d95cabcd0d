import { concat } from '../../engine/ops/concat.ts';
import { add, mul, sigmoid } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { slice, split } from '../../engine/ops/slice.ts';
import { softmax } from '../../engine/ops/softmax_cross_entropy.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { QUESTIONS, leadingTo } from '../decision_tree.ts';

/**
 * Vote fractions [N, 37] from logits [N, 37] as the challenge defines them: a softmax over the answers of each
 * question, times the share of the votes that reached it, which is what the answers that lead to it were given.
 * Whatever the logits, the answers of a question sum to that share.
 */
export function treeFractions(logits: Tensor): Tensor {
  const logitsOf = split(
    logits,
    QUESTIONS.map(({ answers }) => answers.length),
    1,
  );
  const known = new Map<number, Tensor>();
  const answersTo = (number: number): Tensor => {
    let fractions = known.get(number);
    if (!fractions) {
      const shares = softmax(logitsOf[number - 1]);
      const reached = leadingTo(number).map(({ question, answers }) => {
        const given = answersTo(question.number);
        return answers.length === question.answers.length
          ? sum(given, [1])
          : answers.map((i) => slice(given, [0, i], [given.shape[0], 1])).reduce(add);
      });
      fractions = reached.length === 0 ? shares : mul(shares, reached.reduce(add));
      known.set(number, fractions);
    }
    return fractions;
  };
  return concat(
    QUESTIONS.map(({ number }) => answersTo(number)),
    1,
  );
}

/** What turns 37 logits into 37 vote fractions: a sigmoid each, or the decision tree. */
export const HEADS = { tree: treeFractions, independent: sigmoid } as const;
export type HeadName = keyof typeof HEADS;
