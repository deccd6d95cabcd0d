import { ceilDiv, distinct, foldWorkgroups, type Launch } from '../kernel.ts';
import type { MatmulSize } from './matmul_size.ts';
import few from './matmul_few.wgsl';
import small from './matmul_small.wgsl';
import type { TileTarget } from './tiling.ts';

/** How a small product is shared out: so many threads an output column, each with its share of the depth; up to 64. */
export type SmallTiling = { readonly depths: number };

/** How a product of few rows is shared out: threads of a workgroup, and how many of them have the same columns. */
export type FewTiling = { readonly fewLanes: number; readonly fewDepths: number };

export const SMALL_KERNELS = [small, few] as const;

/** The sizes, and how far apart neighbours lie in the operands. */
export function strided({ M, N, K, transposeA, transposeB }: MatmulSize) {
  const [a_m, a_k] = transposeA ? [1, M] : [K, 1];
  const [b_k, b_n] = transposeB ? [1, K] : [N, 1];
  return { M, N, K, a_m, a_k, b_k, b_n };
}

/** One launch whatever the sizes, and no padding. Bindings: a, b, out. */
export function matmulSmall(size: MatmulSize, { depths }: SmallTiling): Launch {
  const rows = size.M === 1 ? 1 : 4;
  return {
    kernel: small,
    overrides: { ROWS: rows, DEPTHS: depths, DEPTH_FIRST: +size.transposeB },
    params: strided(size),
    workgroups: foldWorkgroups(ceilDiv(ceilDiv(size.M, rows) * size.N, 64 / depths)),
  };
}

/** At most four rows, K and N multiples of 4, `a` not transposed. Bindings: a, b, out. */
export const matmulFew = ({ M, N, K, transposeB }: MatmulSize, { fewLanes, fewDepths }: FewTiling): Launch => ({
  kernel: few,
  overrides: { ROWS: M, LANES: fewLanes, DEPTHS: fewDepths, B_TRANSPOSED: +transposeB },
  params: { N: N / 4, K: K / 4 },
  workgroups: foldWorkgroups(ceilDiv(N / 4, fewLanes / fewDepths)),
});

/** The power of two below or at `n`, which may be a fraction: 1 at least. */
const powerBelow = (n: number): number => 2 ** Math.floor(Math.log2(Math.max(1, n)));

/** Up to so many multiplications a launch costs more than they do. */
const TINY = 2 ** 16;

/**
 * The ways to compute a tiny product, the best guess first: depths of 10 are not worth sharing, of 144 are. None where
 * the product is not tiny.
 */
function smallTilings({ M, N, K }: MatmulSize): SmallTiling[] {
  if (M * N * K > TINY) return [];
  const usual = K < 64 ? 1 : 16;
  return [usual, 1, 4, 64].map((depths) => ({ depths }));
}

/**
 * The ways to compute a product of few rows, the best guess first: columns are shared by as many threads as keep a
 * software adapter's four workgroups busy, or a GPU's 16384 threads, and give each a piece of the depth that is worth
 * the adding up.
 */
function fewTilings({ M, N, K, transposeA }: MatmulSize, { software }: TileTarget): FewTiling[] {
  if (M > 4 || N % 4 !== 0 || K % 4 !== 0 || transposeA) return [];
  const [lanes, threads, most, piece] = software ? [8, 32, 8, 64] : [64, 16384, 16, 16];
  const usual = { fewLanes: lanes, fewDepths: powerBelow(Math.min(most, threads / (N / 4), K / piece)) };
  return [usual, { ...usual, fewLanes: 2 * lanes }, ...[1, 2, 8].map((fewDepths) => ({ ...usual, fewDepths }))];
}

/**
 * The ways to compute a small product without padding and in one launch. `first` are the candidates that come before
 * the tiled kernels', because by default they are taken: those for few rows, and for tiny products those that would
 * otherwise be padded (`padded`).
 */
export function smallCandidates(size: MatmulSize, target: TileTarget, padded: boolean) {
  const [tiny, fewRows] = [smallTilings(size), fewTilings(size, target)];
  const [first, last] = padded ? [tiny, fewRows] : [fewRows, tiny];
  return { first: distinct<SmallTiling | FewTiling>(first), last: distinct<SmallTiling | FewTiling>(last) };
}
