import { checkOptions, checkWhole, show, type Known } from '../../engine/check.ts';
import { input } from '../../engine/ops/leaves.ts';
import { checkShape, type Tensor } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import type { ForwardContext } from '../network.ts';
import type { ParameterSpec } from '../parameter_spec.ts';
import type { Weights } from '../parameter_set.ts';
import { explore } from './explore.ts';
import { readGraph, type OnnxGraph, type OnnxValueInfo } from './graph.ts';
import { computed, plain } from './layout.ts';
import type { GraphParameters } from './parameters.ts';
import { recognisePatterns } from './patterns.ts';
import { checkOps, foldConstants, runNodes, type Environment } from './run.ts';
import type { ExternalData } from './tensor_data.ts';
import { constantOf, isFloat, type OnnxType, type Value } from './value.ts';

/** How an ONNX file is read. */
export interface ImportOnnxOptions {
  /** The file's name, for messages. */
  readonly source?: string;
  /** Reads what the file keeps in other files (externalDataBeside of Node). */
  readonly external?: ExternalData;
  /** The length of a batch that the file leaves open; 1 when absent. */
  readonly batch?: number;
  /** The sides of images that the file leaves open: one number, or [height, width]. */
  readonly size?: number | readonly [number, number];
  /** Shapes of inputs by name, in ONNX's order of axes: they go before `batch` and `size`. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>;
  /** Inputs that always have these values, such as a shape or axes that a node reads. */
  readonly values?: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: ArrayLike<number> }>>;
}

const OPTIONS: Known<ImportOnnxOptions> = {
  source: true,
  external: true,
  batch: true,
  size: true,
  shapes: true,
  values: true,
};

/** An input or output: its name, its shape in ONNX's order of axes, and what ONNX says its elements are. */
export interface OnnxPort {
  readonly name: string;
  readonly shape: readonly number[];
  /** The engine computes all of them in f32; whole numbers are exact up to 2^24, booleans are 0 and 1. */
  readonly type: OnnxType;
}

/** A graph of any number of inputs and outputs. */
export interface ImportedOnnx {
  readonly inputs: readonly OnnxPort[];
  readonly outputs: readonly OnnxPort[];
  readonly specs: readonly ParameterSpec[];
  readonly weights: Weights;
  /** What the user should know. */
  readonly notes: readonly string[];
  /** The outputs for tensors in the order of `inputs`, all of them in ONNX's order of axes (images are NCHW). */
  apply(tensors: readonly Tensor[], context: ForwardContext): Tensor[];
}

/**
 * An ONNX graph as a function of tensors. `loadOnnx` makes a network of an image classifier.
 * @throws UserError where the file is damaged, an op is not there (all of them are named), a shape is left open
 */
export function importOnnx(bytes: Uint8Array, options: ImportOnnxOptions = {}): ImportedOnnx {
  checkOptions('importOnnx', options, OPTIONS);
  const graph = prepareGraph(bytes, options);
  const ports = graph.inputs.map((info): OnnxPort => ({ ...info, shape: resolveShape(info, options, graph.source) }));
  const stand = (port: OnnxPort): Value => computed(input(port.name, port.shape), port.shape, undefined, port.type);
  const { weights, values } = explore(graph, new Map(ports.map((port) => [port.name, stand(port)])));
  return {
    inputs: ports,
    outputs: graph.outputs.map(({ name }) => {
      const { shape, type } =
        values.get(name) ??
        fail(`${graph.source}: its output ${name}, another than a node's first, is not computed here`);
      return { name, shape, type };
    }),
    specs: weights.specs,
    weights: weights.weights,
    notes: notesOf(weights),
    apply(tensors, context) {
      if (tensors.length !== ports.length)
        throw new UserError(`${graph.source} takes ${ports.length} tensors, not ${tensors.length}`);
      const given: Environment = new Map<string, Value>(graph.constants);
      ports.forEach(({ name, type }, i) => given.set(name, computed(tensors[i], tensors[i].shape, undefined, type)));
      runNodes(graph.nodes, given, weights, context);
      return graph.outputs.map(({ name }) => {
        const value = given.get(name)!;
        // Of an output that is known: a constant of the engine.
        return value.kind === 'computed' ? plain(value) : weights.constant(value, value);
      });
    },
  };
}

export const notesOf = ({ usedTwice }: GraphParameters): string[] =>
  usedTwice.length === 0
    ? []
    : [
        `${usedTwice.length} weights are used in several ways and stay as they are: ${usedTwice.slice(0, 3).join(', ')}`,
      ];

/** The file's graph with all that is known before folded. */
export function prepareGraph(bytes: Uint8Array, options: ImportOnnxOptions): OnnxGraph {
  const { source = 'the ONNX model', external, values = {} } = options;
  const read = readGraph(bytes, source, external);
  const constants = new Map(read.constants);
  for (const [name, { shape, data }] of Object.entries(values)) {
    const info = read.inputs.find((each) => each.name === name);
    if (!info) throw new UserError(`${source}: there is no input ${name} to give values to; ${inputNames(read)}`);
    checkValues(`${source}: the values of ${name}`, shape, data);
    const numbers = isFloat(info.type) ? Float32Array.from(data) : Float64Array.from(data, Number);
    constants.set(name, constantOf(numbers, shape, info.type));
  }
  const inputs = read.inputs.filter(({ name }) => !Object.hasOwn(values, name));
  const graph = recognisePatterns(foldConstants({ ...read, inputs, constants }));
  checkOps(graph);
  return graph;
}

function checkValues(what: string, shape: readonly number[], data: ArrayLike<number>): void {
  const size = Array.isArray(shape) ? shape.reduce((a: number, b: number) => a * b, 1) : NaN;
  if (size !== data?.length) throw new UserError(`${what} do not fill their shape ${show(shape)}`);
}

const inputNames = ({ inputs }: OnnxGraph): string => `its inputs are ${inputs.map(({ name }) => name).join(', ')}`;

/** The shape of an input, with the lengths that the file leaves open taken from the options. */
export function resolveShape(info: OnnxValueInfo, options: ImportOnnxOptions, source: string): readonly number[] {
  const { batch = 1, size, shapes = {} } = options;
  const { name, shape } = info;
  checkWhole('importOnnx', 'the batch', batch, 1);
  if (Object.hasOwn(shapes, name)) {
    checkShape(`the shape of ${name}`, shapes[name]);
    return shapes[name];
  }
  if (!shape) throw new UserError(`${source}: the input ${name} has no shape; give one by the option \`shapes\``);
  const sides = size === undefined ? undefined : typeof size === 'number' ? [size, size] : size;
  // Of images [N, C, H, W] or [N, H, W, C] the sides are the two that are open, or the last two.
  const open = shape.flatMap((n, i) => (typeof n === 'string' && i > 0 ? [i] : []));
  const places = open.length === 2 ? open : [2, 3];
  const full = shape.map((n, i) => {
    if (typeof n === 'number') return n;
    if (i === 0) return batch;
    const side = sides?.[places.indexOf(i)];
    return (
      side ??
      fail(`${source}: dimension ${i} of its input ${name} is left open; give it by the option \`size\` or \`shapes\``)
    );
  });
  checkShape(`${source}: the input ${name}`, full);
  return full;
}

function fail(message: string): never {
  throw new UserError(message);
}
