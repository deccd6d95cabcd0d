import type { OnnxNode } from './graph.ts';
import type { Constant } from './value.ts';

/*
 * Small loops over constants: for shapes, axes and what is made of weights before anything runs.
 */

type Numbers = Float32Array | Float64Array;

/** Beyond this a file asks for more than a constant: it would be gigabytes from a few bytes. */
const MOST_ELEMENTS = 2 ** 27;

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** An empty array of the same kind for this many elements. */
export function room(node: OnnxNode, like: Numbers, size: number): Numbers {
  if (!(Number.isInteger(size) && size >= 0 && size <= MOST_ELEMENTS))
    node.fail(`it makes a constant of ${size} elements, which is more than is believed`);
  return like instanceof Float32Array ? new Float32Array(size) : new Float64Array(size);
}

/** How far apart neighbours along each axis lie. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i];
  }
  return strides;
}

/** out[i, j, ...] = data[offset + i·strides[0] + j·strides[1] + ...] */
export function strided(
  node: OnnxNode,
  data: Numbers,
  shape: readonly number[],
  strides: readonly number[],
  offset = 0,
): Numbers {
  const out = room(node, data, sizeOf(shape));
  if (out.length === 0) return out;
  const rank = shape.length;
  const index = new Array<number>(rank).fill(0);
  let from = offset;
  for (let to = 0; ; ) {
    out[to++] = data[from];
    if (to === out.length) return out;
    // The next place: as an odometer counts.
    let axis = rank - 1;
    while (++index[axis] === shape[axis]) {
      from -= strides[axis] * (shape[axis] - 1);
      index[axis--] = 0;
    }
    from += strides[axis];
  }
}

export function transposeConstant(node: OnnxNode, c: Constant, perm: readonly number[]): Constant {
  const strides = stridesOf(c.shape);
  const shape = perm.map((axis) => c.shape[axis]);
  return {
    ...c,
    shape,
    data: strided(
      node,
      c.data,
      shape,
      perm.map((axis) => strides[axis]),
    ),
  };
}

/** Repeated along axes of length 1, and along new ones in front. */
export function broadcastConstant(node: OnnxNode, c: Constant, shape: readonly number[]): Constant {
  const own = [...Array<number>(shape.length - c.shape.length).fill(1), ...c.shape];
  const strides = stridesOf(own).map((step, i) => (own[i] === 1 ? 0 : step));
  return { ...c, shape, data: strided(node, c.data, shape, strides) };
}

export function concatConstants(node: OnnxNode, parts: readonly Constant[], axis: number): Constant {
  const [first] = parts;
  const length = parts.reduce((n, { shape }) => n + shape[axis], 0);
  const shape = first.shape.map((d, i) => (i === axis ? length : d));
  for (const { shape: own } of parts)
    if (own.length !== shape.length || own.some((d, i) => i !== axis && d !== shape[i]))
      node.fail(`the shapes ${parts.map((p) => `[${p.shape.join(', ')}]`).join(' and ')} differ beside axis ${axis}`);
  const inner = sizeOf(shape.slice(axis + 1));
  const out = room(node, first.data, sizeOf(shape));
  let before = 0;
  for (const { data, shape: own } of parts) {
    const block = own[axis] * inner;
    for (let o = 0; block > 0 && o * block < data.length; o++)
      out.set(data.subarray(o * block, (o + 1) * block), o * length * inner + before * inner);
    before += own[axis];
  }
  return { ...first, shape, data: out };
}

export function gatherConstant(node: OnnxNode, c: Constant, indices: Constant, axis: number): Constant {
  const [outer, length, inner] = [sizeOf(c.shape.slice(0, axis)), c.shape[axis], sizeOf(c.shape.slice(axis + 1))];
  const count = indices.data.length;
  const out = room(node, c.data, outer * count * inner);
  const places = Array.from(indices.data, (n) => (n < 0 ? n + length : n));
  for (const place of places)
    if (!(Number.isInteger(place) && place >= 0 && place < length))
      node.fail(`there is no index ${place} of ${length}`);
  for (let o = 0; o < outer; o++)
    places.forEach((place, k) => {
      const from = (o * length + place) * inner;
      out.set(c.data.subarray(from, from + inner), (o * count + k) * inner);
    });
  return { ...c, shape: [...c.shape.slice(0, axis), ...indices.shape, ...c.shape.slice(axis + 1)], data: out };
}

/** y[...] = f over the numbers along some axes, which keep the length 1. */
export function reduceConstant(
  node: OnnxNode,
  c: Constant,
  axes: readonly number[],
  f: (numbers: Numbers) => number,
): Constant {
  const kept = c.shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const { data } = transposeConstant(node, c, [...kept, ...axes]);
  const shape = c.shape.map((d, i) => (axes.includes(i) ? 1 : d));
  const length = sizeOf(axes.map((axis) => c.shape[axis]));
  const out = room(node, data, sizeOf(shape));
  for (let i = 0; i < out.length; i++) out[i] = f(data.subarray(i * length, (i + 1) * length));
  return { ...c, shape, data: out };
}
