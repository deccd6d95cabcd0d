import type { Tensor } from '../../engine/tensor.ts';
import type { Dataset, Example } from '../data/dataset.ts';
import type { Figure } from '../judge/figures.ts';
import type { Split } from '../data/split.ts';

/** Which images learn and which judge, and what is known of each; indices into the dataset. */
export interface Prepared {
  readonly dataset: Dataset;
  readonly train: readonly number[];
  readonly validation: readonly number[];
  /** What training aims at for an image: a number an output. */
  target(example: number): ArrayLike<number>;
  /** The loss of what was predicted for an image. */
  loss(prediction: ArrayLike<number>, example: number): number;
  /** The output of the task that is right for an image that judges, where what is learnt is more (`Task.learns`). */
  readonly classOf?: (example: number) => number;
  /** The mark of what was predicted for an image; the task's figure is made of the mean mark. */
  mark(prediction: ArrayLike<number>, example: number): number;
}

/** One of the parts that images are divided into for cross-validation: the one that is validated on. */
export interface Fold {
  /** 1 to `of`. */
  readonly index: number;
  readonly of: number;
  readonly seed: number;
  /**
   * A hash of who is on which side. Where it is given, images that come to another are refused: a fold depends on all
   * that take part.
   */
  readonly sides?: number;
}

export interface SplitOptions {
  /** Share of the images kept for validation, 0..1; of a fold about its share. */
  readonly valFraction: number;
  /** Share of the images kept for a test, which take no part at all, 0..1; absent: none. */
  readonly testFraction?: number;
  /** Ids that must never be validated on, as ranges; null: none. */
  readonly trainOnly: string | null;
  /** Decides instead of `valFraction` where it is given. */
  readonly fold?: Fold;
}

/** A task as it is chosen: its name, and the choices that it leaves. A run's config.json and a model file hold it. */
export interface TaskOptions {
  readonly name: string;
}

/** A file that predictions can be written as: its first line, and one for each image. */
export interface RowFormat {
  readonly header: string;
  row(id: string, prediction: ArrayLike<number>): string;
}

/** What a network's last layer is trained for. */
export interface Learnt {
  /** What the outputs stand for, in their order. */
  readonly outputs: readonly string[];
  /** What a forward pass gives [N, K], as graph made of the network's logits [N, K]. */
  scores(logits: Tensor): Tensor;
  /** The prediction that a row of scores stands for: shares in 0..1, or values in the units of the data. */
  prediction(scores: ArrayLike<number>): ArrayLike<number>;
  /** What is minimised: a scalar, of scores and targets [N, K]. */
  loss(scores: Tensor, targets: Tensor): Tensor;
}

/**
 * What a network answers about images: what its outputs stand for, what is minimised, how an answer is judged. The
 * trainer and prediction know no more of it.
 */
export interface Task<E extends Example = Example> extends Learnt {
  readonly name: string;
  /** What turns the network's last layer into predictions. */
  readonly head: string;
  /** Whether one of the outputs is right and they sum to 1, or each is a share by itself, or a number of any size. */
  readonly answers: 'probabilities' | 'fractions' | 'values';
  /**
   * What the network learns, where that is more than it answers: `prepare` speaks of that then. The task's outputs are
   * the first of these, and their softmax is the answer, scaled to fit the validation images (`Prepared.classOf`); the
   * others go when the network is trained.
   */
  readonly learns?: Learnt;
  /** What is told of a prediction, where that is not it: the fractions of concentrations. */
  told?(prediction: ArrayLike<number>): ArrayLike<number>;
  readonly figure: Figure;
  /** Formats of predictions beside csv, by name. */
  readonly formats?: Readonly<Record<string, RowFormat>>;
  /** The images of which enough is known, and the side that each is on. */
  split(dataset: Dataset<E>, options: SplitOptions): Split;
  /**
   * The same for a training, which may learn from further images. Throws a UserError where a side lacks what the task
   * needs.
   */
  prepare(dataset: Dataset<E>, options: SplitOptions): Prepared;
}
