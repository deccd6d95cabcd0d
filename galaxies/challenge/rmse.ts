import { CHALLENGE_COLUMNS, firstColumn } from '../columns.ts';
import { QUESTIONS } from '../decision_tree.ts';

/** The root of a mean squared error, and what answering every column with its mean over the same galaxies would give. */
export interface Rmse {
  readonly rmse: number;
  readonly constant: number;
}

export interface ChallengeRmse extends Rmse {
  readonly perQuestion: readonly (Rmse & { readonly number: number; readonly text: string })[];
  readonly perColumn: readonly (Rmse & { readonly name: string; readonly answer: string })[];
}

/**
 * The challenge's figure, √ of the mean over galaxies and columns of the squared difference, in total, by question and by column.
 * @param predictions n rows of 37 fractions
 * @param votes as many rows
 */
export function challengeRmse(predictions: ArrayLike<number>, votes: readonly ArrayLike<number>[]): ChallengeRmse {
  const width = CHALLENGE_COLUMNS.length;
  if (predictions.length !== votes.length * width) throw new RangeError(`${predictions.length} fractions are not ${votes.length} rows of ${width}`);
  const columns = CHALLENGE_COLUMNS.map((_, c) => {
    const mean = votes.reduce((sum, row) => sum + row[c], 0) / votes.length;
    return {
      error: votes.reduce((sum, row, n) => sum + (predictions[n * width + c] - row[c]) ** 2, 0) / votes.length,
      variance: votes.reduce((sum, row) => sum + (row[c] - mean) ** 2, 0) / votes.length,
    };
  });
  const over = (some: typeof columns): Rmse => {
    const root = (of: (column: (typeof columns)[number]) => number) => Math.sqrt(some.reduce((sum, column) => sum + of(column), 0) / some.length);
    return { rmse: root(({ error }) => error), constant: root(({ variance }) => variance) };
  };
  return {
    ...over(columns),
    perQuestion: QUESTIONS.map(({ number, text, answers }) => ({ number, text, ...over(columns.slice(firstColumn(number), firstColumn(number) + answers.length)) })),
    perColumn: QUESTIONS.flatMap(({ number, answers }) => answers.map(({ text }, i) => {
      const c = firstColumn(number) + i;
      return { name: CHALLENGE_COLUMNS[c], answer: text, ...over([columns[c]]) };
    })),
  };
}
