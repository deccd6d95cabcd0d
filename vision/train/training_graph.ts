import { updateRunningStats } from '../../engine/ops/assign.ts';
import { input } from '../../engine/ops/leaves.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { applySegments, type ForwardContext, type Segment } from '../../models/network.ts';
import type { ParameterSet } from '../../models/parameter_set.ts';
import type { Task } from './task.ts';

const RUNNING_MOMENTUM = 0.1;

/**
 * What a training step is made from. Its inputs beside the samples: `targets` [N, K] and, where something is dropped,
 * `noise_seed`.
 */
export interface TrainingGraph {
  /** What the network answers [N, K], as the task reads it. */
  readonly scores: Tensor;
  /** The mean loss against the targets: a scalar. */
  readonly loss: Tensor;
  /** Running statistics of batch norm, where the batch's own are used. */
  readonly updates: readonly Tensor[];
}

/** The forward pass of training: these segments on the samples `x`, and the task's loss. */
export function trainingGraph(
  segments: readonly Segment[],
  x: Tensor,
  task: Pick<Task, 'loss' | 'scores'>,
  parameters: ParameterSet,
  { batchNorm, dropout, dropPath }: { batchNorm: ForwardContext['batchNorm']; dropout: number; dropPath: number },
): TrainingGraph {
  const updates: Tensor[] = [];
  const logits = applySegments(segments, x, {
    parameters,
    batchNorm,
    noise: { seed: input('noise_seed', [2], 'u32'), dropout, dropPath },
    onStatistics: (name, stats, count) =>
      updates.push(updateRunningStats(parameters.tensor(name), stats, count, RUNNING_MOMENTUM)),
  });
  const scores = task.scores(logits);
  return { scores, loss: task.loss(scores, input('targets', scores.shape)).named('loss'), updates };
}
