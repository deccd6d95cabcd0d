import { input } from '../../engine/ops/leaves.ts';
import type { Tensor } from '../../engine/tensor.ts';

/** Of arguments.test.ts: a right call of each reduction, norm and loss, with every option that it knows. */
export const callsOfCompositions = (t: (...shape: number[]) => Tensor): Record<string, () => unknown[]> => ({
  ...Object.fromEntries(['max', 'min', 'prod', 'logSumExp', 'l1Norm', 'l2Norm'].map((f) => [f, () => [t(2, 3), [0]]])),
  ...Object.fromEntries(
    ['argMax', 'argMin'].map((f) => [f, () => [t(2, 3), 0, { keepDims: true, selectLastIndex: false }]]),
  ),
  ...Object.fromEntries(['softmax', 'logSoftmax'].map((f) => [f, () => [t(2, 3, 4), 1]])),
  layerNorm: () => [t(2, 3, 4), t(3, 4), t(3, 4), { axes: [1, 2], epsilon: 1e-3 }],
  rmsNorm: () => [t(2, 3, 4), t(4), { axes: [2], epsilon: 1e-3 }],
  groupNorm: () => [t(2, 3, 3, 4), 2, t(4), t(4), 1e-3],
  instanceNorm: () => [t(2, 3, 3, 4), t(4), t(4), 1e-3],
  crossEntropy: () => [
    t(2, 3),
    input('classes', [2], 'u32'),
    { labelSmoothing: 0.1, ignoreIndex: 3, reduction: 'sum' },
  ],
  binaryCrossEntropyWithLogits: () => [t(2, 3), t(2, 3), { weights: t(2, 3), posWeight: t(3), reduction: 'mean' }],
  huber: () => [t(2, 3), t(2, 3), 1, 'mean'],
  mse: () => [t(2, 3), t(2, 3), 'mean'],
  l1: () => [t(2, 3), t(2, 3), 'mean'],
});
