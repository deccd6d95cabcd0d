import { UserError } from '../engine/user_error.ts';
import { toFloat32 } from './formats/stored_tensor.ts';
import type { StoredTensor } from './formats/stored_tensor.ts';
import { CONVENTIONS, foreignTensors } from './efficientnet_conventions.ts';
import type { Convention, ConventionName, ForeignTensor } from './efficientnet_conventions.ts';
import type { ParameterSpec } from './efficientnet_parameters.ts';
import { impliedArithmetic } from './efficientnet_preprocessing.ts';
import type { Normalisation } from './efficientnet_preprocessing.ts';
import type { EfficientNetConfig } from './efficientnet_table.ts';
import { hwcFromC1hw, hwioFromOihw, transposed } from './weight_layouts.ts';

export interface ImportOptions {
  /** Instead of what the names imply: timm's are the same for both kinds of padding and epsilon. */
  readonly padding?: 'same' | 'symmetric';
  readonly bnEpsilon?: number;
  readonly preprocessing?: Normalisation;
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

/** Tensors that carry no weight: step counters of PyTorch's batch norm, and the input normalisation of Keras. */
const NOT_WEIGHTS = /(^|\.)num_batches_tracked$|(^|\/)normalization(_\d+)?\/(mean|variance|count)(:0)?$/;
/** Below this share of the expected names a file is not a damaged EfficientNet but something else. */
const RECOGNISED = 0.25;
const NAMED_AT_MOST = 5;

/**
 * The convention whose names for `config` these are for the most part: a few that are missing or too many do not hide it,
 * and importEfficientNet names them. null when no convention fits.
 */
export function recogniseConvention(names: Iterable<string>, config: EfficientNetConfig): Convention | null {
  const stored = [...names];
  let best: Convention | null = null;
  let most = 0;
  for (const convention of CONVENTIONS) {
    const present = new Set(stored.map((name) => convention.normalise?.(name) ?? name));
    const expected = foreignTensors(convention, config);
    const share = expected.filter(({ name }) => present.has(name)).length / expected.length;
    if (share > most && share >= RECOGNISED) [best, most] = [convention, share];
  }
  return best;
}

/**
 * Weights of an EfficientNet as efficientnet_pytorch, torchvision, timm, Keras or this project names them, under canonical
 * names and in our layouts, with the padding, batch-norm epsilon and input normalisation they were trained with.
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
    const first = [...tensors.keys()].slice(0, 3).map((name) => `'${name}'`).join(', ') || 'none';
    throw new UserError(`${source}: these are not the weights of an EfficientNet-${config.variant.toUpperCase()} as ${CONVENTIONS.map(({ name }) => name).join(', ')} name them; its tensors begin with ${first}.`);
  }
  const found = collect(tensors, convention, source);
  const expected = foreignTensors(convention, config);
  const classifier = classifierFate(expected, found, convention.layout, source);
  const wanted = classifier.missing ? expected.filter(({ spec }) => !isClassifier(spec)) : expected;
  checkAgainst(wanted, expected, found, source, config);

  const weights = new Map<string, Float32Array>();
  for (const tensor of wanted) {
    const { stored, storedName } = found.get(tensor.name)!;
    const where = `${source}: tensor '${storedName}'`;
    const values = toFloat32(stored, where);
    checkValues(values, tensor.spec, where);
    weights.set(tensor.spec.name, inOurLayout(values, tensor, convention.layout));
  }
  const implied = impliedArithmetic(convention.name, source, tensors);
  const overridden = options.padding !== undefined && options.bnEpsilon !== undefined;
  return {
    convention: convention.name,
    padding: options.padding ?? implied.padding,
    bnEpsilon: options.bnEpsilon ?? implied.bnEpsilon,
    preprocessing: options.preprocessing ?? implied.preprocessing,
    weights,
    missingClassifier: classifier.missing,
    notes: [...(overridden ? [] : implied.notes), ...classifier.notes],
  };
}

interface Found {
  readonly stored: StoredTensor;
  /** As the file has it, for sentences. */
  readonly storedName: string;
}

