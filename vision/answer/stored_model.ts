import { buildModel, restoreModel, type BuiltModel } from '../../models/build_network.ts';
import { unpackModel, type Model } from '../../models/formats/model_file.ts';
import { isOnnx } from '../../models/formats/file_kind.ts';
import { recogniseModel } from '../../models/namings.ts';
import type { WeightsFile } from '../../models/formats/read_weights.ts';
import { parseSafetensors } from '../../models/formats/safetensors.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Stretch } from '../data/stretch.ts';
import type { TaskOptions } from '../train/task.ts';
import { NO_AUGMENTATION } from '../view/view.ts';
import { SHORT_SIDE, ViewMaker } from '../view/views.ts';
import type { ReadOptions } from './stored_onnx.ts';

/** A model as its file holds it, on no device yet. */
export interface StoredModel<T extends TaskOptions = TaskOptions> {
  readonly built: BuiltModel;
  /** What it was trained for; undefined for bare weights. */
  readonly task?: T;
  readonly classes: readonly string[];
  readonly size: number;
  readonly crop: number | null;
  /** See ViewGeometry. */
  readonly shortSide?: number;
  /** How samples of more than 8 bits became 8 in training. */
  readonly stretch?: Stretch;
  /** The model file as read; undefined for bare weights. */
  readonly file?: Model | undefined;
}

/**
 * Reads a model file that a training wrote, an ONNX file, or bare weights that are safetensors too.
 * @param source what the file is called in error sentences
 * @param taskIn the task that a model file names
 */
export async function readModel<T extends TaskOptions>(
  bytes: Uint8Array,
  source: string,
  taskIn: (file: Model, source: string) => T,
  options: ReadOptions = {},
): Promise<StoredModel<T>> {
  if (isOnnx(bytes)) {
    const { onnxModelFile } = await import('./stored_onnx.ts');
    const { built, file } = onnxModelFile(bytes, source, options);
    // What answers nothing that is known is a trunk, as bare weights are.
    if (file.classes.length === 0) return { ...storedOf<T>(built, file), file: undefined };
    return storedOf(built, file, taskIn(file, source));
  }
  const { tensors, metadata } = parseSafetensors(bytes, source);
  if (metadata['tuningfork'] === undefined) return bareModel({ tensors, metadata, source });
  const file = unpackModel(bytes, source);
  return storedOf(await restored(file, source), file, taskIn(file, source));
}

function storedOf<T extends TaskOptions>(built: BuiltModel, file: Model, task?: T): StoredModel<T> {
  const { size, crop } = file.preprocessing;
  const { shortSide, stretch } = file.config;
  return {
    ...(task && { task }),
    built,
    classes: file.classes,
    size,
    crop,
    ...(typeof shortSide === 'number' && { shortSide }),
    ...(typeof stretch === 'object' && { stretch: stretch as unknown as Stretch }),
    file,
  };
}

/** Reading ONNX is loaded when it is needed: most models have a name, and pages should not wait for it. */
async function restored(file: Model, source: string): Promise<BuiltModel> {
  if (!file.graph) return restoreModel(file, source);
  const { restoreOnnx } = await import('../../models/onnx/onnx_model.ts');
  return restoreOnnx(file, source);
}

/** Side of the input that bare weights are looked through, in pixels. */
const BARE_SIZE = 224;

/**
 * The network of bare weights, which their names and shapes tell; of any naming that is known. There are no classes:
 * the features are of use, not the logits. It is shown images as those who trained on ImageNet evaluate: the middle 224
 * pixels of an image whose shorter side has 256.
 * @throws UserError where it is none that is known, as of EfficientNet-B0 that is not whole
 */
export function bareModel(weights: WeightsFile): StoredModel<never> {
  const name = recogniseModel(weights.tensors) ?? 'efficientnet_b0';
  const shortSide = Math.round(SHORT_SIDE * BARE_SIZE);
  return { built: buildModel(name, 2, weights), classes: [], size: BARE_SIZE, crop: BARE_SIZE, shortSide };
}

/** The views of a dataset as a stored model wants them. @param kept see ViewMaker */
export function viewsFor(
  { size, crop, shortSide, built }: Pick<StoredModel, 'built' | 'size' | 'crop' | 'shortSide'>,
  dataset: Dataset,
  kept?: number,
): ViewMaker {
  const geometry = { size, crop: crop ?? 212, normalisation: built.preprocessing };
  const whole = shortSide === undefined ? geometry : { ...geometry, shortSide };
  return new ViewMaker(dataset, whole, NO_AUGMENTATION, 0, kept);
}
