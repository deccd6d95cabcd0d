import type { OnnxGraph, OnnxNode } from './graph.ts';
import { liveNodes, type Environment } from './run.ts';
import { sizeOf } from './fold_arrays.ts';

/** The last layer of a classifier: what it reads, and what it gives. */
export interface Head {
  /** The name of what it reads: features [N, D], or images [N, D, H, W] that a 1 x 1 convolution reads. */
  readonly features: string;
  /** The name of its logits, a number for each class of each image. */
  readonly logits: string;
  /** The names of ops behind it that are left out, because probabilities are made of logits elsewhere. */
  readonly leftOut: readonly string[];
}

/** Behind the last layer: they make probabilities. */
const PROBABILITIES = ['Softmax', 'LogSoftmax', 'Sigmoid'];
/** They change nothing but the shape. */
const SHAPES = ['Identity', 'Dropout', 'Flatten', 'Reshape', 'Squeeze', 'Unsqueeze', 'Cast', 'Transpose'];
/** Between a last convolution and the logits: the mean of each class's map. SqueezeNet rectifies the maps before. */
const POOLS = ['GlobalAveragePool', 'GlobalMaxPool', 'AveragePool', 'ReduceMean', 'Relu'];

/**
 * The last layer of the graph: a Gemm, a MatMul or a 1 x 1 convolution, with or without an Add behind it; undefined
 * where there is none.
 */
export function findHead(graph: OnnxGraph, values: Environment): Head | undefined {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const isKnown = (name: string | undefined) => name !== undefined && values.get(name)?.kind === 'constant';
  const leftOut: string[] = [];
  let logits = graph.outputs[0].name;
  let isPooled = false;
  let node = makers.get(logits);
  while (node && [...PROBABILITIES, ...SHAPES, ...POOLS].includes(node.op)) {
    const [from] = node.inputs;
    if (from === undefined || (node.op === 'Transpose' && values.get(from)!.shape.length < 3)) return undefined;
    if (PROBABILITIES.includes(node.op)) {
      leftOut.push(node.op);
      logits = from;
    }
    isPooled ||= POOLS.includes(node.op);
    node = makers.get(from);
  }
  const layer = node && layerOf(node, makers, isKnown);
  const [features, weights] = layer?.inputs ?? [];
  if (!node || features === undefined || !isKnown(weights)) return undefined;
  const [shape, told] = [values.get(features)!.shape, values.get(node.outputs[0])!.shape];
  if (layer!.op === 'Conv') {
    const filter = values.get(weights!)!.shape;
    const isEachPixels = filter.length === 4 && filter[2] * filter[3] === 1 && layer!.int('group', 1) === 1;
    const isWhole = told[1] * shape[0] === sizeOf(values.get(logits)!.shape);
    return isEachPixels && isWhole ? { features, logits, leftOut } : undefined;
  }
  if (isPooled || layer!.has('transA')) return undefined;
  // What gives [N, K] another shape behind the layer is left out.
  return shape.length === 2 && told.length === 2 ? { features, logits: node.outputs[0], leftOut } : undefined;
}

const LAYERS = ['Gemm', 'MatMul', 'Conv'];

function layerOf(
  node: OnnxNode,
  makers: ReadonlyMap<string, OnnxNode>,
  isKnown: (name: string | undefined) => boolean,
): OnnxNode | undefined {
  if (LAYERS.includes(node.op)) return node;
  if (node.op !== 'Add') return undefined;
  const other = node.inputs.find((name) => !isKnown(name));
  const before = makers.get(other ?? '');
  return before && ['MatMul', 'Conv'].includes(before.op) && node.inputs.some(isKnown) ? before : undefined;
}

/** What a graph gives for each image: numbers to make probabilities of, shares each by itself, or maps. */
export type Answers = 'logits' | 'sigmoids' | 'maps';

/** The end of a graph whose last layer stays. */
export interface Ending {
  readonly answers: Answers;
  /** The value before what makes probabilities at the end; the output where nothing does. */
  readonly before: string;
  /** The ops that make them. */
  readonly makers: readonly string[];
}

/** What a graph ends in, whatever its last layer is. */
export function endingOf(graph: OnnxGraph, values: Environment): Ending {
  const made = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const makers: string[] = [];
  let [name, before] = [graph.outputs[0].name, graph.outputs[0].name];
  for (let node = made.get(name); node && [...PROBABILITIES, ...SHAPES].includes(node.op); node = made.get(name)) {
    const [from] = node.inputs;
    if (from === undefined || !isRow(values.get(from)!.shape)) break;
    if (PROBABILITIES.includes(node.op)) {
      makers.push(node.op);
      before = from;
    }
    name = from;
  }
  const answers = makers.includes('Sigmoid') ? 'sigmoids' : 'logits';
  return { answers: isRow(values.get(graph.outputs[0].name)!.shape) ? answers : 'maps', before, makers };
}

/** Whether a value is a row of numbers for each image, as [N, K] and [N, K, 1, 1] are. */
export const isRow = (shape: readonly number[]): boolean => shape.slice(1).filter((n) => n > 1).length <= 1;

/** The graph up to this value. */
export function upTo(graph: OnnxGraph, name: string): OnnxGraph {
  const outputs = [{ name, type: 'float' as const, shape: undefined }];
  return { ...graph, nodes: liveNodes(graph.nodes, { outputs }), outputs };
}

/** Whether a value is an image of more than one pixel. */
export const isImage = (shape: readonly number[]): boolean => shape.length === 4 && sizeOf(shape.slice(1, 3)) > 1;
