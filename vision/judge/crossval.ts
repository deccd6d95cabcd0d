import { wilson, type Interval } from './metrics.ts';
import type { FigureName } from './figures.ts';

/** How the network of a fold answered for the images of that fold. */
export interface FoldResult {
  /** 1 to their number. */
  readonly fold: number;
  /** Images on each side. */
  readonly train: number;
  readonly validation: number;
  /** The epoch whose weights were kept; null: the last. */
  readonly bestEpoch: number | null;
  readonly figure: number;
}

export interface CrossvalSummary {
  readonly figure: FigureName;
  readonly folds: readonly FoldResult[];
  readonly mean: number;
  /** Of the sample: √(Σ(xᵢ − mean)²/(n − 1)). */
  readonly standardDeviation: number;
  /**
   * Over all images together, each answered for by the one network that was not trained on it; of an accuracy with
   * its 95 % interval.
   */
  readonly outOfFold: { readonly images: number; readonly value: number } & Partial<Interval>;
}

/** What folds say together. At least two of them. */
export function summariseFolds(figure: FigureName, folds: readonly FoldResult[]): CrossvalSummary {
  const sum = (of: (fold: FoldResult) => number) => folds.reduce((total, fold) => total + of(fold), 0);
  const mean = sum((fold) => fold.figure) / folds.length;
  const standardDeviation = Math.sqrt(sum((fold) => (fold.figure - mean) ** 2) / (folds.length - 1));
  const images = sum(({ validation }) => validation);
  // Each fold's share of right answers is a count again, each RMSE a sum of squares.
  const outOfFold =
    figure === 'accuracy'
      ? wilson(
          sum(({ validation, figure: share }) => Math.round(share * validation)),
          images,
        )
      : { value: Math.sqrt(sum(({ validation, figure: rmse }) => rmse ** 2 * validation) / images) };
  return { figure, folds, mean, standardDeviation, outOfFold: { images, ...outOfFold } };
}
