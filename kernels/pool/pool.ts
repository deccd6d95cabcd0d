import { ceilDiv, foldWorkgroups, type KernelSource, type Launch } from '../kernel.ts';
import adaptiveKernel from './adaptive_average_pool.wgsl';
import adaptiveInputGradKernel from './adaptive_average_pool_input_grad.wgsl';
import averageKernel from './average_pool.wgsl';
import averageInputGradKernel from './average_pool_input_grad.wgsl';
import maxKernel from './max_pool.wgsl';
import maxInputGradV1Kernel from './max_pool_input_grad_v1.wgsl';
import maxInputGradV2Kernel from './max_pool_input_grad_v2.wgsl';

/** The sizes of a pooling whose windows follow from them; see adaptive.wgsl. */
export interface AdaptivePoolSize {
  readonly batch: number;
  readonly inH: number;
  readonly inW: number;
  readonly outH: number;
  readonly outW: number;
  readonly channels: number;
}

/** The sizes of a pooling with a sliding window; see window.wgsl. */
export interface PoolSize extends AdaptivePoolSize {
  readonly sizeH: number;
  readonly sizeW: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly padBottom: number;
  readonly padRight: number;
  readonly dilationH: number;
  readonly dilationW: number;
}

function launch(
  kernel: KernelSource,
  size: AdaptivePoolSize,
  elements: number,
  more: Record<string, number> = {},
): Launch {
  const width = size.channels % 4 === 0 ? 4 : 1;
  return {
    kernel,
    aliases: width === 4 ? undefined : { Value: 'f32' },
    params: { ...size, channels: size.channels / width, ...more },
    workgroups: foldWorkgroups(ceilDiv(elements / width, 64)),
  };
}

const outputs = (s: AdaptivePoolSize) => s.batch * s.outH * s.outW * s.channels;
const inputs = (s: AdaptivePoolSize) => s.batch * s.inH * s.inW * s.channels;

/** A launch with sliding windows; `padding` counts for averages. */
function sliding(kernel: KernelSource, size: PoolSize, elements: number, padding = false): Launch {
  const { padBottom, padRight, ...rest } = size;
  const [paddedH, paddedW] = padding ? [size.inH + padBottom, size.inW + padRight] : [size.inH, size.inW];
  return launch(kernel, rest, elements, { paddedH, paddedW, countPadding: Number(padding) });
}

export const maxPool = (size: PoolSize): Launch => ({
  ...sliding(maxKernel, size, outputs(size)),
  overrides: { SIZE_H: size.sizeH, SIZE_W: size.sizeW, DILATION_H: size.dilationH, DILATION_W: size.dilationW },
});
export const maxPoolInputGradV1 = (size: PoolSize): Launch => sliding(maxInputGradV1Kernel, size, inputs(size));
/** Windows may overlap, and have dilation, for version 1 only. */
export const windowsOverlap = ({ sizeH, sizeW, strideH, strideW, dilationH, dilationW }: PoolSize): boolean =>
  sizeH > strideH || sizeW > strideW || dilationH > 1 || dilationW > 1;
export function maxPoolInputGradV2(size: PoolSize): Launch {
  const { batch, channels, sizeH, sizeW, strideH, strideW } = size;
  const cells = ceilDiv(size.inH + size.padTop, strideH) * ceilDiv(size.inW + size.padLeft, strideW);
  const overrides = { SIZE_H: sizeH, SIZE_W: sizeW, STRIDE_H: strideH, STRIDE_W: strideW };
  return { ...sliding(maxInputGradV2Kernel, size, batch * cells * channels), overrides };
}
export const averagePool = (size: PoolSize, countPadding: boolean): Launch =>
  sliding(averageKernel, size, outputs(size), countPadding);
export const averagePoolInputGrad = (size: PoolSize, countPadding: boolean): Launch =>
  sliding(averageInputGradKernel, size, inputs(size), countPadding);
export const adaptiveAveragePool = (size: AdaptivePoolSize): Launch => launch(adaptiveKernel, size, outputs(size));
export const adaptiveAveragePoolInputGrad = (size: AdaptivePoolSize): Launch =>
  launch(adaptiveInputGradKernel, size, inputs(size));
