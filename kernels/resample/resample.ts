import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import resampleKernel from './resample.wgsl';

/** Lengths of x [outer, xRows, xColumns, inner], and of its two middle dimensions in the result. */
export interface ResampleSize {
  readonly outer: number;
  readonly xRows: number;
  readonly xColumns: number;
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
}

/** Sums by two sparse matrices [rows, xRows] and [columns, xColumns], see the kernel. */
export function resample({ outer, inner, rows, columns, xRows, xColumns }: ResampleSize): Launch {
  const width = inner % 4 === 0 ? 4 : 1;
  const size = (outer * rows * columns * inner) / width;
  return {
    kernel: resampleKernel,
    aliases: width === 4 ? {} : { Value: 'f32' },
    params: { size, inner: inner / width, rows, columns, xRows, xColumns },
    workgroups: foldWorkgroups(ceilDiv(size, 64)),
  };
}
