import { ceilDiv, foldWorkgroups, roundingsOf, type Choices, type Launch } from '../kernel.ts';
import naive from './matmul_v1.wgsl';
import tiled from './matmul_v2.wgsl';
import tiledBySubgroups from './matmul_v2_subgroup.wgsl';
import tiledInWorkgroups from './matmul_v2_workgroup.wgsl';
import resizeKernel from './resize.wgsl';
import { SMALL_KERNELS, smallCandidates, strided, type FewTiling, type SmallTiling } from './small.ts';
import {
  isCheaper,
  kernelOf,
  mostParts,
  padded,
  tileGrid,
  tiledArea,
  tilings,
  type Problem,
  type TileTarget,
  type Tiling,
} from './tiling.ts';
import type { MatmulSize } from './matmul_size.ts';

export type { MatmulSize } from './matmul_size.ts';

/** One thread an output element. Bindings: a, b, out. */
export const matmulV1 = (size: MatmulSize): Launch => ({
  kernel: naive,
  params: strided(size),
  workgroups: foldWorkgroups(ceilDiv(size.M * size.N, 64)),
});

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

/** A tiling of a product, and whether its operands change places. */
export type MatmulTiling = Tiling & { readonly swapped: number };

const rolesOf = ({ M, N, K, transposeA, transposeB, ...size }: MatmulSize, swapped: boolean): Roles => {
  const aLd = size.aLd ?? padded(transposeA ? M : K);
  const bLd = size.bLd ?? padded(transposeB ? K : N);
  return swapped
    ? {
        rows: N,
        cols: M,
        leftTransposed: !transposeB,
        rightTransposed: !transposeA,
        outTransposed: true,
        leftLd: bLd,
        rightLd: aLd,
      }
    : {
        rows: M,
        cols: N,
        leftTransposed: transposeA,
        rightTransposed: transposeB,
        outTransposed: false,
        leftLd: aLd,
        rightLd: bLd,
      };
};

const problemOf = ({ M, N, K, batch, batchParts = 1 }: MatmulSize, { rows, cols }: Roles): Problem => ({
  products: batch,
  rows,
  cols,
  depth: K,
  mostParts: batch ? batchParts : mostParts(K, M * padded(N)),
});

/** Whether an operand or the output must be padded for the tiled kernels. */
export const needsPadding = ({ M, N, K, transposeA, transposeB }: MatmulSize): boolean =>
  [transposeA ? M : K, transposeB ? K : N, N].some((n) => n % 4 !== 0);

/**
 * The tilings of a product or of a batch of them. By default the operands change places where that wastes clearly fewer
 * threads: a batch of 8 in the rows would leave most of them idle.
 */
export function tiledChoices(size: MatmulSize, target: TileTarget): Choices<MatmulTiling> {
  const [straight, turned] = [false, true].map((swapped) => {
    const problem = problemOf(size, rolesOf(size, swapped));
    // A staging kernel writes no transposed output.
    const found = tilings(problem, target).filter(({ staged }) => !(swapped && staged));
    return { problem, tilings: found.map((tiling) => ({ ...tiling, swapped: +swapped })) };
  });
  const less = () =>
    target.software
      ? tiledArea(turned.problem, target) < 0.75 * tiledArea(straight.problem, target)
      : isCheaper([turned.problem, turned.tilings[0]], [straight.problem, straight.tilings[0]], target);
  // Of very long operands one order may have no grid.
  const swaps = straight.tilings.length === 0 || (turned.tilings.length > 0 && less());
  const [own, other] = swaps ? [turned, straight] : [straight, turned];
  const candidates = [...own.tilings, ...other.tilings.slice(0, 1)];
  return { kernels: [tiled, tiledBySubgroups, tiledInWorkgroups], candidates, roundings: roundingsOf(size.K) };
}

/** The ways to compute a product: tiled, or by the kernels for small ones. */
export function matmulChoices(size: MatmulSize, target: TileTarget): Choices<MatmulTiling | SmallTiling | FewTiling> {
  const { kernels, candidates, roundings } = tiledChoices(size, target);
  const isSplit = !target.software && candidates[0]?.parts > 1;
  const small = smallCandidates(size, target, needsPadding(size) || isSplit);
  return {
    kernels: [...kernels, ...SMALL_KERNELS],
    candidates: [...small.first, ...candidates, ...small.last],
    roundings,
  };
}

/**
 * Register-tiled product. The operands' and the output's last dimensions as stored must be padded to multiples of 4
 * with zeros (see `padded`). The products of a batch are to the kernel parts of one sum, which nobody adds up; if rows
 * of an operand run along K, K is a multiple of 4. To cut them, ask for so many times more, shorter ones.
 */
export function matmulV2(size: MatmulSize, tiling: MatmulTiling): TiledMatmul {
  const { K, N, batch } = size;
  const swapped = tiling.swapped === 1;
  const roles = rolesOf(size, swapped);
  const { rows, cols, leftTransposed, rightTransposed, outTransposed, leftLd, rightLd } = roles;
  const { overrides, grid } = tileGrid(problemOf(size, roles), tiling);
  const [depth, part_depth] = batch ? [batch * K, K] : [K, padded(ceilDiv(K, tiling.parts))];
  const launch: Launch = {
    kernel: kernelOf([tiled, tiledBySubgroups, tiledInWorkgroups], tiling),
    overrides: {
      ...overrides,
      LEFT_TRANSPOSED: +leftTransposed,
      RIGHT_TRANSPOSED: +rightTransposed,
      ...(!tiling.staged && { OUT_TRANSPOSED: +outTransposed }),
    },
    params: {
      rows,
      cols,
      depth,
      part_depth,
      left_ld: leftLd / 4,
      right_ld: rightLd / 4,
      out_ld: padded(N) / 4,
      row_by_row: tiling.rowByRow,
    },
    workgroups: [grid[0], grid[1], ceilDiv(depth, part_depth)],
  };
  return { launch, swapped, parts: batch ? 1 : launch.workgroups[2] };
}

/** x [outer, midIn, innerIn] as [outer, midOut, innerOut], filled up with zeros or cut. Bindings: x, out. */
export const resize = (
  outer: number,
  [midIn, midOut]: readonly [number, number],
  [innerIn, innerOut]: readonly [number, number],
): Launch => ({
  kernel: resizeKernel,
  params: { rows: outer * midOut, midIn, midOut, innerIn, innerOut },
  workgroups: foldWorkgroups(ceilDiv(outer * midOut, 64)),
});
