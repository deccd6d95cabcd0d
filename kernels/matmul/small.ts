import { ceilDiv, distinct, foldWorkgroups, tableParams, type Joint, type Launch } from '../kernel.ts';
import type { MatmulSize } from './matmul_size.ts';
import few from './matmul_few.wgsl';
import small from './matmul_small.wgsl';
import several from './matmul_small_several.wgsl';
import { WITH_FUNCTION } from './small_both.ts';
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
    joint: smallJoint,
    pairs: [WITH_FUNCTION],
  };
}

/** Products that one launch makes: with its result they are 7 of the 8 buffers that every adapter binds. */
const SEVERAL_PRODUCTS = 3;

/** Of a launch of matmulSmall whose result is the product and nothing else. */
const smallJoint = ({ overrides }: Launch): Joint | undefined =>
  overrides?.['EPILOGUE0']
    ? undefined
    : { key: 'product', inputs: ['a', 'b'], most: SEVERAL_PRODUCTS, width: 1, together: severalProducts };

/**
 * Launches of small products, each made to the bits of its own, whose results lie in one memory. Bindings: a0 to a2, b0
 * to b2, out.
 * @param begins where the result of each begins, in numbers
 */
export function severalProducts(launches: readonly Launch[], begins: readonly number[]): Launch {
  let workgroups = 0;
  const firsts = launches.map(({ workgroups: [x, y] }) => {
    workgroups += x * y;
    return workgroups - x * y;
  });
  const table = (name: string, row: (launch: Launch, i: number) => readonly number[]) =>
    tableParams(name, SEVERAL_PRODUCTS, launches.map(row));
  return {
    kernel: several,
    params: {
      count: launches.length,
      ...table('sizes', ({ params: { M, N, K } }, i) => [firsts[i], M, N, K]),
      ...table('strides', ({ params: { a_m, a_k, b_k, b_n } }) => [a_m, a_k, b_k, b_n]),
      ...table('shares', ({ overrides = {} }, i) => [
        begins[i],
        overrides['ROWS'],
        overrides['DEPTHS'],
        overrides['DEPTH_FIRST'],
      ]),
    },
    workgroups: foldWorkgroups(workgroups),
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
const TINY = { software: 2 ** 17, hardware: 2 ** 21 };

/** Threads of a GPU that a tiny product is shared out to, and the least depths that are worth a thread. */
const SHARED = { threads: 16384, depths: 8 };

/**
 * The ways to compute a tiny product, the best guess first: on a CPU depths of 10 are not worth sharing, of 144 are; a
 * GPU wants many threads. None where the product is not tiny.
 */
function smallTilings({ M, N, K }: MatmulSize, { software }: TileTarget): SmallTiling[] {
  if (M * N * K > (software ? TINY.software : TINY.hardware)) return [];
  const columns = ceilDiv(M, M === 1 ? 1 : 4) * N;
  const shared = powerBelow(Math.min(64, SHARED.threads / columns, K / SHARED.depths));
  const usual = software ? (K < 64 ? 1 : 16) : shared;
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

/** Depths that a thread may as well walk alone. */
const FEW_SAMPLES = 64;

/** What a workgroup of a tiled kernel may make alone, and depths that are worth sharing with others. */
const TILE = { results: 4096, depths: 32 };

/**
 * The ways to compute a small product without padding and in one launch. `first` are the candidates that come before
 * the tiled kernels', because by default they are taken: those for few rows, and for tiny products those that save a
 * launch: the tiled ones would take several, or it is the gradient of a weight over few samples, which may be made
 * together with others (engine/program/joins.ts). So are those of one tile: a GPU would have one workgroup at work
 * (gradients of weights are made in parts).
 */
export function smallCandidates(size: MatmulSize, target: TileTarget, severalLaunches: boolean) {
  const { M, N, K, transposeA } = size;
  const [tiny, fewRows] = [smallTilings(size, target), fewTilings(size, target)];
  const isGradient = transposeA && K <= FEW_SAMPLES;
  const isOneTile = !transposeA && M * N <= TILE.results && K >= TILE.depths;
  const isTaken = severalLaunches || (!target.software && (isGradient || isOneTile));
  const [first, last] = isTaken ? [[...fewRows, ...tiny], []] : [fewRows, tiny];
  return { first: distinct<SmallTiling | FewTiling>(first), last: distinct<SmallTiling | FewTiling>(last) };
}
