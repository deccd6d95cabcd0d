import { ceilDiv, foldWorkgroups, type KernelSource, type Launch } from '../kernel.ts';
import { reduce } from '../reduce/reduce.ts';
import filterGradV1 from './depthwise_conv2d_filter_grad_v1.wgsl';
import forwardV1 from './depthwise_conv2d_forward_v1.wgsl';
import inputGradV1 from './depthwise_conv2d_input_grad_v1.wgsl';

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

const WORKGROUP = 64;
/** Channels in a Value. */
const widthOf = ({ channels }: DepthwiseSize) => (channels % 4 === 0 ? 4 : 1);

function launch(kernel: KernelSource, size: DepthwiseSize, threads: number, parts = 1): Launch {
  const width = widthOf(size);
  return {
    kernel,
    aliases: width === 4 ? undefined : { Value: 'f32' },
    params: { ...size, channels: size.channels / width, parts },
    workgroups: foldWorkgroups(ceilDiv(threads / width, WORKGROUP)),
  };
}

/** y from x and w. */
export const depthwiseForward = (size: DepthwiseSize): Launch => launch(forwardV1, size, size.batch * size.outH * size.outW * size.channels);

/** dx from dy and w. */
export const depthwiseInputGrad = (size: DepthwiseSize): Launch => launch(inputGradV1, size, size.batch * size.inH * size.inW * size.channels);

/** The passes to dw: the first reads x and dy, the others the one before; `outSize` elements each. */
export function depthwiseFilterGrad(size: DepthwiseSize, software: boolean): { launch: Launch; outSize: number }[] {
  const filter = size.filterH * size.filterW * size.channels;
  const parts = Math.max(1, Math.min(size.batch * size.outH, Math.floor((software ? 4096 : 262_144) / filter)));
  const first = launch(filterGradV1, size, parts * filter, parts);
  return [
    { launch: first, outSize: parts * filter },
    ...(parts === 1 ? [] : reduce(1, parts, filter, 1).map((pass) => ({ launch: pass, outSize: pass.params.parts * filter }))),
  ];
}
