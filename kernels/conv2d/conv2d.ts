import { ceilDiv, foldWorkgroups, roundingsOf, type Choices, type KernelSource, type Launch } from '../kernel.ts';
import {
  CACHED,
  kernelOf,
  mostParts,
  tileGrid,
  tilings,
  type Problem,
  type TileKernels,
  type TileTarget,
  type Tiling,
} from '../matmul/tiling.ts';
import filterGradNaive from './conv2d_filter_grad_v1.wgsl';
import filterGradTiled from './conv2d_filter_grad_v2.wgsl';
import filterGradTiledBySubgroups from './conv2d_filter_grad_v2_subgroup.wgsl';
import filterGradTiledInWorkgroups from './conv2d_filter_grad_v2_workgroup.wgsl';
import inputGradNaive from './conv2d_input_grad_v1.wgsl';
import inputGradTiled from './conv2d_input_grad_v2.wgsl';
import inputGradTiledBySubgroups from './conv2d_input_grad_v2_subgroup.wgsl';
import inputGradTiledInWorkgroups from './conv2d_input_grad_v2_workgroup.wgsl';
import forwardNaive from './conv2d_v1.wgsl';
import forwardTiled from './conv2d_v2.wgsl';
import forwardTiledBySubgroups from './conv2d_v2_subgroup.wgsl';
import forwardTiledInWorkgroups from './conv2d_v2_workgroup.wgsl';

const NUMBERS = [
  'batch',
  'inH',
  'inW',
  'inChannels',
  'filterH',
  'filterW',
  'outH',
  'outW',
  'outChannels',
  'strideH',
  'strideW',
  'dilationH',
  'dilationW',
  'padTop',
  'padLeft',
  'groups',
] as const;

/** The numbers of a convolution that its kernels read: those of geometry.wgsl. */
export type ConvNumbers = Readonly<Record<(typeof NUMBERS)[number], number>>;

export const paramsOf = (g: ConvNumbers, rowByRow: number): Launch['params'] => ({
  ...Object.fromEntries(NUMBERS.map((name) => [name, g[name]])),
  rowByRow,
});

/** One thread an element of what is computed. */
const naive = (kernel: KernelSource, g: ConvNumbers, elements: number): Launch => ({
  kernel,
  params: paramsOf(g, 0),
  workgroups: foldWorkgroups(ceilDiv(elements, 64)),
});

/** Bindings: x, w, y. */
export const conv2dV1 = (g: ConvNumbers): Launch => naive(forwardNaive, g, g.batch * g.outH * g.outW * g.outChannels);

/** Bindings: dy, w, dx. */
export const conv2dInputGradV1 = (g: ConvNumbers): Launch =>
  naive(inputGradNaive, g, g.batch * g.inH * g.inW * g.inChannels);

/** Bindings: x, dy, dw. */
export const conv2dFilterGradV1 = (g: ConvNumbers): Launch =>
  naive(filterGradNaive, g, (g.filterH * g.filterW * g.inChannels * g.outChannels) / g.groups);

/** A direction of the tiled convolution as a product, and its kernels. */
interface Tiled {
  readonly kernels: TileKernels;
  problem(g: ConvNumbers): Problem;
}

const tapsOf = (g: ConvNumbers) => g.filterH * g.filterW;

export const forward: Tiled = {
  kernels: [forwardTiled, forwardTiledBySubgroups, forwardTiledInWorkgroups],
  problem: (g) => ({
    groups: g.groups,
    rows: g.batch * g.outH * g.outW,
    cols: g.outChannels / g.groups,
    depth: (tapsOf(g) * g.inChannels) / g.groups,
    mostParts: 1,
  }),
};

// One product for every class of pixels that the stride makes.
export const inputGrad: Tiled = {
  kernels: [inputGradTiled, inputGradTiledBySubgroups, inputGradTiledInWorkgroups],
  problem: (g) => ({
    products: g.strideH * g.strideW,
    groups: g.groups,
    rows: g.batch * ceilDiv(g.inH, g.strideH) * ceilDiv(g.inW, g.strideW),
    cols: g.inChannels / g.groups,
    depth: (tapsOf(g) * g.outChannels) / g.groups,
    mostParts: 1,
  }),
};

const linesOf = (g: ConvNumbers) => g.batch * g.outH;

export const filterGrad: Tiled = {
  kernels: [filterGradTiled, filterGradTiledBySubgroups, filterGradTiledInWorkgroups],
  problem(g) {
    const [rows, depth] = [(tapsOf(g) * g.inChannels) / g.groups, linesOf(g) * g.outW];
    // The groups' tiles run one after another and take a few channels of every pixel: of lines of memory that the next
    // ones want too.
    const read = g.batch * (g.inH * g.inW * g.inChannels + g.outH * g.outW * g.outChannels);
    return {
      groups: g.groups,
      rows,
      cols: g.outChannels / g.groups,
      depth,
      mostParts: Math.min(linesOf(g), mostParts(depth, rows * g.outChannels)),
      leastParts: g.groups > 1 ? ceilDiv(read, 2 * CACHED) : 1,
    };
  },
};

/** The tilings of the convolution itself and of its gradients. */
export const conv2dChoices = (g: ConvNumbers, target: TileTarget): Choices<Tiling> => choicesOf(forward, g, target);
export const conv2dInputGradChoices = (g: ConvNumbers, target: TileTarget): Choices<Tiling> =>
  choicesOf(inputGrad, g, target);
export const conv2dFilterGradChoices = (g: ConvNumbers, target: TileTarget): Choices<Tiling> =>
  choicesOf(filterGrad, g, target);

function choicesOf({ kernels, problem }: Tiled, g: ConvNumbers, target: TileTarget): Choices<Tiling> {
  const product = problem(g);
  return { kernels, candidates: tilings(product, target), roundings: roundingsOf(product.depth) };
}

function launchOf({ kernels, problem }: Tiled, g: ConvNumbers, tiling: Tiling, layers: number): Launch {
  const { overrides, grid } = tileGrid(problem(g), tiling);
  return {
    kernel: kernelOf(kernels, tiling),
    overrides,
    params: paramsOf(g, tiling.rowByRow),
    workgroups: [grid[0], grid[1], layers],
  };
}

/** Channels of a group, in and out, are multiples of 4. Bindings: x, w, y. */
export const conv2dV2 = (g: ConvNumbers, tiling: Tiling): Launch => launchOf(forward, g, tiling, 1);

/** Channels of a group, in and out, are multiples of 4. Bindings: dy, w, dx. */
export const conv2dInputGradV2 = (g: ConvNumbers, tiling: Tiling): Launch =>
  launchOf(inputGrad, g, tiling, g.strideH * g.strideW);

/**
 * Channels of a group, in and out, are multiples of 4. Bindings: x, dy, dw, which holds `workgroups[2]` parts, one
 * after the other, to be added.
 */
export function conv2dFilterGradV2(g: ConvNumbers, tiling: Tiling): Launch {
  const lines = linesOf(g);
  // No part without a line.
  return launchOf(filterGrad, g, tiling, ceilDiv(lines, ceilDiv(lines, tiling.parts)));
}
