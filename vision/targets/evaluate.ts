import { orNull } from '../json_text.ts';

/** How far predicted numbers of a column are from the true ones, in the units of the data. */
export interface ColumnFigures {
  readonly name: string;
  readonly rmse: number;
  /** The mean absolute error. */
  readonly mae: number;
  /** 1 - Σ(p - y)² / Σ(y - ȳ)²: 0 is what the mean answers, 1 is perfect; null where all y are the same. */
  readonly r2: number | null;
  /** The mean of p - y. */
  readonly bias: number;
  /** The RMSE of answering with the mean over the same images. */
  readonly constant: number;
}

export interface TargetFigures {
  readonly measuredOn: string;
  readonly images: number;
  /** Over all columns, each error in units of the column's deviation in training. */
  readonly rmse: number;
  /** The mean over the columns that have one; null where none has. */
  readonly r2: number | null;
  readonly columns: readonly ColumnFigures[];
}

/** What is known of a model's answers: the figures, and what was predicted and is true, a row an image. */
export interface TargetJudgement {
  readonly figures: TargetFigures;
  readonly predicted: readonly (readonly number[])[];
  readonly truth: readonly (readonly number[])[];
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Figures of one column. At least one number. */
export function columnFigures(name: string, predicted: readonly number[], truth: readonly number[]): ColumnFigures {
  const errors = predicted.map((p, i) => p - truth[i]);
  const middle = meanOf(truth);
  const squares = meanOf(errors.map((error) => error ** 2));
  const spread = meanOf(truth.map((y) => (y - middle) ** 2));
  return {
    name,
    rmse: Math.sqrt(squares),
    mae: meanOf(errors.map(Math.abs)),
    r2: truth.every((y) => y === truth[0]) ? null : 1 - squares / spread,
    bias: meanOf(errors),
    constant: Math.sqrt(spread),
  };
}

/**
 * Judges predicted numbers against the true ones.
 * @param deviation the unit of each column for the figure over all of them
 * @param measuredOn what the images are, as a phrase
 */
export function judgeNumbers(
  { columns, deviation }: { readonly columns: readonly string[]; readonly deviation: readonly number[] },
  predicted: readonly (readonly number[])[],
  truth: readonly (readonly number[])[],
  measuredOn: string,
): TargetJudgement {
  const figures = columns.map((name, k) =>
    columnFigures(
      name,
      predicted.map((row) => row[k]),
      truth.map((row) => row[k]),
    ),
  );
  const told = figures.flatMap(({ r2 }) => r2 ?? []);
  return {
    predicted,
    truth,
    figures: {
      measuredOn,
      images: truth.length,
      rmse: Math.sqrt(meanOf(figures.map(({ rmse }, k) => (rmse / deviation[k]) ** 2))),
      r2: orNull(meanOf(told)),
      columns: figures,
    },
  };
}
