import { ceilDiv, foldWorkgroups, type KernelSource, type Launch } from '../kernel.ts';
import { bySubgroups, partsFor, tiling, type TileTarget } from '../matmul/matmul.ts';
import filterGradNaive from './conv2d_filter_grad_v1.wgsl';
import filterGradTiled from './conv2d_filter_grad_v2.wgsl';
import filterGradTiledBySubgroups from './conv2d_filter_grad_v2_subgroup.wgsl';
import inputGradNaive from './conv2d_input_grad_v1.wgsl';
import inputGradTiled from './conv2d_input_grad_v2.wgsl';
import inputGradTiledBySubgroups from './conv2d_input_grad_v2_subgroup.wgsl';
import forwardNaive from './conv2d_v1.wgsl';
import forwardTiled from './conv2d_v2.wgsl';
import forwardTiledBySubgroups from './conv2d_v2_subgroup.wgsl';

const NUMBERS = [
  'batch', 'inH', 'inW', 'inChannels', 'filterH', 'filterW', 'outH', 'outW', 'outChannels',
  'strideH', 'strideW', 'dilationH', 'dilationW', 'padTop', 'padLeft', 'groups',
] as const;

/** The numbers of a convolution that its kernels read: those of geometry.wgsl. */
export type ConvNumbers = Readonly<Record<(typeof NUMBERS)[number], number>>;

const paramsOf = (g: ConvNumbers, rowByRow: number): Launch['params'] => ({ ...Object.fromEntries(NUMBERS.map((name) => [name, g[name]])), rowByRow });

/** One thread an element of what is computed. */
const naive = (kernel: KernelSource, g: ConvNumbers, elements: number): Launch => ({
  kernel,
  params: paramsOf(g, 0),
  workgroups: foldWorkgroups(ceilDiv(elements, 64)),
});

/** Bindings: x, w, y. */
export const conv2dV1 = (g: ConvNumbers): Launch => naive(forwardNaive, g, g.batch * g.outH * g.outW * g.outChannels);

/** Bindings: dy, w, dx. */
export const conv2dInputGradV1 = (g: ConvNumbers): Launch => naive(inputGradNaive, g, g.batch * g.inH * g.inW * g.inChannels);

/** Bindings: x, dy, dw. */
export const conv2dFilterGradV1 = (g: ConvNumbers): Launch => naive(filterGradNaive, g, (g.filterH * g.filterW * g.inChannels * g.outChannels) / g.groups);

/** Register tiles over a product of rows x depth with depth x cols, `layers` times. */
function tiled(kernel: KernelSource, g: ConvNumbers, [rows, cols, depth]: readonly [number, number, number], layers: number, target: TileTarget): Launch {
  const { overrides, rowByRow, grid } = tiling(rows, cols, depth, target);
  return { kernel, overrides, params: paramsOf(g, rowByRow), workgroups: [grid[0], grid[1], layers] };
}

/** One group, channels in and out multiples of 4. Bindings: x, w, y. */
export function conv2dV2(g: ConvNumbers, target: TileTarget): Launch {
  return tiled(bySubgroups(target) ? forwardTiledBySubgroups : forwardTiled, g, [g.batch * g.outH * g.outW, g.outChannels, g.filterH * g.filterW * g.inChannels], 1, target);
}

/** One group, channels in and out multiples of 4. Bindings: dy, w, dx. */
export function conv2dInputGradV2(g: ConvNumbers, target: TileTarget): Launch {
  const rows = g.batch * ceilDiv(g.inH, g.strideH) * ceilDiv(g.inW, g.strideW);
  return tiled(bySubgroups(target) ? inputGradTiledBySubgroups : inputGradTiled, g, [rows, g.inChannels, g.filterH * g.filterW * g.outChannels], g.strideH * g.strideW, target);
}

/**
 * One group, channels in and out multiples of 4. Bindings: x, dy, dw, which holds `workgroups[2]` parts, one after the
 * other, to be added.
 */
export function conv2dFilterGradV2(g: ConvNumbers, target: TileTarget): Launch {
  const rows = g.filterH * g.filterW * g.inChannels;
  const whole = tiled(bySubgroups(target) ? filterGradTiledBySubgroups : filterGradTiled, g, [rows, g.outChannels, g.batch * g.outH * g.outW], 1, target);
  const lines = g.batch * g.outH;
  const wanted = Math.min(lines, partsFor(lines * g.outW, whole.workgroups[0] * whole.workgroups[1], rows * g.outChannels, target));
  // No part without a line.
  const parts = ceilDiv(lines, ceilDiv(lines, wanted));
  return { ...whole, workgroups: [whole.workgroups[0], whole.workgroups[1], parts] };
}
