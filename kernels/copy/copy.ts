import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import windowKernel from './copy_window.wgsl';

/** Of each of the rows of x [rows, xSize]: `size` elements from `shift` on; zeros where that is outside the row. */
export const copyWindow = (size: number, xSize: number, shift: number, rows = 1): Launch => ({
  kernel: windowKernel,
  params: { rows, size, xSize, shift },
  workgroups: foldWorkgroups(ceilDiv(rows * size, 64)),
});
