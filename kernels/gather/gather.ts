import { ceilDiv, foldWorkgroups, type KernelSource, type Launch } from '../kernel.ts';
import gatherKernel from './gather.wgsl';
import gradKernel from './gather_input_grad.wgsl';

/** x [outer, length, inner], of which the result has `count` entries of the middle dimension. */
export interface GatherSize {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
  readonly count: number;
}

function launch(kernel: KernelSource, { length, inner, count }: GatherSize, rows: number): Launch {
  const width = inner % 4 === 0 ? 4 : 1;
  const size = (rows * inner) / width;
  return {
    kernel,
    aliases: width === 4 ? {} : { Value: 'f32' },
    params: { size, inner: inner / width, length, count },
    workgroups: foldWorkgroups(ceilDiv(size, 64)),
  };
}

export function gather(size: GatherSize): Launch {
  const made = launch(gatherKernel, size, size.outer * size.count);
  return { ...made, params: { ...made.params, outside: NaN } };
}

export const gatherInputGrad = (size: GatherSize): Launch => launch(gradKernel, size, size.outer * size.length);
