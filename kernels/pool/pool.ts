import { ceilDiv, foldWorkgroups, type KernelSource, type Launch } from '../kernel.ts';
import adaptiveKernel from './adaptive_average_pool.wgsl';
import adaptiveInputGradKernel from './adaptive_average_pool_input_grad.wgsl';
import averageKernel from './average_pool.wgsl';
import averageInputGradKernel from './average_pool_input_grad.wgsl';
import maxKernel from './max_pool.wgsl';
import maxInputGradKernel from './max_pool_input_grad.wgsl';
import maxInputGradApartKernel from './max_pool_input_grad_apart.wgsl';

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

function launch(kernel: KernelSource, size: AdaptivePoolSize, elements: number, more: Record<string, number> = {}): Launch {
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

export const maxPool = (size: PoolSize): Launch => launch(maxKernel, size, outputs(size), counting(false));
/** The gradient of any windows: see max_pool_input_grad.wgsl. */
export const maxPoolInputGradOverlapping = (size: PoolSize): Launch => launch(maxInputGradKernel, size, inputs(size), counting(false));
/** Where windows overlap, the general gather; where they do not, each is gone through once. */
export function maxPoolInputGrad(size: PoolSize): Launch {
  const { batch, channels, sizeH, sizeW, strideH, strideW } = size;
  if (sizeH > strideH || sizeW > strideW) return maxPoolInputGradOverlapping(size);
  const cells = ceilDiv(size.inH + size.padTop, strideH) * ceilDiv(size.inW + size.padLeft, strideW);
  const overrides = { SIZE_H: sizeH, SIZE_W: sizeW, STRIDE_H: strideH, STRIDE_W: strideW };
  return { ...launch(maxInputGradApartKernel, size, batch * cells * channels, counting(false)), overrides };
}
export const averagePool = (size: PoolSize, countPadding: boolean): Launch => launch(averageKernel, size, outputs(size), counting(countPadding));
export const averagePoolInputGrad = (size: PoolSize, countPadding: boolean): Launch => launch(averageInputGradKernel, size, inputs(size), counting(countPadding));
export const adaptiveAveragePool = (size: AdaptivePoolSize): Launch => launch(adaptiveKernel, size, outputs(size));
export const adaptiveAveragePoolInputGrad = (size: AdaptivePoolSize): Launch => launch(adaptiveInputGradKernel, size, inputs(size));
