import { concat } from '../../engine/ops/concat.ts';
import { add, mul } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { slice, split } from '../../engine/ops/slice.ts';
import { softmax } from '../../engine/ops/softmax_cross_entropy.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { leadingTo, placesOf, type Schema } from './schema.ts';

/*
 * Weighed shares of votes: the answers to a question sum to the share of the votes that
 * reached it, which is the sum of the answers that lead to it, and 1 where everybody is asked.
 */

/**
 * Weighed shares [N, K] from logits [N, K]: a softmax over the answers of each question, times the share that reached
 * it. Whatever the logits, the answers of a question sum to that share.
 */
export function treeShares(logits: Tensor, schema: Schema): Tensor {
  const logitsOf = split(
    logits,
    schema.map(({ answers }) => answers.length),
    1,
  );
  const known = new Map<number, Tensor>();
  const answersTo = (place: number): Tensor => {
    let shares = known.get(place);
    if (!shares) {
      const own = softmax(logitsOf[place]);
      const reached = leadingTo(schema, place).map(({ question, answers }) => {
        const given = answersTo(question);
        return answers.length === schema[question].answers.length
          ? sum(given, [1])
          : answers.map((i) => slice(given, [0, i], [given.shape[0], 1])).reduce(add);
      });
      shares = reached.length === 0 ? own : mul(own, reached.reduce(add));
      known.set(place, shares);
    }
    return shares;
  };
  return concat(
    schema.map((_, place) => answersTo(place)),
    1,
  );
}

/** By how much the shares of up to some ten answers miss their sum where they are written with six decimals. */
export const ROUNDING = 1e-5;

/**
 * Weighed shares from what a table says of the answers: counts, shares of each question, or weighed shares. The answers
 * of a question are scaled so that they sum to the share that reached it, and stay as they are where they do; where
 * nobody gave one they are 0.
 * @param values a number of at least 0 an answer
 */
export function weighedShares(schema: Schema, values: readonly number[]): number[] {
  const places = placesOf(schema);
  const known = new Map<number, number[]>();
  const answersTo = (place: number): number[] => {
    let shares = known.get(place);
    if (!shares) {
      const { from, count } = places[place];
      const given = values.slice(from, from + count);
      const total = given.reduce((a, b) => a + b, 0);
      const leading = leadingTo(schema, place);
      const reached =
        leading.length === 0
          ? 1
          : leading
              .flatMap(({ question, answers }) => answers.map((i) => answersTo(question)[i]))
              .reduce((a, b) => a + b);
      const isWeighed = total === 0 || Math.abs(total - reached) <= ROUNDING;
      shares = given.map((value) => Math.min(1, Math.max(0, isWeighed ? value : (value / total) * reached)));
      known.set(place, shares);
    }
    return shares;
  };
  return schema.flatMap((_, place) => answersTo(place));
}
