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
export function resample({ outer, inner, rows, columns, xRows, xColumns }: ResampleSize, software: boolean): Launch {
  const width = inner % 4 === 0 ? 4 : 1;
  const values = inner / width;
  // Neighbouring threads of a GPU read neighbouring Values.
  const own = software ? [4, 2, 1].find((n) => values % n === 0)! : 1;
  const size = (outer * rows * columns * values) / own;
  return {
    kernel: resampleKernel,
    aliases: width === 4 ? {} : { Value: 'f32' },
    consts: { OWN: own },
    params: { size, inner: values, step: values / own, rows, columns, xRows, xColumns },
    workgroups: foldWorkgroups(ceilDiv(size, 64)),
  };
}
