import { RandomStream, hashText } from '../engine/random.ts';
import { sizeOf } from '../engine/tensor.ts';
import { efficientNetParameters } from '../models/efficientnet_parameters.ts';
import type { ParameterSpec } from '../models/parameter_spec.ts';
import { efficientNetConfig } from '../models/efficientnet_table.ts';
import { initialValues } from '../models/initialise.ts';
import type { Job } from './contender.ts';

/*
 * What every contender is given: drawn from fixed seeds, so that each process makes the same numbers by itself.
 */

export const CONFIG = efficientNetConfig('b0', 1000);
export const SPECS: readonly ParameterSpec[] = efficientNetParameters(CONFIG);
export const LEARNING_RATE = 1e-3;
export const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 } as const;
export const BATCH_NORM_EPSILON = 1e-3;

/**
 * How far outputs may differ, as relative L2. Logits: float32 through some 80 layers. The loss of the first training
 * step (of `fit`, the mean of the first epoch), the same. And of the second: Adam's first step is the gradient's sign
 * times the rate, and where a gradient is all but zero rounding decides its sign.
 */
export const TOLERANCE = { forward: [1e-3], train: [1e-3, 1e-2], fit: [1e-3, 1e-2] } as const;
const SEED = 5;

/** Fresh filters; scales, shifts and running statistics that are neither 0 nor 1, so that leaving one out shows. */
export function weights(): Map<string, Float32Array> {
  return new Map(
    SPECS.map((spec) => {
      const random = new RandomStream(SEED, hashText(spec.name));
      const around = (middle: number) =>
        new Float32Array(sizeOf(spec.shape)).map(() => middle + 0.4 * (random.uniform() - 0.5));
      switch (spec.kind) {
        case 'gamma':
        case 'var':
          return [spec.name, around(1)];
        case 'beta':
        case 'mean':
        case 'bias':
          return [spec.name, around(0)];
        default:
          return [spec.name, initialValues(spec, SEED)];
      }
    }),
  );
}

/** Normally distributed pixels [batch, size, size, 3]. */
export function images({ batch, size }: Job): Float32Array {
  const random = new RandomStream(SEED, hashText('images'));
  return new Float32Array(batch * size * size * 3).map(() => random.normal());
}

/** One class an image, as [batch, classes] of 0 and 1. */
export function targets({ batch }: Job): Float32Array {
  const random = new RandomStream(SEED, hashText('targets'));
  const values = new Float32Array(batch * CONFIG.classes);
  for (let n = 0; n < batch; n++) values[n * CONFIG.classes + Math.floor(random.uniform() * CONFIG.classes)] = 1;
  return values;
}
