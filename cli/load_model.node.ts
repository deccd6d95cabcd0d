import type { Device } from '../engine/device/device.ts';
import { UserError } from '../engine/user_error.ts';
import { bareModel, readModel, type StoredModel } from '../vision/answer/stored_model.ts';
import { storedTask, type TaskChoice } from '../galaxies/tasks.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import { kindOf } from '../models/formats/file_kind.ts';
import { readWeightsBytes } from '../models/formats/read_weights.node.ts';
import { isOnnxFile, readOnnxFile } from '../models/onnx/onnx_file.node.ts';
import { ParameterSet } from '../models/parameter_set.ts';
import { preprocessingOf, type PreprocessingFlags } from './commands/preprocessing_options.ts';
import { finishedFolds } from './crossval_folder.node.ts';
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A model on a device, ready to look at images. */
export interface LoadedModel extends StoredModel<TaskChoice>, Disposable {
  readonly parameters: ParameterSet;
}

/** How an ONNX file is read, as flags say it. */
export interface OnnxFlags extends PreprocessingFlags {
  readonly size?: number;
}

/**
 * Reads a run directory, an ONNX file, or a file of weights of any format; what was left out of it is told.
 * @throws UserError where it cannot be read, or flags say something of an ONNX file that it is not
 */
export async function readStored(path: string, flags: OnnxFlags = {}): Promise<StoredModel<TaskChoice>> {
  const file = modelFile(path);
  if (isOnnxFile(file)) {
    const { bytes } = readOnnxFile(file);
    return told(await readModel(bytes, file, storedTask, { size: flags.size, preprocessing: preprocessingOf(flags) }));
  }
  const useless = (['size', 'mean', 'std', 'scale', 'channels'] as const).find((flag) => flags[flag] !== undefined);
  if (useless !== undefined)
    throw new UserError(`--${useless} is for ONNX files, and ${path} says it itself; leave it out`);
  const bytes = await readFile(file).catch((error) => {
    throw fileError('read', file, error);
  });
  const ours = kindOf(bytes)?.reader === 'safetensors';
  return told(ours ? await readModel(bytes, file, storedTask) : bareModel(await readWeightsBytes(bytes, file)));
}

function told<M extends StoredModel>(model: M): M {
  for (const note of model.built.notes) console.error(note);
  return model;
}

/** The same on a device. */
export const loadModel = async (device: Device, path: string, flags?: OnnxFlags): Promise<LoadedModel> =>
  placeModel(device, await readStored(path, flags));

/** Puts a model that was read on a device. */
export function placeModel(device: Device, model: StoredModel<TaskChoice>): LoadedModel {
  const parameters = new ParameterSet(device, model.built.network.specs, model.built.weights, 0);
  return { ...model, parameters, [Symbol.dispose]: () => parameters[Symbol.dispose]() };
}

/** What the model was trained for. Throws where it was for nothing yet. */
export function requireTask({ task }: Pick<StoredModel<TaskChoice>, 'task'>, path: string): TaskChoice {
  if (!task)
    throw new UserError(
      `${path} holds a trunk without classes; train it first, or use \`tuningfork embed\` for its features`,
    );
  return task;
}

/** Where the model of a run directory lies, or the file itself. @throws UserError where there is none, or several */
export function modelFile(path: string): string {
  if (!existsSync(path))
    throw new UserError(
      `there is no model ${path}; give a run directory, a model.safetensors, an ONNX file, or a weights file`,
    );
  const folds = finishedFolds(path);
  if (folds)
    throw new UserError(
      `${path} is a cross-validation of ${folds.length} folds, and this needs one network; give a fold of it, such as ${folds[0]}`,
    );
  return statSync(path).isDirectory() ? join(path, 'model.safetensors') : path;
}
