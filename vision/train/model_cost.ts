import type { Device } from '../../engine/device/device.ts';
import { input } from '../../engine/ops/leaves.ts';
import { outline, requireFit, type Outline } from '../../engine/program/outline.ts';
import type { Precision } from '../../engine/program/precision.ts';
import type { ProgramSpec } from '../../engine/program/program.ts';
import type { Recompute } from '../../engine/program/recompute.ts';
import { sizeOf, type Shape } from '../../engine/tensor.ts';
import { DEFAULT_ADAM, trainingProgram } from '../../engine/train/train_step.ts';
import { UserError } from '../../engine/user_error.ts';
import { pipelineKey } from '../../kernels/kernel.ts';
import { totalFlops } from '../../models/cost.ts';
import type { BuiltModel } from '../../models/build_network.ts';
import { applySegments } from '../../models/network.ts';
import type { ParameterSet } from '../../models/parameter_set.ts';
import type { Task } from './task.ts';
import { trainingGraph } from './training_graph.ts';

/** A model with parameters that need not have memory yet. */
export interface DescribedModel {
  readonly built: Pick<BuiltModel, 'network'>;
  readonly parameters: ParameterSet;
  readonly task: Pick<Task, 'scores' | 'loss'>;
}

export interface ModelJob {
  readonly size: number;
  readonly batch: number;
  readonly training?: boolean;
  readonly recompute?: Recompute;
  readonly precision?: Precision;
}

/**
 * What to compile for a forward pass, or for a step that trains every parameter with Adam, as training from scratch
 * does. Nothing is allocated.
 */
export function modelProgram(
  device: Device,
  { built: { network }, parameters, task }: DescribedModel,
  { size, batch, training, recompute, precision }: ModelJob,
): { program: ProgramSpec; momentBytes: number } & Disposable {
  const x = input('x', [batch, size, size, 3]);
  if (!training) {
    const program = {
      outputs: [task.scores(applySegments(network.segments, x, { parameters, batchNorm: 'running' }))],
      precision,
    };
    return { program, momentBytes: 0, [Symbol.dispose]: () => {} };
  }
  const { scores, loss, updates } = trainingGraph(network.segments, x, task, parameters, {
    batchNorm: 'batch',
    dropout: 0.2,
    dropPath: 0,
  });
  const { program, moments } = trainingProgram(device, {
    loss,
    outputs: [scores],
    updates,
    trainable: parameters.trainable(),
    adam: DEFAULT_ADAM,
    recompute,
    precision,
  });
  return {
    program,
    momentBytes: parameters.trainableSize * 2 * 4,
    [Symbol.dispose]: () => moments.forEach((moment) => moment[Symbol.dispose]()),
  };
}

/** A model's program as it would run, and the bytes of Adam's moments. */
export interface Planned {
  readonly outlined: Outline;
  readonly momentBytes: number;
}

export function planModel(device: Device, model: DescribedModel, job: ModelJob): Planned {
  using described = modelProgram(device, model, job);
  return { outlined: outline(device, described.program), momentBytes: described.momentBytes };
}

/** What a model costs on a device. Memory in bytes. */
export interface ModelCost {
  readonly input: Shape;
  readonly parameters: { readonly count: number; readonly trainable: number };
  readonly flops: number;
  readonly memory: {
    readonly parameters: number;
    readonly moments: number;
    /** Everything the program owns: temporaries, inputs, outputs, uniforms. */
    readonly program: number;
    readonly temporaries: number;
    /** Whole buffers that the temporaries take turns in. */
    readonly buffers: number;
    /** The most bytes of temporaries alive at one step. */
    readonly lowerBound: number;
  };
  /** Why the adapter cannot hold it; null where it can. */
  readonly obstacle: string | null;
  readonly steps: number;
  readonly pipelines: number;
}

/** Counts what a planned program costs. Nothing is allocated, compiled or run. */
export function costOf(
  device: Device,
  { parameters }: DescribedModel,
  { size, batch }: ModelJob,
  { outlined, momentBytes }: Planned,
): ModelCost {
  const {
    lowered: { steps },
    plan,
    need,
  } = outlined;
  const count = parameters.all.reduce((n, p) => n + sizeOf(p.shape), 0);
  return {
    input: [batch, size, size, 3],
    parameters: { count, trainable: parameters.trainableSize },
    flops: totalFlops(new Set(steps.map(({ tensor }) => tensor))),
    memory: {
      parameters: count * 4,
      moments: momentBytes,
      program: need.temporaries + need.own,
      temporaries: need.temporaries,
      buffers: plan.slotBytes.length,
      lowerBound: plan.lowerBound,
    },
    obstacle: obstacleOf(device, outlined),
    steps: steps.length,
    pipelines: new Set(steps.map(({ launch }) => pipelineKey(launch))).size,
  };
}

function obstacleOf(device: Device, outlined: Outline): string | null {
  try {
    requireFit(device, outlined);
    return null;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}
