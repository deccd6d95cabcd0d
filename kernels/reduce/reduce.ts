import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import broadcastKernel from './broadcast.wgsl';
import reduceKernel from './reduce.wgsl';

/** The longest sum one thread makes; longer ones are split into parts and summed again. */
const LONGEST = 256;

/**
 * The passes that sum the middle dimension of [outer, length, inner]. Each pass's output, [outer, parts, inner], is the
 * next one's input; the last has parts = 1 and applies `scale`.
 */
export function reduce(outer: number, length: number, inner: number, scale: number): Launch[] {
  const passes: Launch[] = [];
  for (let rest = length; ; ) {
    const parts = rest <= LONGEST ? 1 : ceilDiv(rest, LONGEST);
    passes.push({
      kernel: reduceKernel,
      params: { outer, length: rest, inner, parts, scale: parts === 1 ? scale : 1 },
      workgroups: foldWorkgroups(ceilDiv(outer * parts * inner, 64)),
    });
    if (parts === 1) return passes;
    rest = parts;
  }
}

/** [outer, inner] repeated `length` times along a new middle dimension, times `scale`. */
export const broadcast = (outer: number, length: number, inner: number, scale: number): Launch => ({
  kernel: broadcastKernel,
  params: { outer, length, inner, scale },
  workgroups: foldWorkgroups(ceilDiv(outer * length * inner, 64)),
});
