import { ceilDiv, foldWorkgroups, type KernelSource, type Launch } from '../kernel.ts';
import { reduce } from '../reduce/reduce.ts';
import filterGradV1 from './depthwise_conv2d_filter_grad_v1.wgsl';
import filterGradV2 from './depthwise_conv2d_filter_grad_v2.wgsl';
import forwardV1 from './depthwise_conv2d_forward_v1.wgsl';
import forwardV2 from './depthwise_conv2d_forward_v2.wgsl';
import inputGradV1 from './depthwise_conv2d_input_grad_v1.wgsl';
import inputGradV2 from './depthwise_conv2d_input_grad_v2.wgsl';

/** The sizes of a depthwise convolution; see geometry.wgsl. */
export interface DepthwiseSize {
  readonly batch: number;
  readonly inH: number;
  readonly inW: number;
  readonly outH: number;
  readonly outW: number;
  readonly channels: number;
  readonly filterH: number;
  readonly filterW: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly padTop: number;
  readonly padLeft: number;
}

/** What the choice among the kernels' versions depends on besides the sizes. */
export interface DepthwiseOptions {
  readonly software: boolean;
  /** 1 takes the naive kernels, as a second opinion; the fastest when absent. */
  readonly version?: 1 | 2;
}

const WORKGROUP = 64;
/** Outputs in a strip. */
const STRIP = 4;

/** Threads that keep the adapter busy. */
const threadsWanted = (software: boolean) => (software ? 512 : 65_536);

/** Channels in a Value. */
const widthOf = ({ channels }: DepthwiseSize) => (channels % 4 === 0 ? 4 : 1);

const aliasesOf = (size: DepthwiseSize) => (widthOf(size) === 4 ? undefined : { Value: 'f32' });

/** v2 is written out for the filters and strides that networks use; v1 does the rest. */
function fast({ filterH, filterW, strideH, strideW, dilationH, dilationW, padTop, padLeft }: DepthwiseSize, { version }: DepthwiseOptions): boolean {
  const square = filterH === filterW && strideH === strideW;
  return version !== 1 && square && (filterH === 3 || filterH === 5) && strideH <= 2 && dilationH === 1 && dilationW === 1 && padTop < filterH && padLeft < filterW;
}

function naive(kernel: KernelSource, size: DepthwiseSize, threads: number, parts = 1): Launch {
  const width = widthOf(size);
  return {
    kernel,
    aliases: aliasesOf(size),
    params: { ...size, channels: size.channels / width, parts },
    workgroups: foldWorkgroups(ceilDiv(threads / width, WORKGROUP)),
  };
}

/**
 * Strips of four across `columns`, and columns of `height` steps cut into chunks of `rows` each where whole columns would be too few
 * threads. A chunk of fewer than eight steps would spend most of its loads on rows its neighbour also loads.
 */
function strips(size: DepthwiseSize, columns: number, height: number, software: boolean) {
  const across = ceilDiv(columns, STRIP);
  const whole = (size.batch * across * size.channels) / widthOf(size);
  const chunks = Math.min(ceilDiv(height, 8), Math.max(1, ceilDiv(threadsWanted(software), whole)));
  const rows = ceilDiv(height, chunks);
  return { rows, strips: across, chunks: ceilDiv(height, rows) };
}

/** A v2 kernel that makes an image: one thread for each strip, chunk and Value of channels. */
function image(kernel: KernelSource, size: DepthwiseSize, columns: number, height: number, software: boolean, flip: boolean): Launch {
  const { inH, inW, outH, outW, padTop, padLeft, filterH, strideH } = size;
  const cut = strips(size, columns, height, software);
  const channels = size.channels / widthOf(size);
  const threads = size.batch * cut.chunks * cut.strips * channels;
  return {
    kernel,
    aliases: aliasesOf(size),
    overrides: { FILTER: filterH, STRIDE: strideH, FLIP: Number(flip) },
    params: { inH, inW, outH, outW, channels, padTop, padLeft, ...cut, size: threads },
    workgroups: foldWorkgroups(ceilDiv(threads, WORKGROUP)),
  };
}

/** y from x and w. */
export function depthwiseForward(size: DepthwiseSize, options: DepthwiseOptions): Launch {
  if (!fast(size, options)) return naive(forwardV1, size, size.batch * size.outH * size.outW * size.channels);
  return image(forwardV2, size, size.outW, size.outH, options.software, false);
}

/** dx from dy and w. The binding of dy is called `x` where the kernel is the forward one. */
export function depthwiseInputGrad(size: DepthwiseSize, options: DepthwiseOptions): { launch: Launch; dyName: 'dy' | 'x' } {
  if (!fast(size, options)) return { launch: naive(inputGradV1, size, size.batch * size.inH * size.inW * size.channels), dyName: 'dy' };
  if (size.strideH === 2) {
    const pairs = Math.floor((size.inH + size.padTop + 1) / 2) - Math.floor(size.padTop / 2);
    return { launch: image(inputGradV2, size, size.inW + (size.padLeft % 2), pairs, options.software, false), dyName: 'dy' };
  }
  // h = ho + r − pad turned round: ho = h + r' − (filter − 1 − pad) with r' = filter − 1 − r.
  const turned = {
    ...size, inH: size.outH, inW: size.outW, outH: size.inH, outW: size.inW,
    padTop: size.filterH - 1 - size.padTop, padLeft: size.filterW - 1 - size.padLeft,
  };
  return { launch: image(forwardV2, turned, turned.outW, turned.outH, options.software, true), dyName: 'x' };
}

/** The passes to dw: the first reads x and dy, the others the one before; `outSize` elements each. */
export function depthwiseFilterGrad(size: DepthwiseSize, options: DepthwiseOptions): { launch: Launch; outSize: number }[] {
  const filter = size.filterH * size.filterW * size.channels;
  const first = fast(size, options) ? filterGradStrips(size, options.software) : filterGradNaive(size, options.software);
  const { parts } = first.params;
  return [
    { launch: first, outSize: parts * filter },
    ...(parts === 1 ? [] : reduce(1, parts, filter, 1).map((pass) => ({ launch: pass, outSize: pass.params.parts * filter }))),
  ];
}

function filterGradNaive(size: DepthwiseSize, software: boolean): Launch {
  const filter = size.filterH * size.filterW * size.channels;
  const parts = Math.max(1, Math.min(size.batch * size.outH, Math.floor((software ? 4096 : 262_144) / filter)));
  return naive(filterGradV1, size, parts * filter, parts);
}

function filterGradStrips(size: DepthwiseSize, software: boolean): Launch {
  const { inH, inW, outH, outW, padTop, padLeft, filterH, strideH } = size;
  const cut = strips(size, outW, outH, software);
  const channels = size.channels / widthOf(size);
  const pieces = size.batch * cut.chunks * cut.strips;
  // Every part costs a filter of partial sums to write and to add, so no more of them than keep the adapter busy.
  const share = ceilDiv(pieces, Math.max(1, Math.min(pieces, ceilDiv(threadsWanted(software), channels))));
  const parts = ceilDiv(pieces, share);
  return {
    kernel: filterGradV2,
    aliases: aliasesOf(size),
    overrides: { FILTER: filterH, STRIDE: strideH },
    params: { inH, inW, outH, outW, channels, padTop, padLeft, ...cut, pieces, share, parts },
    workgroups: foldWorkgroups(ceilDiv(parts * channels, WORKGROUP)),
  };
}
