import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import broadcastKernel from './broadcast.wgsl';
import reduceKernel from './reduce.wgsl';
import reduceProductsKernel from './reduce_products.wgsl';

/** The longest sum one thread makes; longer ones are split into parts and summed again. */
const LONGEST = 256;

/**
 * The passes that sum the middle dimension of [outer, length, inner]. Each pass's output, [outer, parts, inner], is the
 * next one's input, of `outSize` elements; the last has parts = 1 and applies `scale`.
 * @param ofProducts the first pass sums the products of two tensors
 */
export function reduce(
  outer: number,
  length: number,
  inner: number,
  scale: number,
  ofProducts = false,
): { launch: Launch; outSize: number }[] {
  const width = inner % 4 === 0 ? 4 : 1;
  const passes: { launch: Launch; outSize: number }[] = [];
  for (let rest = length; ; ) {
    const parts = rest <= LONGEST ? 1 : ceilDiv(rest, LONGEST);
    const launch: Launch = {
      kernel: ofProducts && passes.length === 0 ? reduceProductsKernel : reduceKernel,
      aliases: width === 4 ? undefined : { Value: 'f32' },
      params: { outer, length: rest, inner: inner / width, parts, scale: parts === 1 ? scale : 1 },
      workgroups: foldWorkgroups(ceilDiv((outer * parts * inner) / width, 64)),
    };
    passes.push({ launch, outSize: outer * parts * inner });
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
