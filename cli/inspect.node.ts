import { sizeOf } from '../engine/tensor.ts';
import { pipelineKey } from '../kernels/kernel.ts';
import { flopsOf, totalFlops } from '../models/cost.ts';
import { compileModel, openModel } from './compile_model.node.ts';
import type { GlobalOptions } from './options.ts';
import { openSession } from './session.node.ts';
import { fused, notFused, stepTensors } from './show_fusion.ts';
import { graphLines, showInspection, type Inspection } from './show_program.ts';

export interface InspectFlags extends GlobalOptions {
  readonly training?: boolean;
  readonly batch: number;
  readonly size?: number;
  readonly steps?: boolean;
  readonly graph?: boolean;
}

/** Compiles a model, forward or as a training step, and tells what it is made of and what it costs. Nothing is run. */
export async function inspect(name: string, flags: InspectFlags): Promise<void> {
  using device = await openSession(flags);
  using model = await openModel(device, name);
  const { network } = model.built;
  const size = flags.size ?? model.size;
  using compiled = await compileModel(device, model, size, flags);
  const { program } = compiled;
  const { all } = model.parameters;
  const tensors = stepTensors(program);
  const inspection: Inspection = {
    model: network.name,
    mode: flags.training ? 'training' : 'forward',
    input: [flags.batch, size, size, 3],
    adapter: device.adapter.description,
    parameters: { count: all.reduce((n, p) => n + sizeOf(p.shape), 0), trainable: model.parameters.trainableSize },
    flops: totalFlops(tensors),
    memory: {
      parameters: all.reduce((n, p) => n + p.buffer.size, 0),
      moments: compiled.momentBytes,
      program: program.bytes,
      temporaries: program.plan.slotBytes.reduce((a, b) => a + b, 0),
      buffers: program.plan.slotBytes.length,
      lowerBound: program.plan.lowerBound,
    },
    steps: program.steps.length,
    pipelines: new Set(program.steps.map(({ launch }) => pipelineKey(launch))).size,
    fused: fused(program),
    notFused: notFused(program),
    ...(flags.steps && {
      listing: program.steps.map(({ launch, tensor }, i) => ({
        kernel: launch.kernel.name, tensor: tensor.name ?? `%${tensor.id}`, shape: tensor.shape, workgroups: launch.workgroups,
        // An op of several steps is counted at its first.
        flops: program.steps[i - 1]?.tensor === tensor ? 0 : flopsOf(tensor),
      })),
    }),
    ...(flags.graph && { graph: graphLines(program) }),
  };
  console.log(flags.json ? JSON.stringify(inspection, null, 2) : showInspection(inspection));
}
