import type { Device } from '../engine/device/device.ts';
import { UserError } from '../engine/user_error.ts';
import type { AugmentationOptions } from '../galaxies/view.ts';
import { NO_AUGMENTATION } from '../galaxies/view.ts';
import { ViewMaker } from '../galaxies/views.ts';
import type { Dataset } from '../galaxies/dataset.ts';
import { storedTask, type TaskOptions } from '../galaxies/tasks.ts';
import { buildModel, restoreModel, type BuiltModel } from '../models/build_network.ts';
import { parseSafetensors } from '../models/formats/safetensors.ts';
import { unpackModel, type Model } from '../models/formats/model_file.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import { ParameterSet } from '../models/parameter_set.ts';
import { finishedFolds } from './crossval_folder.node.ts';
import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A model on a device, ready to look at galaxies. */
export interface LoadedModel extends Disposable {
  readonly built: BuiltModel;
  readonly parameters: ParameterSet;
  /** What it was trained for; undefined for bare weights. */
  readonly task?: TaskOptions;
  readonly classes: readonly string[];
  readonly size: number;
  readonly crop: number | null;
  /** The model file as read; undefined for bare weights. */
  readonly file?: Model;
}

/**
 * Loads a run directory, a model file that a training wrote, or bare EfficientNet-B0 weights of any known naming (then there
 * are no classes: the features are of use, not the logits).
 */
export async function loadModel(device: Device, path: string): Promise<LoadedModel> {
  const file = modelFile(path);
  const bytes = await readFile(file).catch((error) => {
    throw fileError('read', file, error);
  });
  const { tensors, metadata } = parseSafetensors(bytes, file);
  if (metadata['tuningfork'] !== undefined) {
    const model = unpackModel(bytes, file);
    const task = storedTask(model, file);
    const built = restoreModel(model, file);
    const parameters = new ParameterSet(device, built.network.specs, built.weights, 0);
    const { size, crop } = model.preprocessing;
    return { built, parameters, task, classes: model.classes, size, crop, file: model, [Symbol.dispose]: () => parameters[Symbol.dispose]() };
  }
  const built = buildModel('efficientnet_b0', 2, { tensors, source: file });
  const parameters = new ParameterSet(device, built.network.specs, built.weights, 0);
  return { built, parameters, classes: [], size: 224, crop: null, [Symbol.dispose]: () => parameters[Symbol.dispose]() };
}

/** The views of a dataset as a loaded model wants them. */
export function viewsFor(model: LoadedModel, dataset: Dataset, crop = model.crop ?? 212, augmentation: AugmentationOptions = NO_AUGMENTATION): ViewMaker {
  return new ViewMaker(dataset, { size: model.size, crop, normalisation: model.built.preprocessing }, augmentation, 0);
}

/** What the model was trained for. Throws where it was for nothing yet. */
export function requireTask({ task }: LoadedModel, path: string): TaskOptions {
  if (!task) throw new UserError(`${path} holds a trunk without classes; train it first, or use \`tuningfork embed\` for its features`);
  return task;
}

/** Where the model of a run directory lies, or the file itself. @throws UserError where there is none, or several */
export function modelFile(path: string): string {
  if (!existsSync(path)) throw new UserError(`there is no model ${path}; give a run directory, a model.safetensors, or a weights file`);
  const folds = finishedFolds(path);
  if (folds) throw new UserError(`${path} is a cross-validation of ${folds.length} folds, and this needs one network; give a fold of it, such as ${folds[0]}`);
  return statSync(path).isDirectory() ? join(path, 'model.safetensors') : path;
}
