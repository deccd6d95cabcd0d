import { existsSync } from 'node:fs';
import type { Device } from '../engine/device/device.ts';
import { input } from '../engine/ops/leaves.ts';
import type { Precision } from '../engine/program/precision.ts';
import type { ProgramSpec } from '../engine/program/program.ts';
import type { Recompute } from '../engine/program/recompute.ts';
import { DEFAULT_ADAM, trainingProgram } from '../engine/train/train_step.ts';
import { UserError } from '../engine/user_error.ts';
import type { HeadName } from '../galaxies/challenge/heads.ts';
import { DEFAULT_TASK, taskOf, type TaskOptions } from '../galaxies/tasks.ts';
import { trainingGraph } from '../galaxies/train/training_graph.ts';
import { MODEL_NAMES, buildModel } from '../models/build_network.ts';
import { applySegments } from '../models/network.ts';
import { ParameterSet } from '../models/parameter_set.ts';
import { loadModel, type LoadedModel } from './load_model.node.ts';

export type OpenModel = Pick<LoadedModel, 'built' | 'parameters' | 'size' | 'task'> & Disposable;

/** What a model that is given by name is to be; a run directory or a file of weights says it itself. */
export interface NewModelFlags {
  readonly width?: number;
  readonly task?: TaskOptions['name'];
  readonly head?: HeadName;
}

function newTask({ task, head }: NewModelFlags): TaskOptions {
  if (task === 'challenge') return { name: task, head: head ?? 'tree' };
  if (head !== undefined) throw new UserError('--head is for --task challenge; give that too');
  return DEFAULT_TASK;
}

/** A model by name, with fresh weights and the outputs of a task, or from a run directory or a file of weights. */
export async function openModel(device: Device, name: string, flags: NewModelFlags = {}): Promise<OpenModel> {
  if (!MODEL_NAMES.includes(name)) {
    if (!existsSync(name)) throw new UserError(`there is no model ${name}; give one of ${MODEL_NAMES.join(', ')}, a run directory, or a file of weights`);
    const refused = (['width', 'task', 'head'] as const).find((flag) => flags[flag] !== undefined);
    if (refused) throw new UserError(`--${refused} is for models by name, and ${name} says it itself; leave it out`);
    return loadModel(device, name);
  }
  const task = newTask(flags);
  const built = buildModel(name, taskOf(task).outputs.length, undefined, { width: flags.width });
  const parameters = new ParameterSet(device, built.network.specs, built.weights, 0);
  return { built, parameters, task, size: 224, [Symbol.dispose]: () => parameters[Symbol.dispose]() };
}

export interface ModelJob {
  readonly size: number;
  readonly batch: number;
  readonly training?: boolean;
  readonly recompute?: Recompute;
  readonly precision?: Precision;
}

/** What to compile for a forward pass, or for a step that trains every parameter with Adam, as training from scratch does. Nothing is allocated. */
export function modelProgram(device: Device, { built: { network }, parameters, task = DEFAULT_TASK }: OpenModel, { size, batch, training, recompute, precision }: ModelJob): { program: ProgramSpec; momentBytes: number } & Disposable {
  const x = input('x', [batch, size, size, 3]);
  if (!training) {
    const program = { outputs: [taskOf(task).scores(applySegments(network.segments, x, { parameters, batchNorm: 'running' }))], precision };
    return { program, momentBytes: 0, [Symbol.dispose]: () => {} };
  }
  const { scores, loss, updates } = trainingGraph(network.segments, x, taskOf(task), parameters, { batchNorm: 'batch', dropout: 0.2, dropPath: 0 });
  const { program, moments } = trainingProgram(device, { loss, outputs: [scores], updates, trainable: parameters.trainable(), adam: DEFAULT_ADAM, recompute, precision });
  return { program, momentBytes: parameters.trainableSize * 2 * 4, [Symbol.dispose]: () => moments.forEach((moment) => moment[Symbol.dispose]()) };
}
