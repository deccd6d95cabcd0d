import { columns, placeColumns } from '../../engine/ops/columns.ts';
import { add, mul, sigmoid } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { softmax } from '../../engine/ops/softmax_cross_entropy.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { CHALLENGE_COLUMNS, firstColumn } from '../columns.ts';
import { QUESTIONS, leadingTo } from '../decision_tree.ts';

/**
 * Vote fractions [N, 37] from logits [N, 37] as the challenge defines them: a softmax over the answers of each
 * question, times the share of the votes that reached it, which is what the answers that lead to it were given.
 * Whatever the logits, the answers of a question sum to that share.
 */
export function treeFractions(logits: Tensor): Tensor {
  const known = new Map<number, Tensor>();
  const answersTo = (number: number): Tensor => {
    let fractions = known.get(number);
    if (!fractions) {
      const shares = softmax(columns(logits, firstColumn(number), QUESTIONS[number - 1].answers.length));
      const reached = leadingTo(number).map(({ question, answers }) => {
        const given = answersTo(question.number);
        return answers.length === question.answers.length
          ? sum(given, [1])
          : answers.map((i) => columns(given, i, 1)).reduce(add);
      });
      fractions = reached.length === 0 ? shares : mul(shares, reached.reduce(add));
      known.set(number, fractions);
    }
    return fractions;
  };
  return QUESTIONS.map(({ number }) =>
    placeColumns(answersTo(number), firstColumn(number), CHALLENGE_COLUMNS.length),
  ).reduce(add);
}

/** What turns 37 logits into 37 vote fractions: a sigmoid each, or the decision tree. */
export const HEADS = { tree: treeFractions, independent: sigmoid } as const;
export type HeadName = keyof typeof HEADS;
