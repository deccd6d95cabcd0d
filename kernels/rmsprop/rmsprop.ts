import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import rmspropKernel from './rmsprop.wgsl';

export interface RmspropSettings {
  readonly decay: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** One step for `size` weights; without the mean of gradients (`centred`) nothing of the binding `a` is used. */
export function rmsprop(size: number, settings: RmspropSettings, centred: boolean): Launch {
  const width = size % 4 === 0 ? 4 : 1;
  const { decay, momentum, epsilon, weightDecay } = settings;
  return {
    kernel: rmspropKernel,
    overrides: { CENTRED: Number(centred) },
    aliases: width === 4 ? undefined : { Value: 'f32' },
    params: { size: size / width, decay, rest: 1 - decay, momentum, epsilon, weightDecay },
    workgroups: foldWorkgroups(ceilDiv(size / width, 64)),
  };
}
