import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import emaKernel from './ema.wgsl';

/** One step of a moving average of `size` elements, whose halves are scaled by one factor each. */
export const ema = (
  size: number,
  momentum: number,
  [scale0, scale1]: readonly [number, number],
  guarded: boolean,
): Launch => ({
  kernel: emaKernel,
  overrides: { GUARDED: Number(guarded) },
  params: { size, half: Math.floor(size / 2), momentum, scale0, scale1 },
  workgroups: foldWorkgroups(ceilDiv(size, 64)),
});
