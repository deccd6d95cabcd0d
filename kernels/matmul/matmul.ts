import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import naive from './matmul_v1.wgsl';
import tiled from './matmul_v2.wgsl';
import tiledBySubgroups from './matmul_v2_subgroup.wgsl';
import resizeKernel from './resize.wgsl';

/** out [M, N] = op(a) · op(b) with op(a) [M, K] and op(b) [K, N]; a transposed operand is stored as [K, M] or [N, K]. */
export interface MatmulSize {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** One thread an output element. Bindings: a, b, out. */
export function matmulV1({ M, N, K, transposeA, transposeB }: MatmulSize): Launch {
  const [a_m, a_k] = transposeA ? [1, M] : [K, 1];
  const [b_k, b_n] = transposeB ? [1, K] : [N, 1];
  return { kernel: naive, params: { M, N, K, a_m, a_k, b_k, b_n }, workgroups: foldWorkgroups(ceilDiv(M * N, 64)) };
}

/** What tile choices depend on. */
export interface TileTarget {
  /** A CPU pretending to be a GPU: eight lanes, and loads are dear. */
  readonly software: boolean;
  readonly subgroups: boolean;
}

export const padded = (n: number): number => ceilDiv(n, 4) * 4;

/** Rows of a workgroup of `lanes` threads. */
const rowsOf = (lanes: number) => lanes * 4;

/** Threads of a workgroup: one vector of a software adapter, two warps of a GPU; more where the grid would pass 65,535. */
const lanesFor = (rows: number, { software }: TileTarget): number => (software && ceilDiv(rows, rowsOf(8)) < 65_536 ? 8 : 64);

/** 16 columns a thread, or 8 where that would waste more than a quarter of the columns. */
const columnsFor = (cols: number): number => (ceilDiv(cols, 16) * 16 > 1.25 * ceilDiv(cols, 8) * 8 ? 8 : 16);

/** The right operand up to this size (in elements) is taken to stay in a core's cache while the rows pass by. */
const CACHED = 128 * 1024;

/** Tiles of `columns` columns and `lanes` threads of 4 rows over a matrix: the grid's first two sides, the order in which it runs, the overrides. */
export function tiling(rows: number, cols: number, depth: number, target: TileTarget) {
  const LANES = lanesFor(rows, target);
  const COLUMNS = columnsFor(cols);
  const down = ceilDiv(rows, rowsOf(LANES));
  const across = ceilDiv(cols, COLUMNS);
  const rowByRow = cols * depth <= CACHED || down > 65_535 ? 1 : 0;
  return { overrides: { LANES, COLUMNS }, rowByRow, grid: rowByRow ? ([across, down] as const) : ([down, across] as const), tiles: down * across };
}

/** Whether to share loads between the lanes of a subgroup. Where loads are cheap it is not worth the trouble. */
export const bySubgroups = ({ software, subgroups }: TileTarget): boolean => software && subgroups;

/**
 * How many parts to split a long sum into, so that all processors have work: parts of at least 256 products, whose partial
 * results together take at most 32 MiB.
 */
export function partsFor(depth: number, workgroups: number, outputs: number, { software }: TileTarget): number {
  const wanted = ceilDiv(software ? 16 : 1024, workgroups);
  return Math.max(1, Math.min(wanted, Math.floor(depth / 256), Math.floor(2 ** 23 / outputs)));
}

/** A product as matmul_v2 sees it: `left` has the rows. Lengths in memory (`ld`) are in elements, multiples of 4. */
interface Roles {
  readonly rows: number;
  readonly cols: number;
  readonly leftTransposed: boolean;
  readonly rightTransposed: boolean;
  readonly outTransposed: boolean;
  readonly leftLd: number;
  readonly rightLd: number;
}

/** The launch of matmul_v2 and how it was arranged. Bindings: left, right, out. */
export interface TiledMatmul {
  readonly launch: Launch;
  /** `b` takes the part of the left operand: rows of the kernel are columns of the product. */
  readonly swapped: boolean;
  /** The output holds so many partial products, one after the other, to be added. */
  readonly parts: number;
}

/**
 * Register-tiled product. The operands' and the output's last dimensions as stored must be padded to multiples of 4 with zeros
 * (see `padded`). The operands change places where that wastes clearly fewer threads: a batch of 8 in the rows would leave
 * most of them idle.
 */
export function matmulV2({ M, N, K, transposeA, transposeB }: MatmulSize, target: TileTarget): TiledMatmul {
  const aLd = padded(transposeA ? M : K);
  const bLd = padded(transposeB ? K : N);
  const straight: Roles = { rows: M, cols: N, leftTransposed: transposeA, rightTransposed: transposeB, outTransposed: false, leftLd: aLd, rightLd: bLd };
  const turned: Roles = { rows: N, cols: M, leftTransposed: !transposeB, rightTransposed: !transposeA, outTransposed: true, leftLd: bLd, rightLd: aLd };
  const swapped = area(turned, target) < 0.75 * area(straight, target);
  const { rows, cols, leftTransposed, rightTransposed, outTransposed, leftLd, rightLd } = swapped ? turned : straight;
  const { overrides, rowByRow, grid, tiles } = tiling(rows, cols, K, target);
  const parts = partsFor(K, tiles, M * padded(N), target);
  const part_depth = padded(ceilDiv(K, parts));
  const launch: Launch = {
    kernel: bySubgroups(target) ? tiledBySubgroups : tiled,
    overrides: { ...overrides, LEFT_TRANSPOSED: +leftTransposed, RIGHT_TRANSPOSED: +rightTransposed, OUT_TRANSPOSED: +outTransposed },
    params: { rows, cols, depth: K, part_depth, left_ld: leftLd / 4, right_ld: rightLd / 4, out_ld: padded(N) / 4, row_by_row: rowByRow },
    workgroups: [grid[0], grid[1], ceilDiv(K, part_depth)],
  };
  return { launch, swapped, parts: launch.workgroups[2] };
}

/** Elements that the tiles cover, those beyond the matrix included. */
function area({ rows, cols }: Roles, target: TileTarget): number {
  const height = rowsOf(lanesFor(rows, target));
  const width = columnsFor(cols);
  return ceilDiv(rows, height) * height * ceilDiv(cols, width) * width;
}

/** x [outer, midIn, innerIn] as [outer, midOut, innerOut], filled up with zeros or cut. Bindings: x, out. */
export const resize = (outer: number, [midIn, midOut]: readonly [number, number], [innerIn, innerOut]: readonly [number, number]): Launch => ({
  kernel: resizeKernel,
  params: { rows: outer * midOut, midIn, midOut, innerIn, innerOut },
  workgroups: foldWorkgroups(ceilDiv(outer * midOut, 64)),
});
