import { checkOneOf, checkOptions, checkWhole, type Known } from '../../engine/check.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { UserError } from '../../engine/user_error.ts';
import { CLASSIFIER, GLOBAL_POOL } from '../layers.ts';
import type { Network, Segment } from '../network.ts';
import type { Weights } from '../parameter_set.ts';
import { ParameterList } from '../parameter_spec.ts';
import { findHead, isImage, upTo } from './classifier.ts';
import { explore } from './explore.ts';
import type { OnnxGraph, OnnxValueInfo } from './graph.ts';
import { notesOf, prepareGraph, resolveShape, type ImportOnnxOptions } from './import_onnx.ts';
import { sizeOf } from './fold_arrays.ts';
import { arranged, computed } from './layout.ts';
import { cutGraph, GraphSegments, type ImageInput } from './segments.ts';
import { channelsLast, plainOrder, type Computed } from './value.ts';

/** How an ONNX file becomes a network. */
export interface LoadOnnxOptions extends ImportOnnxOptions {
  /** Replaces the last layer by a new `classifier` of so many outputs; absent, it stays. */
  readonly classes?: number;
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
  layout: true,
};

/** An image classifier from an ONNX file. */
export interface LoadedOnnx {
  readonly network: Network;
  readonly weights: Weights;
  /** Of the images for which it was read: it takes [N, height, width, channels], and others where the graph does. */
  readonly input: { readonly height: number; readonly width: number; readonly channels: number };
  /** The file's initialisers and constants that are weights of it, those of a replaced last layer too. */
  readonly constantNames: readonly string[];
  /** What the user should know. */
  readonly notes: readonly string[];
}

/**
 * A network from an ONNX file: one input, images; one output, a number for each class. Probabilities at its end are cut
 * off: it gives logits, as all networks here do. Its parameters have the file's names, but those of batch norm, which
 * are `name.gamma`, `.beta`, `.mean` and `.var`; its segments and tensors have those of nodes.
 * @throws UserError as importOnnx, and where the graph is no classifier of images
 */
export function loadOnnx(bytes: Uint8Array, options: LoadOnnxOptions = {}): LoadedOnnx {
  checkOptions('loadOnnx', options, OPTIONS);
  const { classes, layout, ...rest } = options;
  checkOneOf('loadOnnx', 'layout', layout, ['NCHW', 'NHWC']);
  if (classes !== undefined) checkWhole('loadOnnx', 'classes', classes, 1);
  const whole = prepareGraph(bytes, rest);
  const [info] = whole.inputs;
  if (whole.inputs.length !== 1 || whole.outputs.length !== 1)
    throw new UserError(
      `${whole.source} has ${whole.inputs.length} inputs and ${whole.outputs.length} outputs, and a classifier has one of each; importOnnx takes any number`,
    );
  const shape = resolveShape(info, { size: 224, ...rest }, whole.source);
  if (shape.length !== 4)
    throw new UserError(
      `${whole.source}: its input ${info.name} is [${shape.join(', ')}], and images are [N, C, H, W]`,
    );
  const { image, channels, x } = imageInput(info, shape, layout);
  const start = explore(whole, new Map([[info.name, x]]));
  const found = findHead(whole, start.values);
  if (classes !== undefined && !found)
    throw new UserError(
      `${whole.source}: its last layer is no Gemm or MatMul of features [N, D] and no 1 x 1 convolution, so it is no classifier whose classes can be replaced`,
    );
  // Of a softmax logits say as much; sigmoids answer a question each, and are kept.
  const head = classes === undefined && found?.leftOut.includes('Sigmoid') ? undefined : found;
  const graph = head ? upTo(whole, classes === undefined ? head.logits : head.features) : whole;
  const { weights, values } = graph === whole ? start : explore(graph, new Map([[info.name, x]]));
  const cuts = cutGraph(graph, values);
  if (cuts.length === 0) throw new UserError(`${whole.source}: its output does not follow from its images`);
  const maker = new GraphSegments(graph, image, channels, weights);
  const segments = maker.segments(cuts);
  const shapeAt = cuts.map(({ value }) => (values.get(value) as Computed).tensor.shape);
  const at = head ? cuts.findIndex(({ value }) => value === head.features) : -1;
  if (classes !== undefined && at < 0)
    throw new UserError(`${whole.source}: not its features alone reach its last layer`);
  const features = at >= 0 ? at : Math.max(0, cuts.length - 2);
  const images = shapeAt.slice(0, features + 1).findLastIndex(isImage);
  const list = new ParameterList();
  list.specs.push(...weights.specs);
  const last = values.get(cuts[classes === undefined ? cuts.length - 1 : features].value) as Computed;
  if (classes === undefined) {
    if (head && last.shape.length !== 2) segments.push(FLAT);
  } else {
    list.addDense('classifier', last.shape[1], classes);
    if (last.shape.length === 4) segments.push(pooling(last));
    segments.push(NEW_CLASSIFIER);
  }
  const outputs = classes ?? (head ? sizeOf(last.shape.slice(1)) : (last.tensor.shape[1] ?? 0));
  return {
    network: {
      name: 'onnx',
      config: { classes: outputs },
      specs: list.specs,
      segments,
      lastConv: cuts[Math.max(0, images)].name,
      features: classes !== undefined && last.shape.length === 4 ? POOL : cuts[features].name,
    },
    weights: weights.weights,
    input: { height: image.sides[0], width: image.sides[1], channels },
    constantNames: start.weights.constantNames,
    notes: [...notesOf(weights), ...headNotes(whole, head?.leftOut ?? [])],
  };
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

function headNotes({ source }: OnnxGraph, leftOut: readonly string[]): string[] {
  return leftOut.map((op) => `${source}: the ${op} at its end is left out; the network gives logits`);
}

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
