import { updateRunningStats } from '../../engine/ops/assign.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { softmaxCrossEntropy } from '../../engine/ops/softmax_cross_entropy.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { applySegments, type ForwardContext, type Segment } from '../../models/network.ts';
import type { ParameterSet } from '../../models/parameter_set.ts';

const RUNNING_MOMENTUM = 0.1;

/** What a training step is made from. Its inputs beside the samples: `targets` [N, classes] and, where something is dropped, `noise_seed`. */
export interface TrainingGraph {
  readonly logits: Tensor;
  /** The mean cross-entropy against the targets: a scalar. */
  readonly loss: Tensor;
  /** Running statistics of batch norm, where the batch's own are used. */
  readonly updates: readonly Tensor[];
}

/** The forward pass of training: these segments on the samples `x`, and the loss. */
export function trainingGraph(
  segments: readonly Segment[], x: Tensor, parameters: ParameterSet, { batchNorm, dropout, dropPath }: { batchNorm: ForwardContext['batchNorm']; dropout: number; dropPath: number },
): TrainingGraph {
  const updates: Tensor[] = [];
  const logits = applySegments(segments, x, {
    parameters,
    batchNorm,
    noise: { seed: input('noise_seed', [2], 'u32'), dropout, dropPath },
    onStatistics: (name, stats, count) => updates.push(updateRunningStats(parameters.tensor(name), stats, count, RUNNING_MOMENTUM)),
  });
  const loss = reshape(mean(softmaxCrossEntropy(logits, input('targets', logits.shape))), []).named('loss');
  return { logits, loss, updates };
}
