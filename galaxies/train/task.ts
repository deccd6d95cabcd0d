import type { Tensor } from '../../engine/tensor.ts';
import type { Dataset } from '../dataset.ts';
import type { Split } from '../split.ts';

/** Which galaxies learn and which judge, and what is known of each; indices into the dataset. */
export interface Prepared {
  readonly dataset: Dataset;
  readonly train: readonly number[];
  readonly validation: readonly number[];
  /** What training aims at for a galaxy: a number an output. */
  target(galaxy: number): ArrayLike<number>;
  /** The loss of what was predicted for a galaxy. */
  loss(prediction: ArrayLike<number>, galaxy: number): number;
  /** The mark of a row of scores or of a prediction; the task's figure is made of the mean mark. */
  mark(row: ArrayLike<number>, galaxy: number): number;
}

/** One of the parts that galaxies are divided into for cross-validation: the one that is validated on. */
export interface Fold {
  /** 1 to `of`. */
  readonly index: number;
  readonly of: number;
  readonly seed: number;
  /**
   * A hash of who is on which side. Where it is given, galaxies that come to another are refused: a fold depends on all
   * that take part.
   */
  readonly sides?: number;
}

export interface SplitOptions {
  /** Share of the galaxies kept for validation, 0..1; of a fold about its share. */
  readonly valFraction: number;
  /** Ids that must never be validated on, as ranges; null: none. */
  readonly trainOnly: string | null;
  /** Decides instead of `valFraction` where it is given. */
  readonly fold?: Fold;
}

/** What can be told of a model's answers during training beside the loss. */
export type FigureName = 'accuracy' | 'RMSE';

/**
 * What a network learns from galaxies: what its outputs stand for, what is minimised, how an answer is judged. The
 * trainer and prediction know no more of it.
 */
export interface Task {
  readonly name: string;
  /** What turns the network's last layer into predictions. */
  readonly head: string;
  /** What the outputs stand for, in their order. */
  readonly outputs: readonly string[];
  /** What a forward pass gives [N, K], as graph made of the network's logits [N, K]. */
  scores(logits: Tensor): Tensor;
  /** The prediction that a row of scores stands for: shares in 0..1. */
  prediction(scores: ArrayLike<number>): ArrayLike<number>;
  /** What is minimised: a scalar, of scores and targets [N, K]. */
  loss(scores: Tensor, targets: Tensor): Tensor;
  readonly figure: { readonly name: FigureName; of(meanMark: number): number };
  /** The galaxies of which enough is known, and the side that each is on. */
  split(dataset: Dataset, options: SplitOptions): Split;
  /** The same for a training. Throws a UserError where a side lacks what the task needs. */
  prepare(dataset: Dataset, options: SplitOptions): Prepared;
}
