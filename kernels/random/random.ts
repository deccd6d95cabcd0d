import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import dropoutKernel from './dropout.wgsl';
import uniformKernel from './random_uniform.wgsl';

/** `size` numbers in [0, 1). */
export const uniform = (size: number, stream: number): Launch => ({
  kernel: uniformKernel,
  params: { size, stream },
  workgroups: foldWorkgroups(ceilDiv(size, 256)),
});

/** Each of `size` elements dropped with probability `rate`, the others scaled by 1/(1 − rate). */
export const dropout = (size: number, stream: number, rate: number): Launch => ({
  kernel: dropoutKernel,
  params: { size, stream, rate, scale: 1 / (1 - rate) },
  workgroups: foldWorkgroups(ceilDiv(size, 256)),
});
