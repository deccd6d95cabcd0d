import { CHALLENGE_COLUMNS, firstColumn } from '../columns.ts';
import { QUESTIONS } from '../decision_tree.ts';

/**
 * The root of a mean squared error, and what answering every column with its mean over the same galaxies would give.
 */
export interface Rmse {
  readonly rmse: number;
  readonly constant: number;
}

/** NaN throughout where there are no galaxies. */
export interface ChallengeRmse extends Rmse {
  readonly perQuestion: readonly (Rmse & { readonly number: number; readonly text: string })[];
  readonly perColumn: readonly (Rmse & { readonly name: string; readonly answer: string })[];
}

const WIDTH = CHALLENGE_COLUMNS.length;

/** The mean over the columns of the squared difference between a row of fractions and the votes. */
export function squaredError(fractions: ArrayLike<number>, votes: ArrayLike<number>): number {
  let total = 0;
  for (let c = 0; c < votes.length; c++) total += (fractions[c] - votes[c]) ** 2;
  return total / votes.length;
}

/**
 * The challenge's figure, √ of the mean over galaxies and columns of the squared difference, in total, by question and
 * by column: in float64, galaxy by galaxy, holding a few sums a column and no rows. Variances by Welford's recurrence
 * (1962), which does not cancel.
 */
export class RmseAccumulator {
  readonly #squares = new Float64Array(WIDTH);
  readonly #mean = new Float64Array(WIDTH);
  readonly #spread = new Float64Array(WIDTH);
  #galaxies = 0;

  get galaxies(): number {
    return this.#galaxies;
  }

  /** Adds a galaxy: rows of 37 numbers in the challenge's order. Throws a RangeError where one is not finite. */
  add(votes: ArrayLike<number>, prediction: ArrayLike<number>): void {
    for (const row of [votes, prediction])
      if (row.length !== WIDTH) throw new RangeError(`a row has ${WIDTH} columns, this one ${row.length}`);
    for (let c = 0; c < WIDTH; c++)
      if (!Number.isFinite(votes[c] - prediction[c]))
        throw new RangeError(`${CHALLENGE_COLUMNS[c]} is ${prediction[c]} where the vote is ${votes[c]}`);
    this.#galaxies++;
    for (let c = 0; c < WIDTH; c++) {
      this.#squares[c] += (votes[c] - prediction[c]) ** 2;
      const difference = votes[c] - this.#mean[c];
      this.#mean[c] += difference / this.#galaxies;
      this.#spread[c] += difference * (votes[c] - this.#mean[c]);
    }
  }

  result(): ChallengeRmse {
    const over = (first: number, columns: number): Rmse => {
      const root = (sums: Float64Array) =>
        Math.sqrt(sums.subarray(first, first + columns).reduce((a, b) => a + b, 0) / (columns * this.#galaxies));
      return { rmse: root(this.#squares), constant: root(this.#spread) };
    };
    return {
      ...over(0, WIDTH),
      perQuestion: QUESTIONS.map(({ number, text, answers }) => ({
        number,
        text,
        ...over(firstColumn(number), answers.length),
      })),
      perColumn: QUESTIONS.flatMap(({ number, answers }) =>
        answers.map(({ text }, i) => {
          const c = firstColumn(number) + i;
          return { name: CHALLENGE_COLUMNS[c], answer: text, ...over(c, 1) };
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
