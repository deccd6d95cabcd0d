import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import windowKernel from './copy_window.wgsl';

/** `size` elements of x from `shift` on; zeros where that is outside x. */
export const copyWindow = (size: number, xSize: number, shift: number): Launch => ({
  kernel: windowKernel,
  params: { size, xSize, shift },
  workgroups: foldWorkgroups(ceilDiv(size, 64)),
});
