import type { Precision } from '../engine/program/precision.ts';
import { MEMORY_LEVELS, type MemoryLevel, type Recompute } from '../engine/program/recompute.ts';
import { costOf, planModel, type Planned } from '../vision/train/model_cost.ts';
import { flopsOf } from '../models/cost.ts';
import { openModel, type NewModelFlags } from './open_model.node.ts';
import type { GlobalOptions } from './options.ts';
import { openSession } from './session.node.ts';
import { fused, notFused } from './show_fusion.ts';
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

/**
 * Plans a model, forward or as a training step, and tells what it is made of and what it costs. Nothing is allocated,
 * compiled or run.
 */
export async function inspect(name: string, flags: InspectFlags): Promise<void> {
  using device = await openSession(flags);
  using model = await openModel(device, name, flags);
  const { network } = model.built;
  const size = flags.size ?? model.size;
  const { batch, training, memory: level, precision } = flags;
  const planned = (recompute: Recompute, stored: Precision = precision): Planned =>
    planModel(device, model, { batch, size, training, recompute, precision: stored });
  const plan = planned(MEMORY_LEVELS[level]);
  const program = plan.outlined.lowered;
  const cost = costOf(device, model, { batch, size }, plan);
  const total = ({ outlined: { need }, momentBytes }: Planned) =>
    cost.memory.parameters + momentBytes + need.temporaries + need.own;
  const inspection: Inspection = {
    model: network.name,
    mode: flags.training ? 'training' : 'forward',
    precision,
    adapter: device.adapter.description,
    ...cost,
    memory: {
      ...cost.memory,
      ...(device.capabilities.f16 && {
        precisions: {
          f32: total(planned(MEMORY_LEVELS[level], 'f32')),
          f16: total(planned(MEMORY_LEVELS[level], 'f16')),
        },
      }),
      ...(training && {
        levels: { full: total(planned('none')), low: total(planned('cheap')), lowest: total(planned('blocks')) },
      }),
    },
    fused: fused(program),
    notFused: notFused(program),
    ...(flags.steps && {
      listing: program.steps.map(({ launch, tensor }, i) => ({
        kernel: launch.kernel.name,
        tensor: tensor.name ?? `%${tensor.id}`,
        shape: tensor.shape,
        stored: storedAs(program, tensor),
        workgroups: launch.workgroups,
        // An op of several steps is counted at its first.
        flops: program.steps[i - 1]?.tensor === tensor ? 0 : flopsOf(tensor),
      })),
    }),
    ...(flags.graph && { graph: graphLines(program) }),
  };
  console.log(flags.json ? JSON.stringify(inspection, null, 2) : showInspection(inspection));
}
