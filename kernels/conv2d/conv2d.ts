import { ceilDiv, foldWorkgroups, type KernelSource, type Launch } from '../kernel.ts';
import filterGradNaive from './conv2d_filter_grad_v1.wgsl';
import inputGradNaive from './conv2d_input_grad_v1.wgsl';
import forwardNaive from './conv2d_v1.wgsl';

const NUMBERS = [
  'batch', 'inH', 'inW', 'inChannels', 'filterH', 'filterW', 'outH', 'outW', 'outChannels',
  'strideH', 'strideW', 'dilationH', 'dilationW', 'padTop', 'padLeft', 'groups',
] as const;

/** The numbers of a convolution that its kernels read: those of geometry.wgsl. */
export type ConvNumbers = Readonly<Record<(typeof NUMBERS)[number], number>>;

/** One thread an element of what is computed. */
const naive = (kernel: KernelSource, g: ConvNumbers, elements: number): Launch => ({
  kernel,
  params: Object.fromEntries(NUMBERS.map((name) => [name, g[name]])),
  workgroups: foldWorkgroups(ceilDiv(elements, 64)),
});

/** Bindings: x, w, y. */
export const conv2dV1 = (g: ConvNumbers): Launch => naive(forwardNaive, g, g.batch * g.outH * g.outW * g.outChannels);

/** Bindings: dy, w, dx. */
export const conv2dInputGradV1 = (g: ConvNumbers): Launch => naive(inputGradNaive, g, g.batch * g.inH * g.inW * g.inChannels);

/** Bindings: x, dy, dw. */
export const conv2dFilterGradV1 = (g: ConvNumbers): Launch => naive(filterGradNaive, g, (g.filterH * g.filterW * g.inChannels * g.outChannels) / g.groups);
