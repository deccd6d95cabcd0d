import type { GpuTarget } from '../gpu.ts';
import { ceilDiv, foldWorkgroups, type KernelSource, type Launch } from '../kernel.ts';
import logitsGradKernel from './softmax_cross_entropy_logits_grad.wgsl';
import lossKernel from './softmax_cross_entropy_loss.wgsl';
import softmaxKernel from './softmax.wgsl';

/** Rows of classes, and what they are computed on. */
export interface RowSize {
  readonly rows: number;
  readonly classes: number;
  readonly target: GpuTarget;
}

/** The threads of a workgroup; a GPU gives all of them one row, where that has as many classes. */
const THREADS = 64;

function byRow(kernel: KernelSource, { rows, classes, target }: RowSize): Launch {
  const threads = target.software || classes < THREADS ? 1 : THREADS;
  return {
    kernel,
    overrides: { ROW_THREADS: threads },
    params: { rows, classes },
    workgroups: foldWorkgroups(ceilDiv(rows, THREADS / threads)),
  };
}

/** softmax of each row, or its logarithm. */
export function softmax(size: RowSize, logarithm: boolean): Launch {
  const launch = byRow(softmaxKernel, size);
  return { ...launch, overrides: { ...launch.overrides, LOGARITHM: Number(logarithm) } };
}
export const crossEntropyLoss = (size: RowSize): Launch => byRow(lossKernel, size);
export const crossEntropyLogitsGrad = (size: RowSize): Launch => byRow(logitsGradKernel, size);
