import { checkOneOf, checkOptions, checkWhole, type Known } from '../../engine/check.ts';
import { concat } from '../../engine/ops/concat.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { sub } from '../../engine/ops/pointwise.ts';
import { UserError } from '../../engine/user_error.ts';
import { CLASSIFIER, GLOBAL_POOL } from '../layers.ts';
import type { Network, Segment } from '../network.ts';
import type { Weights } from '../parameter_set.ts';
import { ParameterList } from '../parameter_spec.ts';
import { ofAnyBatch } from './any_batch.ts';
import { endingOf, findHead, isImage, upTo, type Answers, type Head } from './classifier.ts';
import { explore } from './explore.ts';
import type { OnnxGraph, OnnxValueInfo } from './graph.ts';
import { notesOf, prepareGraph, resolveShape, type ImportOnnxOptions } from './import_onnx.ts';
import { sizeOf } from './fold_arrays.ts';
import { arranged, computed } from './layout.ts';
import type { Environment } from './run.ts';
import { cutGraph, GraphSegments, type ImageInput } from './segments.ts';
import { channelsLast, plainOrder, type Computed } from './value.ts';

/** How an ONNX file becomes a network. */
export interface LoadOnnxOptions extends ImportOnnxOptions {
  /** Replaces the last layer by a new `classifier` of so many outputs; absent, it stays. */
  readonly classes?: number;
  /** Logits of two classes, no and yes, in place of a single sigmoid at the end, which stays when absent. */
  readonly twoClasses?: boolean;
  /** In which order the graph takes images; seen by which dimension is 1, 3 or 4 when absent. */
  readonly layout?: 'NCHW' | 'NHWC';
}

const OPTIONS: Known<LoadOnnxOptions> = {
  source: true,
  external: true,
  batch: true,
  size: true,
  shapes: true,
  values: true,
  classes: true,
  twoClasses: true,
  layout: true,
};

/** An image classifier from an ONNX file. */
export interface LoadedOnnx {
  readonly network: Network;
  readonly weights: Weights;
  /** Of the images for which it was read: it takes [N, height, width, channels], and others where the graph does. */
  readonly input: { readonly height: number; readonly width: number; readonly channels: number };
  /** What it gives for each image: logits, shares each by itself that sigmoids make, or maps, as no classifier does. */
  readonly answers: 'logits' | 'sigmoids' | 'maps';
  /** The file's initialisers and constants that are weights of it, those of a replaced last layer too. */
  readonly constantNames: readonly string[];
  /** What the user should know. */
  readonly notes: readonly string[];
}

/**
 * A network from an ONNX file: one input, images; one output, a number for each class. A softmax at its end is cut off:
 * it gives logits, as all networks here do; sigmoids, a share each, stay. Its parameters have the file's names, but
 * those of batch norm, which are `name.gamma`, `.beta`, `.mean` and `.var`; its segments and tensors have those of
 * nodes. A shape that begins with the length of the only batch that a file says it takes stands for any batch.
 * @throws UserError as importOnnx, and where the graph is no classifier of images
 */
export function loadOnnx(bytes: Uint8Array, options: LoadOnnxOptions = {}): LoadedOnnx {
  checkOptions('loadOnnx', options, OPTIONS);
  const { classes, twoClasses: _, layout, ...rest } = options;
  checkOneOf('loadOnnx', 'layout', layout, ['NCHW', 'NHWC']);
  if (classes !== undefined) checkWhole('loadOnnx', 'classes', classes, 1);
  const { whole, image, channels, x } = imagesGraph(prepareGraph(bytes, rest), rest, layout);
  const inputs = new Map([[image.name, x]]);
  const start = explore(whole, inputs);
  const found = findHead(whole, start.values);
  if (classes !== undefined && !found)
    throw new UserError(
      `${whole.source}: its last layer is no Gemm or MatMul of features [N, D] and no 1 x 1 convolution, so it is no classifier whose classes can be replaced`,
    );
  const { graph, answers, isSingle, notes } = endOf(whole, start.values, found, options);
  const { weights, values } = graph === whole ? start : explore(graph, inputs);
  const cuts = cutGraph(graph, values);
  if (cuts.length === 0) throw new UserError(`${whole.source}: its output does not follow from its images`);
  const segments = new GraphSegments(graph, image, channels, weights).segments(cuts);
  const shapeAt = cuts.map(({ value }) => (values.get(value) as Computed).tensor.shape);
  const at = found ? cuts.findIndex(({ value }) => value === found.features) : -1;
  if (classes !== undefined && at < 0)
    throw new UserError(`${whole.source}: not its features alone reach its last layer`);
  const features = at >= 0 ? at : Math.max(0, cuts.length - 2);
  const images = shapeAt.slice(0, features + 1).findLastIndex(isImage);
  const list = new ParameterList();
  list.specs.push(...weights.specs);
  const last = values.get(cuts[classes === undefined ? cuts.length - 1 : features].value) as Computed;
  if (classes === undefined) {
    if (answers !== 'maps' && last.shape.length !== 2) segments.push(FLAT);
    if (isSingle) segments.push(TWO_CLASSES);
  } else {
    list.addDense('classifier', last.shape[1], classes);
    if (last.shape.length === 4) segments.push(pooling(last));
    segments.push(NEW_CLASSIFIER);
  }
  const numbers = answers === 'maps' ? (last.tensor.shape[1] ?? 0) : sizeOf(last.shape.slice(1));
  return {
    network: {
      name: 'onnx',
      config: { classes: classes ?? (isSingle ? 2 : numbers) },
      specs: list.specs,
      segments,
      lastConv: cuts[Math.max(0, images)].name,
      features: classes !== undefined && last.shape.length === 4 ? POOL : cuts[features].name,
    },
    weights: weights.weights,
    answers,
    input: { height: image.sides[0], width: image.sides[1], channels },
    constantNames: start.weights.constantNames,
    notes: [...notesOf(weights), ...notes],
  };
}

