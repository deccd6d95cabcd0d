import { existsSync } from 'node:fs';
import type { Device } from '../engine/device/device.ts';
import { UserError } from '../engine/user_error.ts';
import type { HeadName } from '../galaxies/challenge/heads.ts';
import { DEFAULT_TASK, taskOf, type TaskChoice } from '../galaxies/tasks.ts';
import type { DescribedModel } from '../vision/train/model_cost.ts';
import { MODEL_NAMES, buildModel } from '../models/build_network.ts';
import { ParameterSet } from '../models/parameter_set.ts';
import { isOnnxFile } from '../models/onnx/onnx_file.node.ts';
import { loadModel } from './load_model.node.ts';

export type OpenModel = DescribedModel & { readonly size: number } & Disposable;

/** What a model that is given by name is to be; a run directory or a file of weights says it itself. */
export interface NewModelFlags {
  /** Of an ONNX file, where it leaves it open; others work at any size. */
  readonly size?: number;
  readonly width?: number;
  readonly task?: TaskChoice['name'];
  readonly head?: HeadName;
}

function newTask({ task, head }: NewModelFlags): TaskChoice {
  if (task === 'challenge') return { name: task, head: head ?? 'tree' };
  if (head !== undefined) throw new UserError('--head is for --task challenge; give that too');
  return DEFAULT_TASK;
}

/** A model by name, with fresh weights and the outputs of a task, or from a run directory or a file of weights. */
export async function openModel(device: Device, name: string, flags: NewModelFlags = {}): Promise<OpenModel> {
  if (!MODEL_NAMES.includes(name)) {
    if (!existsSync(name))
      throw new UserError(
        `there is no model ${name}; give one of ${MODEL_NAMES.join(', ')}, a run directory, an ONNX file, or a file of weights`,
      );
    const refused = (['width', 'task', 'head'] as const).find((flag) => flags[flag] !== undefined);
    if (refused) throw new UserError(`--${refused} is for models by name, and ${name} says it itself; leave it out`);
    // Nothing is shown to it, so that nothing need be said of pixels.
    const model = isOnnxFile(name)
      ? await loadModel(device, name, { size: flags.size, scale: 1 })
      : await loadModel(device, name);
    return { ...model, task: taskOf(model.task ?? DEFAULT_TASK, model.classes) };
  }
  const task = newTask(flags);
  const built = buildModel(name, taskOf(task).outputs.length, undefined, { width: flags.width });
  const parameters = new ParameterSet(device, built.network.specs, built.weights, 0);
  return { built, parameters, task: taskOf(task), size: 224, [Symbol.dispose]: () => parameters[Symbol.dispose]() };
}
