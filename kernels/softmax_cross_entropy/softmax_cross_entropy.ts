import { ceilDiv, foldWorkgroups, type KernelSource, type Launch } from '../kernel.ts';
import logitsGradKernel from './softmax_cross_entropy_logits_grad.wgsl';
import lossKernel from './softmax_cross_entropy_loss.wgsl';
import softmaxKernel from './softmax.wgsl';

const byRow = (kernel: KernelSource, rows: number, classes: number): Launch => ({
  kernel,
  params: { rows, classes },
  workgroups: foldWorkgroups(ceilDiv(rows, 64)),
});

/** softmax of each row, or its logarithm. */
export const softmax = (rows: number, classes: number, logarithm: boolean): Launch => ({
  ...byRow(softmaxKernel, rows, classes),
  overrides: { LOGARITHM: Number(logarithm) },
});
export const crossEntropyLoss = (rows: number, classes: number): Launch => byRow(lossKernel, rows, classes);
export const crossEntropyLogitsGrad = (rows: number, classes: number): Launch => byRow(logitsGradKernel, rows, classes);