/** The file's weights by the convention's own form of their names. */
function collect(tensors: ReadonlyMap<string, StoredTensor>, convention: Convention, source: string): Map<string, Found> {
  const found = new Map<string, Found>();
  for (const [storedName, stored] of tensors) {
    if (NOT_WEIGHTS.test(storedName)) continue;
    const name = convention.normalise?.(storedName) ?? storedName;
    const other = found.get(name);
    if (other) throw new UserError(`${source}: '${other.storedName}' and '${storedName}' are both ${convention.name}'s '${name}'; keep one.`);
    found.set(name, { stored, storedName });
  }
  return found;
}

function isClassifier(spec: ParameterSpec): boolean {
  return spec.name.startsWith('classifier.');
}

/** A classifier that is absent, or of other classes than wanted, leaves the trunk usable: a new one is trained anyway. */
function classifierFate(
  expected: readonly ForeignTensor[],
  found: ReadonlyMap<string, Found>,
  layout: Convention['layout'],
  source: string,
): { missing: boolean; notes: string[] } {
  const w = expected.find(({ spec }) => spec.name === 'classifier.w')!;
  const b = expected.find(({ spec }) => spec.name === 'classifier.b')!;
  const [matrix, bias] = [found.get(w.name), found.get(b.name)];
  if (!matrix) {
    return { missing: true, notes: bias ? [`${source}: '${bias.storedName}' is ignored, since the classifier's matrix '${w.name}' is not in the file.`] : [] };
  }
  const axis = layout === 'torch' ? 0 : 1; // of the classes
  const { shape } = matrix.stored;
  const sameInputs = shape.length === 2 && shape[1 - axis] === w.shape[1 - axis];
  if (sameInputs && shape[axis] !== w.shape[axis]) {
    return { missing: true, notes: [`${source}: its classifier of ${shape[axis]} classes is left out, since ${w.shape[axis]} are wanted.`] };
  }
  return { missing: false, notes: [] };
}

function checkAgainst(
  wanted: readonly ForeignTensor[],
  known: readonly ForeignTensor[],
  found: ReadonlyMap<string, Found>,
  source: string,
  config: EfficientNetConfig,
): void {
  const missing = wanted.filter(({ name }) => !found.has(name));
  const knownNames = new Set(known.map(({ name }) => name));
  const extra = [...found].filter(([name]) => !knownNames.has(name));
  const misshapen = wanted.filter(({ name, shape }) => {
    const stored = found.get(name)?.stored.shape;
    return stored && (stored.length !== shape.length || stored.some((dim, axis) => dim !== shape[axis]));
  });
  const complaints = [
    listed('missing', missing.map(({ name, shape }) => `'${name}' [${shape.join(', ')}]`)),
    listed('not of this network', extra.map(([, { storedName, stored }]) => `'${storedName}' [${stored.shape.join(', ')}]`)),
    listed('misshapen', misshapen.map(({ name, shape }) => {
      const { stored, storedName } = found.get(name)!;
      return `'${storedName}' is [${stored.shape.join(', ')}] and should be [${shape.join(', ')}]`;
    })),
  ].filter((complaint) => complaint !== null);
  if (complaints.length) {
    throw new UserError(`${source}: its tensors are not those of an EfficientNet-${config.variant.toUpperCase()}: ${complaints.join('; ')}.`);
  }
}

function listed(what: string, items: readonly string[]): string | null {
  if (!items.length) return null;
  const more = items.length - NAMED_AT_MOST;
  return `${items.length} ${what}: ${items.slice(0, NAMED_AT_MOST).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** A NaN among the weights would show only as a NaN loss, far from its cause. */
function checkValues(values: Float32Array, { kind }: ParameterSpec, where: string): void {
  const bad = values.findIndex((value) => !Number.isFinite(value) || (kind === 'var' && value < 0));
  if (bad < 0) return;
  throw new UserError(`${where} holds ${values[bad]} at element ${bad}${kind === 'var' && values[bad] < 0 ? ', and a variance cannot be negative' : ''}; the file is damaged.`);
}

/** A copy where the layout differs; Keras's filters are HWIO already, and its [k,k,C,1] is [k,k,C] in the same order. */
function inOurLayout(values: Float32Array, { spec, shape }: ForeignTensor, layout: Convention['layout']): Float32Array {
  if (layout !== 'torch') return values;
  if (spec.kind === 'filter') return hwioFromOihw(values, shape);
  if (spec.kind === 'depthwise') return hwcFromC1hw(values, shape);
  return spec.kind === 'dense' ? transposed(values, shape) : values;
}
