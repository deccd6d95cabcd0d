import { ceilDiv, foldWorkgroups, tableParams, type Launch } from '../kernel.ts';
import guardKernel from './guard.wgsl';

/** Buffers that one launch looks through: with its result they are the 8 that every adapter binds. */
export const GUARDED = ['x0', 'x1', 'x2', 'x3', 'x4', 'x5', 'x6'] as const;

/** Pieces of those buffers that one launch looks through. */
export const GUARDED_PIECES = 64;

/** Numbers of a part, which the threads of a workgroup share. */
const SHARE = 4096;

/** Numbers that lie side by side: in which of the buffers of GUARDED, and from which number on. */
export interface GuardedPiece {
  readonly buffer: number;
  readonly begin: number;
  readonly size: number;
}

const partsOf = (size: number): number => ceilDiv(size, SHARE);

/** Numbers that `guard` makes of pieces of these sizes. */
export const guardParts = (sizes: readonly number[]): number => sizes.reduce((n, size) => n + partsOf(size), 0) || 1;

/** Looks through pieces of at most seven buffers; the results begin at number `first` of its output. */
export function guard(pieces: readonly GuardedPiece[], first = 0): Launch {
  let part = 0;
  const rows = pieces.map(({ buffer, begin, size }) => {
    const row = [buffer, begin, begin + size, part];
    part += partsOf(size);
    return row;
  });
  const parts = guardParts(pieces.map(({ size }) => size));
  return {
    kernel: guardKernel,
    params: { first, parts, share: SHARE, count: pieces.length, ...tableParams('pieces', GUARDED_PIECES, rows) },
    workgroups: foldWorkgroups(parts),
  };
}
