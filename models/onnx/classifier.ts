import type { OnnxGraph, OnnxNode } from './graph.ts';
import { liveNodes, type Environment } from './run.ts';
import { sizeOf } from './fold_arrays.ts';

/** The last layer of a classifier: what it reads, and what it gives. */
export interface Head {
  /** The name of the value [N, D] that it reads. */
  readonly features: string;
  /** The name of its logits. */
  readonly logits: string;
  /** The names of ops behind it that are left out, because probabilities are made of logits elsewhere. */
  readonly leftOut: readonly string[];
}

/** Behind the last layer: they make probabilities. */
const PROBABILITIES = ['Softmax', 'LogSoftmax'];
/** They change nothing but the shape. */
const SHAPES = ['Identity', 'Dropout', 'Flatten', 'Reshape', 'Squeeze', 'Cast'];

/** The last layer of the graph: a Gemm, or a MatMul with or without an Add behind it; undefined where there is none. */
export function findHead(graph: OnnxGraph, values: Environment): Head | undefined {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const isKnown = (name: string | undefined) => name !== undefined && values.get(name)?.kind === 'constant';
  const leftOut: string[] = [];
  let node = makers.get(graph.outputs[0].name);
  while (node && (PROBABILITIES.includes(node.op) || SHAPES.includes(node.op))) {
    if (PROBABILITIES.includes(node.op)) leftOut.push(node.op);
    node = makers.get(node.inputs[0] ?? '');
  }
  if (!node) return undefined;
  const [logits] = node.outputs;
  const product = productOf(node, makers, isKnown);
  const features = product?.inputs[0];
  if (!features || !isKnown(product.inputs[1]) || product.has('transA')) return undefined;
  const shape = values.get(features)!.shape;
  return shape.length === 2 && values.get(logits)!.shape.length === 2 ? { features, logits, leftOut } : undefined;
}

function productOf(
  node: OnnxNode,
  makers: ReadonlyMap<string, OnnxNode>,
  isKnown: (name: string | undefined) => boolean,
): OnnxNode | undefined {
  if (node.op === 'Gemm' || node.op === 'MatMul') return node;
  if (node.op !== 'Add') return undefined;
  const other = node.inputs.find((name) => !isKnown(name));
  const before = makers.get(other ?? '');
  return before?.op === 'MatMul' && node.inputs.some(isKnown) ? before : undefined;
}

/** The graph up to this value. */
export function upTo(graph: OnnxGraph, name: string): OnnxGraph {
  const outputs = [{ name, type: 'float' as const, shape: undefined }];
  return { ...graph, nodes: liveNodes(graph.nodes, { outputs }), outputs };
}

/** Whether a value is an image of more than one pixel. */
export const isImage = (shape: readonly number[]): boolean => shape.length === 4 && sizeOf(shape.slice(1, 3)) > 1;