/** The graph of images, with how they are given to it. @throws UserError where it takes something else */
function imagesGraph(read: OnnxGraph, options: ImportOnnxOptions, layout: LoadOnnxOptions['layout']) {
  const [info] = read.inputs;
  const { source } = read;
  if (read.inputs.length !== 1 || read.outputs.length !== 1)
    throw new UserError(
      `${source} has ${read.inputs.length} inputs and ${read.outputs.length} outputs, and a classifier has one of each; importOnnx takes any number`,
    );
  const shape = resolveShape(info, { size: 224, ...options }, source);
  if (shape.length !== 4)
    throw new UserError(`${source}: its input ${info.name} is [${shape.join(', ')}], and images are [N, C, H, W]`);
  const given = imageInput(info, shape, layout);
  return { whole: ofAnyBatch(read, given.x), ...given };
}

/** Where the graph is cut, and what it gives then. */
interface End {
  readonly graph: OnnxGraph;
  readonly answers: Answers;
  /** It gives the one logit of two classes. */
  readonly isSingle?: boolean;
  readonly notes: readonly string[];
}

/** Before a last layer that is replaced, or before the softmax behind the one that stays. */
function endOf(
  whole: OnnxGraph,
  values: Environment,
  found: Head | undefined,
  { classes, twoClasses }: LoadOnnxOptions,
): End {
  const { source } = whole;
  if (found && classes !== undefined)
    return { graph: upTo(whole, found.features), answers: 'logits', notes: headNotes(source, found.leftOut) };
  const { answers, before, makers } = endingOf(whole, values);
  if (twoClasses && makers.join() === 'Sigmoid' && sizeOf(values.get(before)!.shape.slice(1)) === 1) {
    const note = `${source} gives one number by a sigmoid, which is read as the probability of the second of two classes`;
    return { graph: upTo(whole, before), answers: 'logits', isSingle: true, notes: [note] };
  }
  if (answers !== 'logits') return { graph: whole, answers, notes: [] };
  if (found && !found.leftOut.includes('Sigmoid'))
    return { graph: upTo(whole, found.logits), answers, notes: headNotes(source, found.leftOut) };
  if (makers.length === 0) return { graph: whole, answers, notes: [] };
  return { graph: upTo(whole, before), answers, notes: headNotes(source, makers) };
}

/** The file may have layers whose names begin so, too. */
const NEW_CLASSIFIER: Segment = { ...CLASSIFIER, prefixes: ['classifier.w', 'classifier.b'] };

const POOL = 'classifier.pool';

/** The means over pixels of images that the file's last layer, a 1 x 1 convolution, reads: features [N, D]. */
const pooling = ({ order }: Computed): Segment => ({
  ...GLOBAL_POOL,
  name: POOL,
  apply(x, context) {
    const shape = order.map((_, axis) => x.shape[order.indexOf(axis)]);
    return GLOBAL_POOL.apply(arranged(computed(x, shape, order), channelsLast(4)), context);
  },
});

/** Logits [N, K, 1, 1] as [N, K]. */
const FLAT: Segment = {
  name: 'classifier.flat',
  prefixes: [],
  apply: (x) => reshape(x, [x.shape[0], x.size / x.shape[0]]),
};

/** One logit z as two, of which softmax makes 1 - sigmoid(z) and sigmoid(z). */
const TWO_CLASSES: Segment = {
  name: 'classifier.two',
  prefixes: [],
  apply: (x) => concat([sub(x, x), x], 1),
};

const headNotes = (source: string, leftOut: readonly string[]): string[] =>
  leftOut.map((op) => `${source}: the ${op} at its end is left out; the network gives logits`);

/** Which axes of an input are those of images [N, H, W, C]: seen by which dimension is 1, 3 or 4 if not told. */
export function imageAxes(shape: readonly (number | string)[], layout?: LoadOnnxOptions['layout']): number[] {
  const isChannels = (n: number | string) => n === 1 || n === 3 || n === 4;
  const isLast = layout ? layout === 'NHWC' : !isChannels(shape[1]) && isChannels(shape[3]);
  return isLast ? plainOrder(4) : channelsLast(4);
}

/** How images [N, H, W, C] are given to the graph. */
function imageInput({ name }: OnnxValueInfo, shape: readonly number[], layout?: LoadOnnxOptions['layout']) {
  const order = imageAxes(shape, layout);
  const [batch, height, width, channels] = order.map((axis) => shape[axis]);
  const image: ImageInput = { name, order, sides: [height, width] };
  const x = computed(input(name, [batch, height, width, channels]), shape, order);
  return { image, channels, x };
}
