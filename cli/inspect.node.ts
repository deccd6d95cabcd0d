import { join } from 'node:path';
import { GPU_SHEETS, type GpuName } from '../engine/device/gpu_sheets.ts';
import type { Lowered } from '../engine/program/lower.ts';
import type { Precision } from '../engine/program/precision.ts';
import { MEMORY_LEVELS, type MemoryLevel, type Recompute } from '../engine/program/recompute.ts';
import { costOf, planModel, type Planned } from '../vision/train/model_cost.ts';
import { writeFileAtomic } from '../models/formats/atomic.node.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';
import { BOUNDS, estimateStep, type StepEstimate } from '../models/gpu_estimate.ts';
import { leastTraffic, stepCosts, type StepCost } from '../models/step_cost.ts';
import { openModel, type NewModelFlags } from './open_model.node.ts';
import type { GlobalOptions } from './options.ts';
import { pipelinesOf } from './pipelines.ts';
import { posedAs } from './posed_device.ts';
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
  readonly pipelines?: boolean;
  /** A folder for the texts of the pipelines. */
  readonly wgsl?: string;
  readonly estimate?: GpuName;
}

/**
 * Plans a model, forward or as a training step, and tells what it is made of and what it costs. Nothing is allocated,
 * compiled or run.
 */
export async function inspect(name: string, flags: InspectFlags): Promise<void> {
  using opened = await openSession(flags);
  const device = flags.estimate ? posedAs(opened, flags.estimate) : opened;
  using model = await openModel(device, name, flags);
  const { network } = model.built;
  const size = flags.size ?? model.size;
  const { batch, training, memory: level, precision } = flags;
  const planned = (recompute: Recompute, stored: Precision = precision): Planned =>
    planModel(device, model, { batch, size, training, recompute, precision: stored });
  const plan = planned(MEMORY_LEVELS[level]);
  const program = plan.outlined.lowered;
  const costs = stepCosts(program);
  const estimates =
    flags.estimate && program.steps.map((s, i) => estimateStep(s, costs[i], GPU_SHEETS[flags.estimate!]));
  const pipelines = flags.pipelines || flags.wgsl !== undefined ? pipelinesOf(program, costs) : [];
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
    traffic: trafficOf(program, costs),
    ...(estimates && { estimate: estimateOf(flags.estimate!, estimates, batch) }),
    transposes: program.steps.filter(({ tensor }) => tensor.op.name === 'transpose').length,
    fused: fused(program),
    notFused: notFused(program),
    ...(flags.steps && {
      listing: program.steps.map(({ launch, tensor }, i) => ({
        kernel: launch.kernel.name,
        tensor: tensor.name ?? `%${tensor.id}`,
        shape: tensor.shape,
        stored: storedAs(program, tensor),
        workgroups: launch.workgroups,
        flops: costs[i].flops,
        read: costs[i].read,
        written: costs[i].written,
        ...(estimates && { estimate: estimates[i] }),
      })),
    }),
    ...(flags.pipelines && { pipelineListing: pipelines.map(([pipeline]) => pipeline) }),
    ...(flags.graph && { graph: graphLines(program) }),
  };
  if (flags.wgsl !== undefined) await writeTexts(flags.wgsl, pipelines);
  console.log(flags.json ? JSON.stringify(inspection, null, 2) : showInspection(inspection));
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

function trafficOf(program: Lowered, costs: readonly StepCost[]): Inspection['traffic'] {
  const least = leastTraffic(program);
  return {
    read: sum(costs.map(({ read }) => read)),
    written: sum(costs.map(({ written }) => written)),
    least: least.read + least.written,
  };
}

function estimateOf(name: GpuName, steps: readonly StepEstimate[], batch: number): NonNullable<Inspection['estimate']> {
  const seconds = sum(steps.map((step) => step.seconds));
  return {
    gpu: GPU_SHEETS[name],
    seconds,
    imagesPerSecond: batch / seconds,
    bounds: BOUNDS.map((bound) => {
      const held = steps.filter((step) => step.bound === bound);
      return { bound, steps: held.length, seconds: sum(held.map((step) => step.seconds)) };
    }),
  };
}

/** Each pipeline's text in a file of its own, and pipelines.json, which says what each is specialised to. */
async function writeTexts(folder: string, pipelines: ReturnType<typeof pipelinesOf>): Promise<void> {
  makeFolder(folder);
  for (const [{ id, kernel }, text] of pipelines) await writeFileAtomic(join(folder, `${id}-${kernel}.wgsl`), text);
  const table = JSON.stringify(
    pipelines.map(([pipeline]) => pipeline),
    null,
    2,
  );
  await writeFileAtomic(join(folder, 'pipelines.json'), `${table}\n`);
  console.error(`${pipelines.length} texts are in ${folder}, with pipelines.json`);
}
