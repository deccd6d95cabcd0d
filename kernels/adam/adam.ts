import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import adamKernel from './adam.wgsl';
import hyperKernel from './adam_hyper.wgsl';

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

/** The numbers of a step: see adam_hyper.wgsl. A beta of 0 has no logarithm; e⁻⁸⁰ is as good as none of it left. */
export const adamHyper = (beta1: number, beta2: number, scaled: boolean): Launch => ({
  kernel: hyperKernel,
  overrides: { SCALED: Number(scaled) },
  params: { log1: Math.max(Math.log(beta1), -80), log2: Math.max(Math.log(beta2), -80) },
  workgroups: [1, 1, 1],
});
