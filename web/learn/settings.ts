import { UserError } from '../../engine/user_error.ts';
import type { ActivationName, LayerSpec } from './layer_spec.ts';
import { TRAINING } from './sky.ts';

/** Settings that may change from one step to the next. */
export interface RunningSettings {
  readonly optimizer: OptimizerName;
  readonly learningRate: number;
  /** Of the optimizer `momentum`; the others have none. */
  readonly momentum: number;
  /** Of filters and dense weights: decoupled with Adam, in the gradient with the others. */
  readonly weightDecay: number;
  /** Share of the dense layer's inputs that are left out while it trains. */
  readonly dropout: number;
  /** Whether each image of a batch is turned and mirrored at random. */
  readonly augmentation: boolean;
  readonly batchSize: number;
  /** Images that are trained on: the first so many. */
  readonly trainingSize: number;
}

/**
 * What one can change in the laboratory. A run is a function of its settings, and of the steps at which running ones
 * changed: the same ones give the same losses.
 */
export interface Settings extends RunningSettings {
  /** The network's own layers; where there are none, the settings of layers below describe it. */
  readonly layers?: readonly LayerSpec[];
  /** Side of the filters of both convolutions. */
  readonly filterSize: number;
  /** Of both convolutions. */
  readonly stride: number;
  readonly padding: 'same' | 'valid';
  readonly activation: ActivationName;
  readonly pooling: 'max' | 'average';
  readonly batchNorm: boolean;
  /** Of the first weights and of all that is drawn at random. */
  readonly seed: number;
}

export type { ActivationName } from './layer_spec.ts';
export type OptimizerName = 'sgd' | 'momentum' | 'adam';

export const DEFAULT_SETTINGS: Settings = {
  filterSize: 3,
  stride: 1,
  padding: 'same',
  activation: 'relu',
  pooling: 'max',
  batchNorm: false,
  optimizer: 'adam',
  learningRate: 0.003,
  momentum: 0.9,
  weightDecay: 0,
  dropout: 0,
  augmentation: false,
  batchSize: 16,
  trainingSize: TRAINING,
  seed: 0,
};

/** The running ones of these settings. */
export const runningOf = ({
  optimizer,
  learningRate,
  momentum,
  weightDecay,
  dropout,
  augmentation,
  batchSize,
  trainingSize,
}: RunningSettings): RunningSettings => ({
  optimizer,
  learningRate,
  momentum,
  weightDecay,
  dropout,
  augmentation,
  batchSize,
  trainingSize,
});

/** Whether these settings differ in running ones at most. */
export const sameStructure = (a: Settings, b: Settings): boolean =>
  JSON.stringify({ ...a, ...runningOf(b) }) === JSON.stringify({ ...b, ...runningOf(b) });

/** Whether two sets of running settings are the same. */
export const sameRunning = (a: RunningSettings, b: RunningSettings): boolean =>
  JSON.stringify(runningOf(a)) === JSON.stringify(runningOf(b));

/** The values that a setting can take: a list, or the least and the most. */
export const CHOICES = {
  filterSize: [1, 3, 5],
  stride: [1, 2],
  padding: ['same', 'valid'],
  activation: ['relu', 'silu', 'tanh', 'sigmoid'],
  pooling: ['max', 'average'],
  batchNorm: [false, true],
  seed: { least: 0, most: 2 ** 31 - 1, whole: true },
  optimizer: ['sgd', 'momentum', 'adam'],
  learningRate: { least: 0, most: 1, whole: false },
  momentum: { least: 0, most: 0.999, whole: false },
  weightDecay: { least: 0, most: 1, whole: false },
  dropout: { least: 0, most: 0.9, whole: false },
  augmentation: [false, true],
  batchSize: { least: 1, most: 64, whole: true },
  trainingSize: { least: 1, most: TRAINING, whole: true },
} as const;

const NAMES: Record<keyof typeof CHOICES, string> = {
  filterSize: 'the filter size',
  stride: 'the stride',
  padding: 'the padding',
  activation: 'the activation',
  pooling: 'the pooling',
  batchNorm: 'batch norm',
  seed: 'the seed',
  optimizer: 'the optimiser',
  learningRate: 'the learning rate',
  momentum: 'the momentum',
  weightDecay: 'the weight decay',
  dropout: 'the dropout',
  augmentation: 'the augmentation',
  batchSize: 'the batch size',
  trainingSize: 'the number of training images',
};

/** @throws UserError that names the setting and what it can be */
export function checkSettings(settings: Settings): void {
  for (const [name, allowed] of Object.entries(CHOICES) as [
    keyof typeof CHOICES,
    readonly unknown[] | { least: number; most: number; whole: boolean },
  ][]) {
    const value = settings[name];
    if ('least' in allowed) {
      const { least, most, whole } = allowed;
      if (typeof value !== 'number' || !(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
        throw new UserError(
          `${NAMES[name]} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}, not ${value}`,
        );
      }
    } else if (!allowed.includes(value))
      throw new UserError(`${NAMES[name]} must be one of ${allowed.join(', ')}, not ${value}`);
  }
}
