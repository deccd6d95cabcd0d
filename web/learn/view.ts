import type { LayerPlan, Role } from './network.ts';
import type { Settings } from './settings.ts';

/*
 * What the worker tells the page: plain data.
 */

export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A parameter with the gradient of the looked-at image's loss; running statistics have none. */
export interface ParameterView {
  readonly role: Role;
  readonly value: Values;
  readonly gradient?: Values;
}

export interface LayerView extends Omit<LayerPlan, 'shape' | 'parameters'> {
  /** Output, and the gradient of the loss with respect to it. */
  readonly y: Values;
  readonly dy: Values;
  readonly parameters: readonly ParameterView[];
}

/** One image in the network as it stands after `step` steps, forwards and backwards. */
export interface View {
  readonly settings: Settings;
  readonly step: number;
  readonly image: number;
  /** Index into `classes`. */
  readonly label: number;
  readonly classes: readonly string[];
  /** Whether the images are the user's own, and no galaxies. */
  readonly isOwn: boolean;
  /** From the image to the loss. */
  readonly layers: readonly LayerView[];
  /**
   * The labels of the images that are looked at together, as in training: the arrays hold them all, the looked-at image
   * first, and batch norm takes their statistics, which stand in place of the running ones. The loss is their mean.
   * Absent where the image is alone, as in prediction.
   */
  readonly batch?: readonly number[];
}

/** The labels of all images of a view. */
export const labelsOf = ({ batch, label }: View): readonly number[] => batch ?? [label];

/** The layers that take a layer's output. */
export const usersOf = (layers: readonly Pick<LayerView, 'inputs'>[], layer: number): number[] =>
  layers.flatMap(({ inputs }, i) => (inputs.includes(layer) ? [i] : []));

export interface StepResult {
  /** Steps made, this one included. */
  readonly step: number;
  /** Mean cross entropy of the batch before the step, in nats, and the share of right answers in it. */
  readonly loss: number;
  readonly accuracy: number;
  /** Whether it changed anything: not where its loss or a gradient was not finite. */
  readonly changed: boolean;
  /** Layers of activations whose outputs were 0 everywhere, on the whole batch. */
  readonly silent: readonly number[];
  /** Share of right answers and mean loss on the held-out images after the step, at every HELD_OUT_EVERY steps. */
  readonly heldOut?: number;
  readonly heldOutLoss?: number;
}

/** A number of the network: an element of a layer's output, or of one of its parameters. */
export interface Target {
  readonly layer: number;
  readonly role?: Role;
  /** Position in the array. */
  readonly offset: number;
}

/** A central difference: the loss with the number moved up and down by about `h`. */
export interface Difference {
  readonly h: number;
  readonly up: number;
  readonly down: number;
  /** (up − down) / the distance of the two numbers as f32 holds them. */
  readonly slope: number;
}

export interface CheckResult {
  readonly analytic: number;
  /** The largest h first. */
  readonly differences: readonly Difference[];
}
