import { UserError } from '../engine/user_error.ts';
import { checkValues } from './formats/check_values.ts';
import { toFloat32 } from './formats/stored_tensor.ts';
import type { StoredTensor } from './formats/stored_tensor.ts';
import type { ParameterSpec } from './parameter_spec.ts';
import { adaptStem } from './stem_channels.ts';
import { hwcFromC1hw, hwioFromOihw, transposed } from './weight_layouts.ts';

/** torch: OIHW, [C,1,k,k], [out,in]. keras: HWIO, [k,k,C,1], [in,out]. tuningfork: ours. */
export type Layout = 'torch' | 'keras' | 'tuningfork';

/** A parameter and where a foreign file keeps it. */
export interface ForeignTensor {
  readonly spec: ParameterSpec;
  readonly name: string;
  /** The shape it has there. */
  readonly shape: readonly number[];
  /** The inputs of a dense layer are an image [H, W, C] laid out flat, which torch flattens as [C, H, W]. */
  readonly image?: readonly [h: number, w: number, c: number];
}

/** What a file is held against. */
export interface Expected {
  /** Of the network, as in "EfficientNet-B0", for sentences. */
  readonly network: string;
  readonly layout: Layout;
  readonly tensors: readonly ForeignTensor[];
  /** Who names tensors so, for sentences. */
  readonly convention: string;
  /** A stored name as `tensors` has it: without the file's own prefixes and endings. */
  readonly normalise?: (stored: string) => string;
}

export interface ImportedWeights {
  /** By canonical name, in our layouts. */
  readonly weights: Map<string, Float32Array>;
  /** The file holds no classifier for this number of classes: `classifier.*` is then not in `weights`. */
  readonly missingClassifier: boolean;
  /** What was left out, one sentence each, for the user to see. */
  readonly notes: readonly string[];
}

/** The shape that a parameter has in files of this layout. */
export function foreignShape(layout: Layout, { kind, shape }: ParameterSpec): readonly number[] {
  if (layout === 'keras') return kind === 'depthwise' ? [...shape, 1] : shape;
  if (layout === 'tuningfork') return shape;
  const [r, s, c, k] = shape;
  if (kind === 'filter') return [k, c, r, s];
  if (kind === 'depthwise') return [c, 1, r, s];
  return kind === 'dense' ? [shape[1], shape[0]] : shape;
}

/** Tensors that carry no weight: step counters of PyTorch's batch norm, and the input normalisation of Keras. */
const NOT_WEIGHTS = /(^|\.)num_batches_tracked$|(^|\/)normalization(_\d+)?\/(mean|variance|count)(:0)?$/;
const NAMED_AT_MOST = 5;

/**
 * The words before the names of a network that another one holds, such as `encoder.` or `module.model.`, and how many
 * names are known without them. '' where as many are known as they are.
 */
export function sharedPrefix(
  stored: Iterable<string>,
  { tensors, normalise }: Pick<Expected, 'tensors' | 'normalise'>,
): { prefix: string; count: number } {
  const known = new Set(tensors.map(({ name }) => name));
  const counts = new Map([['', 0]]);
  for (const name of stored)
    for (let at = 0; at >= 0; at = afterDot(name, at)) {
      const rest = name.slice(at);
      if (known.has(normalise?.(rest) ?? rest)) counts.set(name.slice(0, at), (counts.get(name.slice(0, at)) ?? 0) + 1);
    }
  let best = { prefix: '', count: counts.get('')! };
  for (const [prefix, count] of counts) if (count > best.count) best = { prefix, count };
  return best;
}

/** Where the next word of a name begins; -1 where there is none. */
function afterDot(name: string, at: number): number {
  const dot = name.indexOf('.', at);
  return dot < 0 ? -1 : dot + 1;
}

