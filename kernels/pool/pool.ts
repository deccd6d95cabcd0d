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
const counting = (padding: boolean) => ({ countPadding: Number(padding) });

export const maxPool = (size: PoolSize): Launch => ({
  ...launch(maxKernel, size, outputs(size), counting(false)),
  overrides: { SIZE_H: size.sizeH, SIZE_W: size.sizeW },
});
export const maxPoolInputGradV1 = (size: PoolSize): Launch =>
  launch(maxInputGradV1Kernel, size, inputs(size), counting(false));
/** Windows may overlap for version 1 only. */
export const windowsOverlap = ({ sizeH, sizeW, strideH, strideW }: PoolSize): boolean =>
  sizeH > strideH || sizeW > strideW;
export function maxPoolInputGradV2(size: PoolSize): Launch {
  const { batch, channels, sizeH, sizeW, strideH, strideW } = size;
  const cells = ceilDiv(size.inH + size.padTop, strideH) * ceilDiv(size.inW + size.padLeft, strideW);
  const overrides = { SIZE_H: sizeH, SIZE_W: sizeW, STRIDE_H: strideH, STRIDE_W: strideW };
  return { ...launch(maxInputGradV2Kernel, size, batch * cells * channels, counting(false)), overrides };
}
export const averagePool = (size: PoolSize, countPadding: boolean): Launch =>
  launch(averageKernel, size, outputs(size), counting(countPadding));
export const averagePoolInputGrad = (size: PoolSize, countPadding: boolean): Launch =>
  launch(averageInputGradKernel, size, inputs(size), counting(countPadding));
export const adaptiveAveragePool = (size: AdaptivePoolSize): Launch => launch(adaptiveKernel, size, outputs(size));
export const adaptiveAveragePoolInputGrad = (size: AdaptivePoolSize): Launch =>
  launch(adaptiveInputGradKernel, size, inputs(size));
