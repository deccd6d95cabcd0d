import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import adamKernel from './adam.wgsl';

export interface AdamSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** One step for `size` weights. */
export function adam(size: number, settings: AdamSettings): Launch {
  const width = size % 4 === 0 ? 4 : 1;
  const { beta1, beta2, epsilon, weightDecay } = settings;
  return {
    kernel: adamKernel,
    aliases: width === 4 ? undefined : { Value: 'f32' },
    params: { size: size / width, beta1, beta2, rest1: 1 - beta1, rest2: 1 - beta2, epsilon, weightDecay },
    workgroups: foldWorkgroups(ceilDiv(size / width, 64)),
  };
}
