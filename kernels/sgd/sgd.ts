import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import sgdKernel from './sgd.wgsl';

export interface SgdSettings {
  readonly momentum: number;
  readonly dampening: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

/** One step for `size` weights; guarded, it is left undone where the guard is not finite. */
export function sgd(size: number, settings: SgdSettings, guarded: boolean): Launch {
  const { momentum, dampening, nesterov, weightDecay } = settings;
  const width = size % 4 === 0 ? 4 : 1;
  return {
    kernel: sgdKernel,
    overrides: { GUARDED: Number(guarded) },
    aliases: width === 4 ? undefined : { Value: 'f32' },
    params: { size: size / width, momentum, nesterov: Number(nesterov), weightDecay, undamped: 1 - dampening },
    workgroups: foldWorkgroups(ceilDiv(size / width, 64)),
  };
}
