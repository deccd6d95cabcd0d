import { UserError } from '../engine/user_error.ts';
import type { StoredTensor } from './formats/stored_tensor.ts';
import { CONVENTIONS, foreignTensors } from './efficientnet_conventions.ts';
import type { Convention, ConventionName } from './efficientnet_conventions.ts';
import { impliedArithmetic } from './efficientnet_preprocessing.ts';
import type { Normalisation } from './efficientnet_preprocessing.ts';
import type { EfficientNetConfig } from './efficientnet_table.ts';
import { importWeights, sharedPrefix } from './import_weights.ts';

export interface ImportOptions {
  /** Instead of what the names imply: timm's are the same for both kinds of padding and epsilon. */
  readonly padding?: 'same' | 'symmetric';
  readonly bnEpsilon?: number;
  readonly preprocessing?: Normalisation;
  /** What the file says beside its tensors. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface ImportedEfficientNet {
  readonly convention: ConventionName;
  readonly padding: 'same' | 'symmetric';
  readonly bnEpsilon: number;
  readonly preprocessing: Normalisation;
  /** By canonical name, in our layouts (see efficientNetParameters). */
  readonly weights: Map<string, Float32Array>;
  /** The file holds no classifier for this number of classes: `classifier.*` is then not in `weights`. */
  readonly missingClassifier: boolean;
  /** What was left out or assumed, one sentence each, for the user to see. */
  readonly notes: readonly string[];
}

/** Below this share of the expected names a file is not a damaged EfficientNet but something else. */
const RECOGNISED = 0.25;

/**
 * The convention whose names for `config` these are for the most part: a few that are missing or too many do not hide
 * it, and importEfficientNet names them. null when no convention fits.
 */
export function recogniseConvention(names: Iterable<string>, config: EfficientNetConfig): Convention | null {
  const stored = [...names];
  let best: Convention | null = null;
  let most = 0;
  for (const convention of CONVENTIONS) {
    const tensors = foreignTensors(convention, config);
    const share = sharedPrefix(stored, { tensors, normalise: convention.normalise }).count / tensors.length;
    if (share > most && share >= RECOGNISED) [best, most] = [convention, share];
  }
  return best;
}

/**
 * Weights of an EfficientNet as efficientnet_pytorch, torchvision, timm, Keras or this project names them, under
 * canonical names and in our layouts, with the padding, batch-norm epsilon and input normalisation they were trained
 * with.
 * @param source the file's name: for error sentences, and for timm the only sign of its `tf_` models.
 * @throws UserError naming what is missing, too many or misshapen (with both shapes), up to five of each.
 */
export function importEfficientNet(
  tensors: ReadonlyMap<string, StoredTensor>,
  config: EfficientNetConfig,
  source: string,
  options: ImportOptions = {},
): ImportedEfficientNet {
  const convention = recogniseConvention(tensors.keys(), config);
  if (!convention) {
    const first =
      [...tensors.keys()]
        .slice(0, 3)
        .map((name) => `'${name}'`)
        .join(', ') || 'none';
    throw new UserError(
      `${source}: these are not the weights of an EfficientNet-${config.variant.toUpperCase()} as ${CONVENTIONS.map(({ name }) => name).join(', ')} name them; its tensors begin with ${first}.`,
    );
  }
  const network = `an EfficientNet-${config.variant.toUpperCase()}`;
  const { weights, missingClassifier, notes } = importWeights(
    tensors,
    {
      network,
      layout: convention.layout,
      tensors: foreignTensors(convention, config),
      convention: convention.name,
      normalise: convention.normalise,
    },
    source,
  );
  const implied = impliedArithmetic(convention.name, config.variant, source, tensors, options.metadata);
  const overridden = options.padding !== undefined && options.bnEpsilon !== undefined;
  return {
    convention: convention.name,
    padding: options.padding ?? implied.padding,
    bnEpsilon: options.bnEpsilon ?? implied.bnEpsilon,
    preprocessing: options.preprocessing ?? implied.preprocessing,
    weights,
    missingClassifier,
    notes: [...(overridden ? [] : implied.notes), ...notes],
  };
}
