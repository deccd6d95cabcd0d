import { ColumnErrors, type Rmse } from '../../vision/judge/column_errors.ts';
import { CHALLENGE_COLUMNS, firstColumn } from '../columns.ts';
import { QUESTIONS } from '../decision_tree.ts';

/** NaN throughout where there are no galaxies. */
export interface ChallengeRmse extends Rmse {
  readonly perQuestion: readonly (Rmse & { readonly number: number; readonly text: string })[];
  readonly perColumn: readonly (Rmse & { readonly name: string; readonly answer: string })[];
}

const WIDTH = CHALLENGE_COLUMNS.length;

/** The challenge's figure in total, by question and by column. */
export class RmseAccumulator extends ColumnErrors {
  constructor() {
    super(CHALLENGE_COLUMNS);
  }

  result(): ChallengeRmse {
    return {
      ...this.over(),
      perQuestion: QUESTIONS.map(({ number, text, answers }) => ({
        number,
        text,
        ...this.over(firstColumn(number), answers.length),
      })),
      perColumn: QUESTIONS.flatMap(({ number, answers }) =>
        answers.map(({ text }, i) => {
          const c = firstColumn(number) + i;
          return { name: CHALLENGE_COLUMNS[c], answer: text, ...this.over(c, 1) };
        }),
      ),
    };
  }
}

/**
 * The challenge's figure of predictions that are all at hand.
 * @param predictions n rows of 37 fractions
 * @param votes as many rows
 */
export function challengeRmse(predictions: ArrayLike<number>, votes: readonly ArrayLike<number>[]): ChallengeRmse {
  if (predictions.length !== votes.length * WIDTH)
    throw new RangeError(`${predictions.length} fractions are not ${votes.length} rows of ${WIDTH}`);
  const sums = new RmseAccumulator();
  votes.forEach((row, n) =>
    sums.add(
      row,
      Array.from(row, (_, c) => predictions[n * WIDTH + c]),
    ),
  );
  return sums.result();
}
