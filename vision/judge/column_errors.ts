/**
 * The root of a mean squared error, and what answering every column with its mean over the same images would give.
 */
export interface Rmse {
  readonly rmse: number;
  readonly constant: number;
}

/** The mean over the columns of the squared difference between what was predicted and what is so. */
export function meanSquare(predicted: ArrayLike<number>, values: ArrayLike<number>): number {
  let total = 0;
  for (let c = 0; c < values.length; c++) total += (predicted[c] - values[c]) ** 2;
  return total / values.length;
}

/**
 * √ of the mean over images and columns of the squared difference: in float64, image by image, holding a few sums a
 * column and no rows. Variances by Welford's recurrence (1962), which does not cancel.
 */
export class ColumnErrors {
  readonly #squares: Float64Array;
  readonly #mean: Float64Array;
  readonly #spread: Float64Array;
  #rows = 0;

  constructor(readonly columns: readonly string[]) {
    [this.#squares, this.#mean, this.#spread] = [0, 1, 2].map(() => new Float64Array(columns.length));
  }

  /** How many images were added. */
  get rows(): number {
    return this.#rows;
  }

  /** Adds an image: a number a column. Throws a RangeError for other lengths, and where one is not finite. */
  add(votes: ArrayLike<number>, prediction: ArrayLike<number>): void {
    const width = this.columns.length;
    for (const row of [votes, prediction])
      if (row.length !== width) throw new RangeError(`a row has ${width} columns, this one ${row.length}`);
    for (let c = 0; c < width; c++)
      if (!Number.isFinite(votes[c] - prediction[c]))
        throw new RangeError(`${this.columns[c]} is ${prediction[c]} where the vote is ${votes[c]}`);
    this.#rows++;
    for (let c = 0; c < width; c++) {
      this.#squares[c] += (votes[c] - prediction[c]) ** 2;
      const difference = votes[c] - this.#mean[c];
      this.#mean[c] += difference / this.#rows;
      this.#spread[c] += difference * (votes[c] - this.#mean[c]);
    }
  }

  /** Over some of the columns, all unless said; NaN throughout where there are no images. */
  over(first = 0, columns = this.columns.length): Rmse {
    const root = (sums: Float64Array) =>
      Math.sqrt(sums.subarray(first, first + columns).reduce((a, b) => a + b, 0) / (columns * this.#rows));
    return { rmse: root(this.#squares), constant: root(this.#spread) };
  }
}
