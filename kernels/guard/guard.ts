import type { GpuTarget } from '../gpu.ts';
import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import guardKernel from './guard.wgsl';

/** Tensors that one launch looks through: with its result they are the 8 buffers that every adapter binds. */
export const GUARDED = ['x0', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6'] as const;

/** Numbers of a part, or somewhat more: a thread of a CPU looks at them one by one, 64 of a GPU together. */
const SHARE = 256;

/** Numbers that `guard` makes of tensors of these sizes. */
export const guardParts = (sizes: readonly number[]): number =>
  ceilDiv(
    sizes.reduce((a, b) => a + b, 0),
    SHARE,
  ) || 1;

/** Looks through at most seven tensors of these sizes. */
export function guard(sizes: readonly number[], { software }: GpuTarget): Launch {
  const parts = guardParts(sizes);
  const depth = software ? 1 : 64;
  const params = Object.fromEntries(GUARDED.map((_, i) => [`size${i}`, sizes[i] ?? 0]));
  return {
    kernel: guardKernel,
    overrides: { DEPTH: depth },
    params: { ...params, parts },
    workgroups: foldWorkgroups(ceilDiv(parts * depth, 64)),
  };
}
