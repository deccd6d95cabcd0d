import { UserError } from '../../engine/user_error.ts';
import type { LayerSpec } from './layer_spec.ts';

/** What one can change in the laboratory. A run is a function of its settings: the same ones give the same losses. */
export interface Settings {
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
  readonly learningRate: number;
  readonly batchSize: number;
  /** Of the first weights and of the order of the images. */
  readonly seed: number;
}

export type ActivationName = 'relu' | 'silu' | 'tanh' | 'sigmoid';

export const DEFAULT_SETTINGS: Settings = {
  filterSize: 3,
  stride: 1,
  padding: 'same',
  activation: 'relu',
  pooling: 'max',
  batchNorm: false,
  learningRate: 0.003,
  batchSize: 16,
  seed: 0,
};

/** The values that a setting can take: a list, or the least and the most. */
export const CHOICES = {
  filterSize: [1, 3, 5],
  stride: [1, 2],
  padding: ['same', 'valid'],
  activation: ['relu', 'silu', 'tanh', 'sigmoid'],
  pooling: ['max', 'average'],
  learningRate: { least: 0, most: 1, whole: false },
  batchSize: { least: 1, most: 64, whole: true },
  seed: { least: 0, most: 2 ** 31 - 1, whole: true },
} as const;

const NAMES: Record<keyof typeof CHOICES, string> = {
  filterSize: 'the filter size',
  stride: 'the stride',
  padding: 'the padding',
  activation: 'the activation',
  pooling: 'the pooling',
  learningRate: 'the learning rate',
  batchSize: 'the batch size',
  seed: 'the seed',
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
