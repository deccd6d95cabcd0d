import { ceilDiv, foldWorkgroups, type KernelSource, type Launch } from '../kernel.ts';
import averageKernel from './average_pool.wgsl';
import averageInputGradKernel from './average_pool_input_grad.wgsl';
import maxKernel from './max_pool.wgsl';
import maxInputGradKernel from './max_pool_input_grad.wgsl';

/** The sizes of a pooling; see window.wgsl. */
export interface PoolSize {
  readonly batch: number;
  readonly inH: number;
  readonly inW: number;
  readonly outH: number;
  readonly outW: number;
  readonly channels: number;
  readonly sizeH: number;
  readonly sizeW: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly padTop: number;
  readonly padLeft: number;
}

function launch(kernel: KernelSource, size: PoolSize, elements: number, countPadding = false): Launch {
  const width = size.channels % 4 === 0 ? 4 : 1;
  return {
    kernel,
    aliases: width === 4 ? undefined : { Value: 'f32' },
    params: { ...size, channels: size.channels / width, countPadding: Number(countPadding) },
    workgroups: foldWorkgroups(ceilDiv(elements / width, 64)),
  };
}

const outputs = (s: PoolSize) => s.batch * s.outH * s.outW * s.channels;
const inputs = (s: PoolSize) => s.batch * s.inH * s.inW * s.channels;

export const maxPool = (size: PoolSize): Launch => launch(maxKernel, size, outputs(size));
export const maxPoolInputGrad = (size: PoolSize): Launch => launch(maxInputGradKernel, size, inputs(size));
export const averagePool = (size: PoolSize, countPadding: boolean): Launch => launch(averageKernel, size, outputs(size), countPadding);
export const averagePoolInputGrad = (size: PoolSize, countPadding: boolean): Launch => launch(averageInputGradKernel, size, inputs(size), countPadding);
