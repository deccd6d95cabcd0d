import {
  axesOf,
  axisOf,
  commonShape,
  known,
  knownNumbers,
  needed,
  reshapeTarget,
  sliceRanges,
  splitSizes,
} from './arguments.ts';
import {
  broadcastConstant,
  concatConstants,
  gatherConstant,
  reduceConstant,
  room,
  sizeOf,
  strided,
  stridesOf,
  transposeConstant,
} from './fold_arrays.ts';
import type { OnnxNode } from './graph.ts';
import { typeByNumber } from './tensor_data.ts';
import { constantOf, isFloat, isWhole, plainOrder, type Constant, type OnnxType } from './value.ts';

type Constants = readonly (Constant | undefined)[];
type Fold = (node: OnnxNode, inputs: Constants) => readonly Constant[];

/** What a number of this type becomes: f32 is rounded, whole numbers lose their fraction towards 0. */
export function castNumber(type: OnnxType): (v: number) => number {
  if (type === 'bool') return (v) => (v === 0 ? 0 : 1);
  if (type === 'double') return (v) => v;
  return isFloat(type) ? Math.fround : Math.trunc;
}

const emptyFor = (node: OnnxNode, type: OnnxType, size: number) =>
  room(node, isFloat(type) && type !== 'double' ? new Float32Array() : new Float64Array(), size);

const unary =
  (f: (x: number) => number, type?: OnnxType): Fold =>
  (node, inputs) => {
    const x = needed(node, inputs, 0);
    const out = type ?? x.type;
    const data = emptyFor(node, out, x.data.length);
    const cast = castNumber(out);
    for (let i = 0; i < data.length; i++) data[i] = cast(f(x.data[i]));
    return [{ kind: 'constant', type: out, shape: x.shape, data }];
  };

const binary =
  (f: (a: number, b: number) => number, type?: OnnxType): Fold =>
  (node, inputs) => {
    const all = inputs.filter((c) => c !== undefined);
    if (all.length === 0) node.fail('it has no input; the file is damaged');
    return [all.reduce((a, b) => combine(node, a, b, f, type))];
  };

function combine(
  node: OnnxNode,
  a: Constant,
  b: Constant,
  f: (a: number, b: number) => number,
  type: OnnxType = a.type,
): Constant {
  const shape = commonShape(node, a.shape, b.shape);
  const [p, q] = [a, b].map((c) => broadcastConstant(node, c, shape).data);
  const data = emptyFor(node, type, p.length);
  const cast = castNumber(type);
  for (let i = 0; i < data.length; i++) data[i] = cast(f(p[i], q[i]));
  return { kind: 'constant', type, shape, data };
}

/** Whole numbers: the remainder has the divisor's sign, or with fmod the dividend's. */
const mod: Fold = (node, inputs) =>
  binary((a, b) => (node.int('fmod', 0) === 1 ? a % b : a - b * Math.floor(a / b)))(node, inputs);

const reduce =
  (f: (sum: number, v: number) => number, start: number, isMean = false): Fold =>
  (node, inputs) => {
    const x = needed(node, inputs, 0);
    const told = axesOf(node, inputs, 1, x.shape.length);
    const isNone = told === undefined || told.length === 0;
    if (isNone && node.int('noop_with_empty_axes', 0) === 1) return [x];
    const axes = isNone ? plainOrder(x.shape.length) : told;
    const cast = castNumber(x.type);
    const y = reduceConstant(node, x, axes, (numbers) => {
      let sum = start;
      for (const v of numbers) sum = f(sum, v);
      return cast(isMean ? sum / numbers.length : sum);
    });
    if (node.int('keepdims', 1) === 1) return [y];
    return [{ ...y, shape: y.shape.filter((_, i) => !axes.includes(i)) }];
  };

function expand(node: OnnxNode, [x, shape]: Constants): Constant[] {
  const wanted = needed(node, [shape], 0);
  return [broadcastConstant(node, x!, commonShape(node, x!.shape, [...wanted.data]))];
}

/** The shape without axes of length 1: those that are named, or all. */
export function squeezedShape(
  node: OnnxNode,
  inputs: Parameters<typeof axesOf>[1],
  shape: readonly number[],
): number[] {
  const axes = axesOf(node, inputs, 1, shape.length) ?? plainOrder(shape.length).filter((i) => shape[i] === 1);
  for (const axis of axes) if (shape[axis] !== 1) node.fail(`axis ${axis} of [${shape.join(', ')}] is not of length 1`);
  return shape.filter((_, i) => !axes.includes(i));
}

