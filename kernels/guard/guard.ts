import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import guardKernel from './guard.wgsl';

/** Tensors that one pass looks through. */
export const GUARDED = ['x0', 'x1', 'x2', 'x3'] as const;

/** Numbers that a thread looks at, or somewhat more. */
const SHARE = 256;

/**
 * The passes from at most four tensors of these sizes to one number; each pass after the first looks through what the
 * one before wrote.
 */
export function guard(sizes: readonly number[]): { launch: Launch; outSize: number }[] {
  const total = sizes.reduce((a, b) => a + b, 0);
  const parts = ceilDiv(total, SHARE) || 1;
  const [size0, size1 = 0, size2 = 0, size3 = 0] = sizes;
  const launch: Launch = {
    kernel: guardKernel,
    params: { size0, size1, size2, size3, parts },
    workgroups: foldWorkgroups(ceilDiv(parts, 64)),
  };
  return [{ launch, outSize: parts }, ...(parts === 1 ? [] : guard([parts]))];
}
