import { ceilDiv, type Choices, type Launch } from '../kernel.ts';
import { matmulChoices, type MatmulSize, type MatmulTiling, type TiledMatmul } from './matmul.ts';
import type { FewTiling, SmallTiling } from './small.ts';
import kernel from './matmul_v3.wgsl';
import {
  matrixGrid,
  matrixTilings,
  type Layout,
  type MatrixTarget,
  type MatrixTiling,
  type SubgroupMatrix,
} from './matrix_tiling.ts';
import { mostParts, padded, type Problem } from './tiling.ts';

const problemOf = ({ M, N, K }: MatmulSize): Problem => ({
  rows: M,
  cols: N,
  depth: K,
  mostParts: mostParts(K, M * padded(N)),
});
const layoutOf = ({ transposeA, transposeB }: MatmulSize): Layout => ({
  leftAlong: !transposeA,
  rightAlong: transposeB,
});

/**
 * The tilings of a product: with subgroup matrices first, where the target has them and the product is large enough,
 * then all others.
 */
export function allMatmulChoices(
  size: MatmulSize,
  target: MatrixTarget,
): Choices<MatmulTiling | SmallTiling | FewTiling | MatrixTiling> {
  const others = matmulChoices(size, target);
  const matrices = matrixTilings(problemOf(size), layoutOf(size), target);
  return matrices.length === 0
    ? others
    : {
        kernels: [...others.kernels, kernel],
        candidates: [...matrices, ...others.candidates],
        roundings: others.roundings,
        halfProducts: true,
      };
}

/** The product with subgroup matrices. Its operands are padded as for matmulV2. Bindings: left, right, out. */
export function matmulV3(size: MatmulSize, tiling: MatrixTiling, matrix: SubgroupMatrix): TiledMatmul {
  const { M, N, K, transposeA, transposeB } = size;
  const { consts, grid } = matrixGrid(problemOf(size), layoutOf(size), tiling, matrix);
  const part_depth = ceilDiv(ceilDiv(K, tiling.parts), tiling.tileK) * tiling.tileK;
  const launch: Launch = {
    kernel,
    consts,
    params: {
      rows: M,
      cols: N,
      depth: K,
      part_depth,
      left_ld: padded(transposeA ? M : K) / 4,
      right_ld: padded(transposeB ? K : N) / 4,
      out_ld: padded(N) / 4,
      row_by_row: tiling.rowByRow,
    },
    workgroups: [grid[0], grid[1], ceilDiv(K, part_depth)],
  };
  return { launch, swapped: false, parts: launch.workgroups[2] };
}
