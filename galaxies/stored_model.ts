import { buildModel, restoreModel, type BuiltModel } from '../models/build_network.ts';
import { unpackModel, type Model } from '../models/formats/model_file.ts';
import { parseSafetensors } from '../models/formats/safetensors.ts';
import type { Dataset } from './dataset.ts';
import { storedTask, type TaskOptions } from './tasks.ts';
import { NO_AUGMENTATION } from './view.ts';
import { ViewMaker } from './views.ts';

/** A model as its file holds it, on no device yet. */
export interface StoredModel {
  readonly built: BuiltModel;
  /** What it was trained for; undefined for bare weights. */
  readonly task?: TaskOptions;
  readonly classes: readonly string[];
  readonly size: number;
  readonly crop: number | null;
  /** The model file as read; undefined for bare weights. */
  readonly file?: Model;
}

/**
 * Reads a model file that a training wrote, or bare EfficientNet-B0 weights of any known naming (then there are no
 * classes: the features are of use, not the logits).
 * @param source what the file is called in error sentences
 */
export function readModel(bytes: Uint8Array, source: string): StoredModel {
  const { tensors, metadata } = parseSafetensors(bytes, source);
  if (metadata['tuningfork'] === undefined)
    return {
      built: buildModel('efficientnet_b0', 2, { tensors, metadata, source }),
      classes: [],
      size: 224,
      crop: null,
    };
  const file = unpackModel(bytes, source);
  const { size, crop } = file.preprocessing;
  return { task: storedTask(file, source), built: restoreModel(file, source), classes: file.classes, size, crop, file };
}

/** The views of a dataset as a stored model wants them. */
export function viewsFor(
  { size, crop, built }: Pick<StoredModel, 'built' | 'size' | 'crop'>,
  dataset: Dataset,
): ViewMaker {
  return new ViewMaker(dataset, { size, crop: crop ?? 212, normalisation: built.preprocessing }, NO_AUGMENTATION, 0);
}