/**
 * The weights of a file, under our names and in our layouts. A prefix that its names share is taken off, with what
 * has other names left out; so is a classifier of other classes than wanted. A first layer for grey images becomes one
 * for colours, and the reverse (see adaptStem).
 * @param source the file's name, for sentences
 * @throws UserError naming what is missing, too many or misshapen (with both shapes), up to five of each
 */
export function importWeights(
  tensors: ReadonlyMap<string, StoredTensor>,
  expected: Expected,
  source: string,
): ImportedWeights {
  const { prefix } = sharedPrefix(tensors.keys(), expected);
  const outside = [...tensors.keys()].filter((name) => !name.startsWith(prefix) && !NOT_WEIGHTS.test(name));
  const found = collect(tensors, expected, prefix, source);
  const notes = prefix ? [prefixNote(prefix, outside, source)] : [];
  const classifier = classifierFate(expected, found, source);
  const wanted = classifier.missing ? expected.tensors.filter(({ spec }) => !isClassifier(spec)) : expected.tensors;
  const stem = otherStem(wanted[0], found, expected.layout);
  checkAgainst(stem ? wanted.slice(1) : wanted, expected, found, source);
  const weights = new Map<string, Float32Array>();
  for (const tensor of wanted) {
    const { stored, storedName } = found.get(tensor.name)!;
    const where = `${source}: tensor '${storedName}'`;
    const values = toFloat32(stored, where);
    checkValues(values, tensor.spec.kind === 'var', where);
    const ours = inOurLayout(values, { ...tensor, shape: stored.shape }, expected.layout);
    const [, , channels, k] = tensor.spec.shape;
    weights.set(tensor.spec.name, stem && tensor === wanted[0] ? adaptStem(ours, stem.channels, channels, k)! : ours);
  }
  if (stem) notes.push(stemNote(stem, wanted[0], source));
  return { weights, missingClassifier: classifier.missing, notes: [...notes, ...classifier.notes] };
}

interface Found {
  readonly stored: StoredTensor;
  /** As the file has it, for sentences. */
  readonly storedName: string;
}

/** The file's weights by the convention's own form of their names. */
function collect(
  tensors: ReadonlyMap<string, StoredTensor>,
  { convention, normalise }: Expected,
  prefix: string,
  source: string,
): Map<string, Found> {
  const found = new Map<string, Found>();
  for (const [storedName, stored] of tensors) {
    if (NOT_WEIGHTS.test(storedName) || !storedName.startsWith(prefix)) continue;
    const bare = storedName.slice(prefix.length);
    const name = normalise?.(bare) ?? bare;
    const other = found.get(name);
    if (other)
      throw new UserError(
        `${source}: '${other.storedName}' and '${storedName}' are both ${convention}'s '${name}'; keep one.`,
      );
    found.set(name, { stored, storedName });
  }
  return found;
}

function prefixNote(prefix: string, outside: readonly string[], source: string): string {
  const left = listed(
    'of other names left out',
    outside.map((name) => `'${name}'`),
  );
  return `${source}: its names begin with '${prefix}', which is taken off${left ? `; ${left}` : ''}.`;
}

interface OtherStem {
  readonly storedName: string;
  readonly channels: number;
}

/** The first layer where it is for another number of channels, and can be made one for what is wanted. */
function otherStem(
  { name, shape, spec }: ForeignTensor,
  found: ReadonlyMap<string, Found>,
  layout: Layout,
): OtherStem | undefined {
  const stored = found.get(name);
  const axis = layout === 'torch' ? 1 : 2; // of the channels
  const channels = stored?.stored.shape[axis];
  if (spec.kind !== 'filter' || !channels || channels === shape[axis] || stored.stored.shape.length !== 4)
    return undefined;
  const sameElse = shape.every((dim, i) => i === axis || stored.stored.shape[i] === dim);
  const canBe = adaptStem(new Float32Array(channels), channels, shape[axis], 1) !== null;
  return sameElse && canBe ? { storedName: stored.storedName, channels } : undefined;
}

