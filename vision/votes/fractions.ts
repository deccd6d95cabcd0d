import type { Places } from './dirichlet.ts';

/** The sum of the numbers at the answers to a question. */
export function sumOf(row: ArrayLike<number>, { from, count }: Places): number {
  let total = 0;
  for (let i = from; i < from + count; i++) total += row[i];
  return total;
}

/** Each number as a share of those of its question: of votes what was given, of concentrations what is expected. */
export function voteFractions(row: ArrayLike<number>, places: readonly Places[]): Float64Array {
  const fractions = new Float64Array(row.length);
  for (const { from, count } of places) {
    const total = sumOf(row, { from, count });
    for (let i = from; i < from + count; i++) fractions[i] = total > 0 ? row[i] / total : Number.NaN;
  }
  return fractions;
}

/**
 * The mean of the squared differences between expected and given fractions, over the answers to the questions that
 * somebody was asked of this image. At least one vote.
 */
export function squaredError(row: ArrayLike<number>, votes: ArrayLike<number>, places: readonly Places[]): number {
  const [expected, given] = [voteFractions(row, places), voteFractions(votes, places)];
  let [total, answers] = [0, 0];
  for (let i = 0; i < given.length; i++) {
    if (Number.isNaN(given[i])) continue;
    total += (expected[i] - given[i]) ** 2;
    answers++;
  }
  return total / answers;
}
