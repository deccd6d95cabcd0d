import { OF_PARTS } from '../batch_norm/parts.ts';
import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import kernel from './matmul_parts.wgsl';

/** So many parts a thread adds up alone; more are shared out (kernels/reduce). */
export const MOST_PARTS = 16;

/** The sum of the parts of a product, at most MOST_PARTS, N a multiple of 4; it takes an epilogue. Bindings: x, out. */
export const addParts = (M: number, N: number, parts: number): Launch => ({
  kernel,
  params: { size: (M * N) / 4, columns: N / 4, parts },
  workgroups: foldWorkgroups(ceilDiv((M * N) / 4, 64)),
  pairs: OF_PARTS,
});
