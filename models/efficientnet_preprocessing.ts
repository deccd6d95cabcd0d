import { UserError } from '../engine/user_error.ts';
import { DEVIATIONS, MEANS } from './formats/model_file.ts';
import { toFloat32 } from './formats/stored_tensor.ts';
import type { StoredTensor } from './formats/stored_tensor.ts';
import type { ConventionName } from './efficientnet_conventions.ts';
import { IMAGENET as imagenet } from './normalisation.ts';

/** x = (pixel · scale − mean) / std, per channel (R, G, B), for pixels in 0..255. */
export interface Normalisation {
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** What a checkpoint's numbers were trained with and its names do not say. */
export interface Arithmetic {
  /** same: TensorFlow's, more at the bottom and right with stride 2; symmetric: floor(k/2) on every side. */
  readonly padding: 'same' | 'symmetric';
  readonly bnEpsilon: number;
  readonly preprocessing: Normalisation;
  /** What was assumed, where there was a choice. */
  readonly notes: readonly string[];
}

const IMAGENET: Normalisation = { scale: 1 / 255, ...imagenet };
/** To -1..1: what the AdvProp checkpoints were trained with. */
const INCEPTION: Normalisation = { scale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

const TENSORFLOW = { padding: 'same', bnEpsilon: 1e-3 } as const;
const TORCH = { padding: 'symmetric', bnEpsilon: 1e-5 } as const;

/** What names of files and their metadata say of weights that want pixels in -1..1. */
const INCEPTION_NAMES = [
  /adv[-_ ]?prop/i,
  /\badv[-_]efficientnet/i, // efficientnet_pytorch's
  /[._]ap(?![a-z0-9])/i, // timm's, tf_efficientnet_b0.ap_in1k and tf_efficientnet_b0_ap
  /ra4_e3600/i, // timm's of 2024
  /inception/i,
];
/** And of those known to want ImageNet's mean and deviation, NoisyStudent's among them. */
const IMAGENET_NAMES = [
  /noisy[-_ ]?student/i,
  /[._]ns(?![a-z0-9])/i, // timm's, tf_efficientnet_b0.ns_jft_in1k and tf_efficientnet_b0_ns
  /[._]([a-z]+_)*in1k(?![a-z0-9])/i, // timm's tags: aa_in1k, ra_in1k, ft_in1k, in1k
  /\b(efficientnet|vgg|resnet)[-_]?b?\d+(_bn)?(_rwightman)?-[0-9a-f]{8}/i, // with the checksum of the publisher
];

/**
 * How pixels are to be normalised for weights of others, as the name of their file, the folder it lies in or its
 * metadata say it; a sentence where -1..1 was recognised, and one where nothing is said and ImageNet's numbers are
 * assumed.
 */
export function saidNormalisation(
  source: string,
  metadata: Readonly<Record<string, string>> = {},
): { preprocessing: Normalisation; notes: string[] } {
  const said = [source.split(/[/\\]/).slice(-2), Object.values(metadata)].flat();
  const match = (names: readonly RegExp[]) => names.map((name) => said.find((each) => name.test(each))).find(Boolean);
  const inception = match(INCEPTION_NAMES);
  if (inception !== undefined)
    return {
      preprocessing: INCEPTION,
      notes: [`${source}: taken for weights that want pixels in -1..1, as '${inception}' says.`],
    };
  if (match(IMAGENET_NAMES) !== undefined) return { preprocessing: IMAGENET, notes: [] };
  return {
    preprocessing: IMAGENET,
    notes: [
      `${source}: nothing says how its pixels were normalised; ImageNet's mean and deviation are assumed. If they were scaled to -1..1, as for AdvProp, say so by 'advprop' in the file's name.`,
    ],
  };
}

/**
 * What a file that `tuningfork export` wrote says of its weights in its metadata; what makes no sense there is as if it
 * were not said.
 */
export function saidByExport(metadata: Readonly<Record<string, string>>): Partial<Omit<Arithmetic, 'notes'>> {
  const read = (key: string): Readonly<Record<string, unknown>> => {
    try {
      return Object(JSON.parse(metadata[key] ?? 'null'));
    } catch {
      return {};
    }
  };
  const colour = (value: unknown, [low, high]: readonly [number, number]): value is number[] =>
    Array.isArray(value) && value.length === 3 && value.every((n) => typeof n === 'number' && n >= low && n <= high);
  const [{ padding, bnEpsilon }, { mean, std }] = [read('arithmetic'), read('preprocessing')];
  return {
    ...((padding === 'same' || padding === 'symmetric') && { padding }),
    ...(typeof bnEpsilon === 'number' && bnEpsilon > 0 && bnEpsilon < 1 && { bnEpsilon }),
    ...(colour(mean, MEANS) && colour(std, DEVIATIONS) && { preprocessing: { scale: 1 / 255, mean, std } }),
  };
}

/**
 * Padding and epsilon of an EfficientNet under a convention's names; of timm's, which has both, those that it trained
 * itself. torchvision's B5 to B7 hold TensorFlow's weights with its own padding, and keep their epsilon.
 */
export function conventionalArithmetic(
  convention: ConventionName,
  variant: string,
): Pick<Arithmetic, 'padding' | 'bnEpsilon'> {
  if (convention === 'torchvision') return /^b[567]$/.test(variant) ? { ...TORCH, bnEpsilon: 1e-3 } : TORCH;
  return convention === 'timm' ? TORCH : TENSORFLOW;
}

/**
 * The arithmetic a convention implies. efficientnet_pytorch and Keras hold TensorFlow's checkpoints: SAME padding,
 * epsilon 1e-3. torchvision's B0 to B4 were trained in PyTorch: symmetric padding, 1e-5. timm has both under the same
 * tensor names; its `tf_` models are TensorFlow's, and only the name of the file tells.
 * @param source the file's name.
 */
export function impliedArithmetic(
  convention: ConventionName,
  variant: string,
  source: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata?: Readonly<Record<string, string>>,
): Arithmetic {
  const said = saidNormalisation(source, metadata);
  const conventional = conventionalArithmetic(convention, variant);
  switch (convention) {
    case 'efficientnet_pytorch':
    case 'tuningfork':
      return { ...conventional, ...said };
    case 'torchvision':
      // Under these names there is one training of each, with ImageNet's numbers.
      return { ...conventional, ...said, notes: said.preprocessing === IMAGENET ? [] : said.notes };
    case 'keras': {
      const stored = kerasNormalisation(tensors, source);
      return { ...conventional, ...(stored ? { preprocessing: stored, notes: [] } : said) };
    }
    case 'timm':
      return timmArithmetic(source, said);
  }
}

function timmArithmetic(source: string, { preprocessing, notes }: ReturnType<typeof saidNormalisation>): Arithmetic {
  const tensorflow = /tf_efficientnet/i.test(source);
  const note = tensorflow
    ? `${source}: taken for a timm tf_efficientnet by its name: SAME padding, batch-norm epsilon 1e-3.`
    : `${source}: taken for a timm efficientnet: symmetric padding, batch-norm epsilon 1e-5. If it is a tf_efficientnet, say so by padding and epsilon, or by 'tf_efficientnet' in the file's name.`;
  return { ...(tensorflow ? TENSORFLOW : TORCH), preprocessing, notes: [note, ...notes] };
}

/**
 * Keras normalises inside the network: 1/255, then a Normalization layer, (x - mean) / sqrt(variance). Its ImageNet
 * files hold the standard deviations 0.229, 0.224, 0.225 in the place of the variances, and newer versions of Keras
 * mend that by a further division by sqrt(variance) (tensorflow issue 49930): the whole is again (x - mean) / 0.229.
 * null for a file without the layer.
 */
function kerasNormalisation(tensors: ReadonlyMap<string, StoredTensor>, source: string): Normalisation | null {
  const find = (field: string): number[] | null => {
    for (const [name, tensor] of tensors) {
      if (!new RegExp(`(^|/)normalization(_\\d+)?/${field}(:0)?$`).test(name)) continue;
      const values = [...toFloat32(tensor, `${source}: tensor '${name}'`)];
      if (values.length !== 3 || !values.every(Number.isFinite)) {
        throw new UserError(
          `${source}: tensor '${name}' has shape [${tensor.shape.join(', ')}], where 3 finite numbers are needed, one for each colour.`,
        );
      }
      return values;
    }
    return null;
  };
  const mean = find('mean');
  const variance = find('variance');
  if (!mean || !variance) return null;
  if (variance.some((v) => v <= 0))
    throw new UserError(`${source}: the normalization layer's variance [${variance.join(', ')}] is not above 0.`);
  if (mean.some((m) => m < MEANS[0] || m > MEANS[1]))
    throw new UserError(
      `${source}: the normalization layer's mean [${mean.join(', ')}] is not that of pixels in 0..1, which the layer is given.`,
    );
  const holdsDeviations = variance.every((v, channel) => Math.abs(v - IMAGENET.std[channel]) < 1e-4);
  return { scale: 1 / 255, mean, std: holdsDeviations ? variance : variance.map(Math.sqrt) };
}
