import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import copyKernel from './roofline_copy.wgsl';
import fmaKernel from './roofline_fma.wgsl';

/** Copies `size` numbers, a multiple of 4. */
export const rooflineCopy = (size: number): Launch => ({
  kernel: copyKernel,
  params: { vectors: size / 4 },
  workgroups: foldWorkgroups(ceilDiv(size, 1024)),
});

/** `count` (a multiple of 8) multiply-adds, one after the other, on each of `size` numbers, a multiple of 8. */
export const rooflineFma = (size: number, count: number): Launch => ({
  kernel: fmaKernel,
  params: { threads: size / 8, count, one: 1 },
  workgroups: foldWorkgroups(ceilDiv(size / 8, 64)),
});
