import { checkOptions, checkWhole, show, type Known } from '../engine/check.ts';
import { UserError } from '../engine/user_error.ts';
import { efficientNet, type EfficientNetArithmetic } from './efficientnet.ts';
import { importEfficientNet, type ImportOptions } from './efficientnet_names.ts';
import { saidByExport, saidNormalisation } from './efficientnet_preprocessing.ts';
import { efficientNetConfig } from './efficientnet_table.ts';
import type { WeightsFile } from './formats/read_weights.ts';
import { describedBy, type Model } from './formats/model_file.ts';
import { efficientNetVariant, plainNetwork, requireOwnWidth } from './model_table.ts';
import { recogniseModel } from './namings.ts';
import type { Network } from './network.ts';
import { IMAGENET, type Normalisation } from './normalisation.ts';
import type { Weights } from './parameter_set.ts';
import { importTorchvision } from './torchvision_names.ts';

export { MODEL_NAMES } from './model_table.ts';

export interface WidthOption {
  /** Channels in shares of what the network has, 0..1: 1 when absent. VGG and ResNet only. */
  readonly width?: number;
}

/** A network, what is known of its weights, and how its input is to be normalised. */
export interface BuiltModel {
  readonly network: Network;
  readonly weights: Weights;
  /** The weights come from a trained network: its front may be frozen. */
  readonly pretrained: boolean;
  readonly arithmetic: EfficientNetArithmetic;
  readonly preprocessing: Normalisation;
  readonly notes: readonly string[];
  /** The graph of a network that came as an ONNX file, which a model file holds too; absent of those with a name. */
  readonly graph?: Uint8Array;
}

const OPTIONS: Known<ImportOptions & WidthOption> = {
  padding: true,
  bnEpsilon: true,
  preprocessing: true,
  metadata: true,
  width: true,
};
/** What a network trained here from nothing uses where nothing else is given. */
const OWN_ARITHMETIC: EfficientNetArithmetic = { padding: 'same', bnEpsilon: 1e-3 };

/** What is written for networks whose own graph says it. */
export const UNUSED_ARITHMETIC = OWN_ARITHMETIC;

/**
 * A network by name with `classes` outputs.
 * @param file weights in a foreign or our own naming; padding, epsilon and normalisation follow it, and are taken from
 * a
 *   model that this program saved
 */
export function buildModel(
  name: string,
  classes: number,
  file?: WeightsFile,
  options: ImportOptions & WidthOption = {},
): BuiltModel {
  const variant = efficientNetVariant(name);
  checkWhole('buildModel', 'the number of classes', classes, 1);
  checkOptions('buildModel', options, OPTIONS);
  const { width = 1 } = options;
  if (!(typeof width === 'number' && width > 0 && width <= 1))
    throw new UserError(`buildModel: width must be more than 0 and at most 1, not ${show(width)}`);
  if (variant) {
    requireOwnWidth(name, width);
    const config = efficientNetConfig(variant, classes);
    if (file) refuseOther(name, file);
    if (!file) {
      return {
        network: efficientNet(config, OWN_ARITHMETIC),
        weights: new Map(),
        pretrained: false,
        arithmetic: OWN_ARITHMETIC,
        preprocessing: IMAGENET,
        notes: [],
      };
    }
    const imported = importEfficientNet(file.tensors, config, file.source, { ...fromFile(file), ...options });
    const { weights, notes, padding, bnEpsilon } = imported;
    // Foreign files count pixels from 0 to 255 where `scale` says so; ours are in 0..1.
    const preprocessing = { mean: imported.preprocessing.mean, std: imported.preprocessing.std };
    return {
      network: efficientNet(config, { padding, bnEpsilon }),
      weights,
      pretrained: true,
      arithmetic: { padding, bnEpsilon },
      preprocessing,
      notes: [...(file.notes ?? []), ...notes],
    };
  }
  const network = plainNetwork(name, classes, width);
  if (file && width !== 1)
    throw new UserError(
      `${file.source} holds weights of the whole ${name}, which do not fit --width ${width}; leave one of them out`,
    );
  if (file) refuseOther(name, file);
  const imported = file && importTorchvision(file.tensors, network, file.source);
  const said = file && (fromFile(file).preprocessing ? undefined : saidNormalisation(file.source, file.metadata));
  return {
    network,
    weights: imported?.weights ?? new Map(),
    pretrained: file !== undefined,
    arithmetic: OWN_ARITHMETIC,
    preprocessing: (file && fromFile(file).preprocessing) ?? said?.preprocessing ?? IMAGENET,
    notes: [...(file?.notes ?? []), ...(said?.notes ?? []), ...(imported?.notes ?? [])],
  };
}

/** Refuses weights that are those of another network that is known. */
function refuseOther(name: string, { tensors, source }: WeightsFile): void {
  const other = recogniseModel(tensors);
  if (other !== undefined && other !== name)
    throw new UserError(`${source} holds weights of ${other}, and not of ${name}; give --model ${other} for them.`);
}

/** What a file of weights says of their arithmetic: all of it where this program saved or exported a model. */
function fromFile({ metadata = {}, source }: WeightsFile): ImportOptions {
  const model = describedBy(metadata, source);
  if (!model) return { ...saidByExport(metadata), metadata };
  const { padding, bnEpsilon, preprocessing } = model;
  return { padding, bnEpsilon, preprocessing: { ...preprocessing, scale: 1 / 255 }, metadata };
}

/** The network of a model file that Tuningfork saved, with its weights; the network is one of those with names. */
export function restoreModel(model: Model, source: string): BuiltModel {
  if (model.graph)
    throw new UserError(`${source}: its network came as an ONNX file; load it by loadModel of tuningfork/vision`);
  const {
    name,
    config: { width = 1 },
  } = model.architecture;
  if (typeof width !== 'number' || !(width > 0 && width <= 1))
    throw new UserError(
      `${source}: the width ${JSON.stringify(width)} of its ${name} is not a number in 0..1; the file is damaged or was edited`,
    );
  const arithmetic = { padding: model.padding, bnEpsilon: model.bnEpsilon };
  const variant = efficientNetVariant(name);
  const classes = model.classes.length;
  const network = variant
    ? efficientNet(efficientNetConfig(variant, classes), arithmetic)
    : buildModel(name, classes, undefined, { width }).network;
  const weights = checkWeights(model, network, source);
  return { network, weights, pretrained: true, arithmetic, preprocessing: model.preprocessing, notes: [] };
}

/** The weights of a model file by name, which must be those of the network. */
export function checkWeights(
  model: Pick<Model, 'weights'>,
  network: Pick<Network, 'name' | 'specs'>,
  source: string,
): Map<string, Float32Array> {
  const weights = new Map<string, Float32Array>();
  for (const spec of network.specs) {
    const stored = model.weights.get(spec.name);
    if (!stored)
      throw new UserError(
        `${source}: the tensor ${spec.name} [${spec.shape.join(', ')}] of ${network.name} is missing`,
      );
    if (stored.shape.join() !== spec.shape.join()) {
      throw new UserError(
        `${source}: the tensor ${spec.name} has the shape [${stored.shape.join(', ')}] and ${network.name} wants [${spec.shape.join(', ')}]`,
      );
    }
    weights.set(spec.name, stored.data);
  }
  for (const extra of model.weights.keys())
    if (!weights.has(extra)) throw new UserError(`${source}: ${network.name} has no tensor ${extra}`);
  return weights;
}