/** The shape with axes of length 1 where the node says. */
export function unsqueezedShape(
  node: OnnxNode,
  inputs: Parameters<typeof axesOf>[1],
  shape: readonly number[],
): number[] {
  const count = (node.ints('axes') ?? knownNumbers(node, inputs, 1) ?? node.fail('it has no axes')).length;
  const rank = shape.length + count;
  const axes = axesOf(node, inputs, 1, rank)!;
  const rest = [...shape];
  return Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : rest.shift()!));
}

/** [d0 ... d(axis-1), the rest] of a shape. */
export function flattenedShape(node: OnnxNode, shape: readonly number[]): number[] {
  const told = node.int('axis', 1);
  const axis = told === shape.length ? told : axisOf(node, told, Math.max(shape.length, 1));
  return [sizeOf(shape.slice(0, axis)), sizeOf(shape.slice(axis))];
}

/** Part of the shape that a Shape node tells. */
export function toldShape(node: OnnxNode, shape: readonly number[]): Constant {
  const cut = (n: number) => Math.min(Math.max(n < 0 ? n + shape.length : n, 0), shape.length);
  return constantOf(shape.slice(cut(node.int('start', 0)), cut(node.int('end', shape.length))));
}

const castTo: Fold = (node, inputs) => {
  const number = node.int('to', 0);
  const type = typeByNumber(number) ?? node.fail(`there is no type number ${number}`);
  return unary((x) => x, type)(node, inputs);
};

/** Ops on constants alone, by name. What is not here and has only constants is computed by the engine. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a table, a row an op
const makeFolds = (): Readonly<Record<string, Fold>> => ({
  Abs: unary(Math.abs),
  Ceil: unary(Math.ceil),
  Exp: unary(Math.exp),
  Floor: unary(Math.floor),
  Identity: (_, [x]) => [x!],
  Log: unary(Math.log),
  Neg: unary((x) => -x),
  Not: unary((x) => (x === 0 ? 1 : 0)),
  Reciprocal: unary((x) => 1 / x),
  Sqrt: unary(Math.sqrt),
  Add: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  Div: (node, inputs) => {
    const divisor = needed(node, inputs, 1);
    if (isWhole(divisor.type) && divisor.data.includes(0)) node.fail('it divides whole numbers by 0');
    return binary((a, b) => a / b)(node, inputs);
  },
  Mod: mod,
  Pow: binary((a, b) => a ** b),
  Min: binary((a, b) => Math.min(a, b)),
  Max: binary((a, b) => Math.max(a, b)),
  And: binary((a, b) => (a && b ? 1 : 0), 'bool'),
  Or: binary((a, b) => (a || b ? 1 : 0), 'bool'),
  Equal: binary((a, b) => (a === b ? 1 : 0), 'bool'),
  Less: binary((a, b) => (a < b ? 1 : 0), 'bool'),
  LessOrEqual: binary((a, b) => (a <= b ? 1 : 0), 'bool'),
  Greater: binary((a, b) => (a > b ? 1 : 0), 'bool'),
  GreaterOrEqual: binary((a, b) => (a >= b ? 1 : 0), 'bool'),
  Where: (node, inputs) => {
    const [c, x, y] = [0, 1, 2].map((i) => needed(node, inputs, i));
    const shape = commonShape(node, c.shape, x.shape, y.shape);
    const [when, then, other] = [c, x, y].map((each) => broadcastConstant(node, each, shape).data);
    const data = emptyFor(node, x.type, when.length);
    for (let i = 0; i < data.length; i++) data[i] = when[i] ? then[i] : other[i];
    return [{ kind: 'constant', type: x.type, shape, data }];
  },
  Cast: castTo,
  CastLike: (node, inputs) => unary((x) => x, needed(node, inputs, 1).type)(node, inputs),
  ReduceSum: reduce((a, b) => a + b, 0),
  ReduceMean: reduce((a, b) => a + b, 0, true),
  ReduceProd: reduce((a, b) => a * b, 1),
  ReduceMax: reduce(Math.max, -Infinity),
  ReduceMin: reduce(Math.min, Infinity),
  Shape: (node, [x]) => [toldShape(node, x!.shape)],
  Size: (_, [x]) => [constantOf([x!.data.length], [])],
  Reshape: (node, inputs) => [{ ...inputs[0]!, shape: reshapeTarget(node, inputs, inputs[0]!.shape) }],
  Flatten: (node, [x]) => [{ ...x!, shape: flattenedShape(node, x!.shape) }],
  Squeeze: (node, inputs) => [{ ...inputs[0]!, shape: squeezedShape(node, inputs, inputs[0]!.shape) }],
  Unsqueeze: (node, inputs) => [{ ...inputs[0]!, shape: unsqueezedShape(node, inputs, inputs[0]!.shape) }],
  Transpose: (node, [x]) => [transposeConstant(node, x!, permutation(node, x!.shape.length))],
  Expand: expand,
  Tile: (node, inputs) => [tile(node, inputs[0]!, knownNumbers(node, inputs, 1) ?? node.fail('it has no repeats'))],
  Concat: (node, inputs) => {
    const all = inputs.filter((c) => c !== undefined);
    const rank = needed(node, all, 0).shape.length;
    return [concatConstants(node, all, axisOf(node, node.int('axis', 1), rank))];
  },
  Gather: (node, inputs) => {
    const x = needed(node, inputs, 0);
    return [gatherConstant(node, x, needed(node, inputs, 1), axisOf(node, node.int('axis', 0), x.shape.length))];
  },
  Slice: (node, inputs) => {
    const x = needed(node, inputs, 0);
    const { starts, counts, steps } = sliceRanges(node, inputs, x.shape);
    const strides = stridesOf(x.shape);
    const offset = starts.reduce((sum, start, i) => sum + start * strides[i], 0);
    const data = strided(
      node,
      x.data,
      counts,
      strides.map((step, i) => step * steps[i]),
      offset,
    );
    return [{ ...x, shape: counts, data }];
  },
  Split: (node, inputs) => {
    const x = needed(node, inputs, 0);
    const axis = axisOf(node, node.int('axis', 0), x.shape.length);
    let from = 0;
    return splitSizes(node, inputs, x.shape[axis]).map((count) => {
      const indices = constantOf(Array.from({ length: count }, (_, i) => from + i));
      from += count;
      return gatherConstant(node, x, indices, axis);
    });
  },
  Range: (node, inputs) => {
    const [from, to, step] = [0, 1, 2].map((i) => needed(node, inputs, i).data[0]);
    const count = Math.max(0, Math.ceil((to - from) / step));
    const { type } = inputs[0]!;
    const data = emptyFor(node, type, count);
    for (let i = 0; i < count; i++) data[i] = from + i * step;
    return [{ kind: 'constant', type, shape: [count], data }];
  },
  ConstantOfShape: (node, inputs) => {
    const shape = [...needed(node, inputs, 0).data];
    if (shape.some((n) => n < 0)) node.fail(`[${shape.join(', ')}] is no shape`);
    const { type, data: value } = node.tensor('value') ?? constantOf([0], [1], 'float');
    return [{ kind: 'constant', type, shape, data: emptyFor(node, type, sizeOf(shape)).fill(value[0]) }];
  },
});

let made: Readonly<Record<string, Fold>> | undefined;
const folds = () => (made ??= makeFolds());

/** Whether this node is computed here where all that it reads is known. */
export const isFolded = ({ op, domain }: OnnxNode): boolean => domain === '' && Object.hasOwn(folds(), op);

