import { existsSync } from 'node:fs';
import type { Device } from '../engine/device/device.ts';
import { input } from '../engine/ops/leaves.ts';
import { compile, type Program } from '../engine/program/program.ts';
import { DEFAULT_ADAM, TrainStep } from '../engine/train/train_step.ts';
import { sizeOf } from '../engine/tensor.ts';
import { UserError } from '../engine/user_error.ts';
import { trainingGraph } from '../galaxies/classify/training_graph.ts';
import { pipelineKey } from '../kernels/kernel.ts';
import { MODEL_NAMES, buildModel } from '../models/build_network.ts';
import { flopsOf, totalFlops } from '../models/cost.ts';
import { applySegments } from '../models/network.ts';
import { ParameterSet } from '../models/parameter_set.ts';
import { loadModel, type LoadedModel } from './load_model.node.ts';
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
  using model = await open(device, name);
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

type Opened = Pick<LoadedModel, 'built' | 'parameters' | 'size'> & Disposable;

async function open(device: Device, name: string): Promise<Opened> {
  if (!MODEL_NAMES.includes(name)) {
    if (!existsSync(name)) throw new UserError(`there is no model ${name}; give one of ${MODEL_NAMES.join(', ')}, a run directory, or a file of weights`);
    return loadModel(device, name);
  }
  const built = buildModel(name, 2);
  const parameters = new ParameterSet(device, built.network.specs, built.weights, 0);
  return { built, parameters, size: 224, [Symbol.dispose]: () => parameters[Symbol.dispose]() };
}

/** The program of a forward pass, or of a step that trains every parameter with Adam, as training from scratch does. */
async function compileModel(device: Device, { built: { network }, parameters }: Opened, size: number, { batch, training }: InspectFlags): Promise<{ program: Program; momentBytes: number } & Disposable> {
  const x = input('x', [batch, size, size, 3]);
  if (!training) {
    const program = await compile(device, { outputs: [applySegments(network.segments, x, { parameters, batchNorm: 'running' })] });
    return { program, momentBytes: 0, [Symbol.dispose]: () => program[Symbol.dispose]() };
  }
  const { logits, loss, updates } = trainingGraph(network.segments, x, parameters, { batchNorm: 'batch', dropout: 0.2, dropPath: 0 });
  const step = await TrainStep.create(device, { loss, outputs: [logits], updates, trainable: parameters.trainable(), adam: DEFAULT_ADAM });
  return { program: step.program, momentBytes: parameters.trainableSize * 2 * 4, [Symbol.dispose]: () => step[Symbol.dispose]() };
}