function stemNote({ storedName, channels }: OtherStem, { spec }: ForeignTensor, source: string): string {
  const to = spec.shape[2];
  const how = to === 1 ? 'summed' : `repeated, each in its share`;
  return `${source}: '${storedName}' is for images of ${channels} ${channels === 1 ? 'channel' : 'channels'}; they are ${how}, for images of ${to}.`;
}

function isClassifier(spec: ParameterSpec): boolean {
  return spec.name.startsWith('classifier.');
}

/**
 * A classifier that is absent, or of other classes than wanted, leaves the trunk usable: a new one is trained anyway.
 */
function classifierFate(
  { tensors, layout }: Expected,
  found: ReadonlyMap<string, Found>,
  source: string,
): { missing: boolean; notes: string[] } {
  const w = tensors.find(({ spec }) => spec.name === 'classifier.w')!;
  const b = tensors.find(({ spec }) => spec.name === 'classifier.b')!;
  const [matrix, bias] = [found.get(w.name), found.get(b.name)];
  if (!matrix) {
    return {
      missing: true,
      notes: bias
        ? [`${source}: '${bias.storedName}' is ignored, since the classifier's matrix '${w.name}' is not in the file.`]
        : [],
    };
  }
  const axis = layout === 'torch' ? 0 : 1; // of the classes
  const { shape } = matrix.stored;
  const sameInputs = shape.length === 2 && shape[1 - axis] === w.shape[1 - axis];
  if (sameInputs && shape[axis] !== w.shape[axis]) {
    return {
      missing: true,
      notes: [`${source}: its classifier of ${shape[axis]} classes is left out, since ${w.shape[axis]} are wanted.`],
    };
  }
  return { missing: false, notes: [] };
}

function checkAgainst(
  wanted: readonly ForeignTensor[],
  { tensors, network }: Expected,
  found: ReadonlyMap<string, Found>,
  source: string,
): void {
  const missing = wanted.filter(({ name }) => !found.has(name));
  const knownNames = new Set(tensors.map(({ name }) => name));
  const extra = [...found].filter(([name]) => !knownNames.has(name));
  const misshapen = wanted.filter(({ name, shape }) => {
    const stored = found.get(name)?.stored.shape;
    return stored && (stored.length !== shape.length || stored.some((dim, axis) => dim !== shape[axis]));
  });
  const complaints = [
    listed(
      'missing',
      missing.map(({ name, shape }) => `'${name}' [${shape.join(', ')}]`),
    ),
    listed(
      'not of this network',
      extra.map(([, { storedName, stored }]) => `'${storedName}' [${stored.shape.join(', ')}]`),
    ),
    listed(
      'misshapen',
      misshapen.map(({ name, shape }) => {
        const { stored, storedName } = found.get(name)!;
        return `'${storedName}' is [${stored.shape.join(', ')}] and should be [${shape.join(', ')}]`;
      }),
    ),
  ].filter((complaint) => complaint !== null);
  if (complaints.length) {
    throw new UserError(`${source}: its tensors are not those of ${network}: ${complaints.join('; ')}.`);
  }
}

function listed(what: string, items: readonly string[]): string | null {
  if (!items.length) return null;
  const more = items.length - NAMED_AT_MOST;
  return `${items.length} ${what}: ${items.slice(0, NAMED_AT_MOST).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/**
 * A copy where the layout differs; Keras's filters are HWIO already, and its [k,k,C,1] is [k,k,C] in the same order.
 */
function inOurLayout(values: Float32Array, { spec, shape, image }: ForeignTensor, layout: Layout): Float32Array {
  if (layout !== 'torch') return values;
  // A dense layer over an image is a convolution with one window.
  if (image) return hwioFromOihw(values, [shape[0], image[2], image[0], image[1]]);
  if (spec.kind === 'filter') return hwioFromOihw(values, shape);
  if (spec.kind === 'depthwise') return hwcFromC1hw(values, shape);
  return spec.kind === 'dense' ? transposed(values, shape) : values;
}