/** The order that a Transpose gives its axes: reversed where it does not say. */
export function permutation(node: OnnxNode, rank: number): number[] {
  const perm = node.ints('perm') ?? plainOrder(rank).reverse();
  if (perm.length !== rank || plainOrder(rank).some((axis) => !perm.includes(axis)))
    node.fail(`its perm ${perm.join(', ')} is no order of ${rank} axes`);
  return perm;
}

function tile(node: OnnxNode, x: Constant, repeats: readonly number[]): Constant {
  if (repeats.length !== x.shape.length) node.fail(`it repeats ${repeats.length} axes of ${x.shape.length}`);
  // Along [r, d] with steps of nothing and of one.
  const shape = x.shape.flatMap((length, axis) => [repeats[axis], length]);
  const strides = stridesOf(x.shape).flatMap((step) => [0, step]);
  return { ...x, shape: x.shape.map((n, axis) => n * repeats[axis]), data: strided(node, x.data, shape, strides) };
}

/**
 * What a node gives where all that it reads is known, or undefined where the engine must compute it. What is made of
 * weights is named, and can be trained as they can.
 */
export function fold(node: OnnxNode, inputs: Constants): readonly Constant[] | undefined {
  if (!isFolded(node)) return undefined;
  if (node.op !== 'ConstantOfShape') needed(node, inputs, 0);
  known(node, inputs, 0);
  const isWeights = inputs.some((c) => c?.name !== undefined);
  return folds()
    [node.op](node, inputs)
    .map((c, k) => {
      const { name: _, ...rest } = c;
      return isWeights ? { ...rest, name: node.outputs[k] } : rest;
    });
}
