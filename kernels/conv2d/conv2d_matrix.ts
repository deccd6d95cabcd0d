import type { Choice, Choices, KernelSource, Launch } from '../kernel.ts';
import type { Problem } from '../matmul/tiling.ts';
import {
  matrixGrid,
  matrixTilings,
  type Layout,
  type MatrixTarget,
  type MatrixTiling,
} from '../matmul/matrix_tiling.ts';
import { filterGrad, forward, inputGrad, paramsOf, type ConvNumbers } from './conv2d.ts';
import filterGradKernel from './conv2d_filter_grad_matrix.wgsl';
import inputGradKernel from './conv2d_input_grad_matrix.wgsl';
import forwardKernel from './conv2d_matrix.wgsl';

/** A direction as a product with subgroup matrices. */
interface Matrices {
  readonly kernel: KernelSource;
  readonly layout: Layout;
  readonly tiled: { problem(g: ConvNumbers): Problem };
  /** The third side of the grid. */
  layers(g: ConvNumbers, tiling: MatrixTiling): number;
}

export type MatrixDirection = 'forward' | 'input_grad' | 'filter_grad';

const DIRECTIONS: Readonly<Record<MatrixDirection, Matrices>> = {
  forward: { kernel: forwardKernel, layout: { leftAlong: true, rightAlong: false }, tiled: forward, layers: () => 1 },
  input_grad: {
    kernel: inputGradKernel,
    layout: { leftAlong: true, rightAlong: true },
    tiled: inputGrad,
    layers: (g) => g.strideH * g.strideW,
  },
  filter_grad: {
    kernel: filterGradKernel,
    layout: { leftAlong: false, rightAlong: false },
    tiled: filterGrad,
    layers: (_, { parts }) => parts,
  },
};

export const isMatrix = (tiling: Choice | MatrixTiling): tiling is MatrixTiling => 'regM' in tiling;

/**
 * The tilings with subgroup matrices first, where the target has them, the convolution has one group and the product is
 * large enough; then all others. Who asks for a version gets none.
 */
export function withMatrices<C extends Choice>(
  others: Choices<C>,
  { version, ...g }: ConvNumbers & { readonly version?: number },
  direction: MatrixDirection,
  target: MatrixTarget,
): Choices<C | MatrixTiling> {
  const { kernel, layout, tiled } = DIRECTIONS[direction];
  const matrices = version === undefined && g.groups === 1 ? matrixTilings(tiled.problem(g), layout, target) : [];
  return matrices.length === 0
    ? others
    : {
        kernels: [...others.kernels, kernel],
        candidates: [...matrices, ...others.candidates],
        roundings: others.roundings,
        halfProducts: true,
      };
}

/**
 * One group, channels in and out multiples of 4; bindings as those of conv2dV2 and its gradients. The filter gradient's
 * parts are `workgroups[2]`.
 */
export function matrixConv(
  g: ConvNumbers,
  direction: MatrixDirection,
  tiling: MatrixTiling,
  { subgroupMatrix }: MatrixTarget,
): Launch {
  const { kernel, layout, tiled, layers } = DIRECTIONS[direction];
  const { consts, grid } = matrixGrid(tiled.problem(g), layout, tiling, subgroupMatrix!);
  return { kernel, consts, params: paramsOf(g, tiling.rowByRow), workgroups: [grid[0], grid[1], layers(g, tiling)] };
}
