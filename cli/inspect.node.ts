import type { Device } from '../engine/device/device.ts';
import { outline, requireFit, type Outline } from '../engine/program/outline.ts';
import type { Precision } from '../engine/program/precision.ts';
import { MEMORY_LEVELS, type MemoryLevel, type Recompute } from '../engine/program/recompute.ts';
import { UserError } from '../engine/user_error.ts';
import { sizeOf } from '../engine/tensor.ts';
import { pipelineKey } from '../kernels/kernel.ts';
import { flopsOf, totalFlops } from '../models/cost.ts';
import { modelProgram, openModel, type ModelJob, type NewModelFlags, type OpenModel } from './model_program.node.ts';
import type { GlobalOptions } from './options.ts';
import { openSession } from './session.node.ts';
import { fused, notFused, stepTensors } from './show_fusion.ts';
import { graphLines, showInspection, storedAs, type Inspection } from './show_program.ts';

export interface InspectFlags extends GlobalOptions, NewModelFlags {
  readonly training?: boolean;
  readonly batch: number;
  readonly size?: number;
  readonly memory: MemoryLevel;
  readonly precision: Precision;
  readonly steps?: boolean;
  readonly graph?: boolean;
}

interface Planned {
  readonly outlined: Outline;
  readonly momentBytes: number;
}

function planModel(device: Device, model: OpenModel, job: ModelJob): Planned {
  using described = modelProgram(device, model, job);
  return { outlined: outline(device, described.program), momentBytes: described.momentBytes };
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

/** Plans a model, forward or as a training step, and tells what it is made of and what it costs. Nothing is allocated, compiled or run. */
export async function inspect(name: string, flags: InspectFlags): Promise<void> {
  using device = await openSession(flags);
  using model = await openModel(device, name, flags);
  const { network } = model.built;
  const size = flags.size ?? model.size;
  const { batch, training, memory: level, precision } = flags;
  const planned = (recompute: Recompute, stored: Precision = precision): Planned => planModel(device, model, { batch, size, training, recompute, precision: stored });
  const { outlined, momentBytes } = planned(MEMORY_LEVELS[level]);
  const { lowered: program, plan, need } = outlined;
  const { all } = model.parameters;
  const parameterBytes = all.reduce((n, p) => n + sizeOf(p.shape) * 4, 0);
  const total = ({ outlined: { need }, momentBytes }: Planned) => parameterBytes + momentBytes + need.temporaries + need.own;
  const tensors = stepTensors(program);
  const inspection: Inspection = {
    model: network.name,
    mode: flags.training ? 'training' : 'forward',
    precision,
    input: [flags.batch, size, size, 3],
    adapter: device.adapter.description,
    parameters: { count: all.reduce((n, p) => n + sizeOf(p.shape), 0), trainable: model.parameters.trainableSize },
    flops: totalFlops(tensors),
    memory: {
      parameters: parameterBytes,
      moments: momentBytes,
      program: need.temporaries + need.own,
      temporaries: need.temporaries,
      buffers: plan.slotBytes.length,
      lowerBound: plan.lowerBound,
      ...(device.capabilities.f16 && { precisions: { f32: total(planned(MEMORY_LEVELS[level], 'f32')), f16: total(planned(MEMORY_LEVELS[level], 'f16')) } }),
      ...(training && { levels: { full: total(planned('none')), low: total(planned('cheap')), lowest: total(planned('blocks')) } }),
    },
    obstacle: obstacleOf(device, outlined),
    steps: program.steps.length,
    pipelines: new Set(program.steps.map(({ launch }) => pipelineKey(launch))).size,
    fused: fused(program),
    notFused: notFused(program),
    ...(flags.steps && {
      listing: program.steps.map(({ launch, tensor }, i) => ({
        kernel: launch.kernel.name, tensor: tensor.name ?? `%${tensor.id}`, shape: tensor.shape, stored: storedAs(program, tensor), workgroups: launch.workgroups,
        // An op of several steps is counted at its first.
        flops: program.steps[i - 1]?.tensor === tensor ? 0 : flopsOf(tensor),
      })),
    }),
    ...(flags.graph && { graph: graphLines(program) }),
  };
  console.log(flags.json ? JSON.stringify(inspection, null, 2) : showInspection(inspection));
}
