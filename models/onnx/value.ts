import type { Tensor } from '../../engine/tensor.ts';
import type { DATA_TYPES } from './proto.ts';

/** What the elements of an ONNX tensor are. The engine computes them all in f32; booleans are 0 and 1. */
export type OnnxType = keyof typeof DATA_TYPES;

/** A value that is known before anything runs: row-major in ONNX's own order of axes. */
export interface Constant {
  readonly kind: 'constant';
  readonly type: OnnxType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
  /** Of weights, by which they can be trained: an initialiser's name, or that of what was folded from one. */
  readonly name?: string;
}

/**
 * A value that the engine computes. `shape` is what ONNX says of it; the tensor's dimension i is axis order[i] of that
 * shape. An image [N, C, H, W] is kept as [N, H, W, C] with the order [0, 2, 3, 1], and transposing is renaming.
 */
export interface Computed {
  readonly kind: 'computed';
  readonly type: OnnxType;
  readonly shape: readonly number[];
  readonly order: readonly number[];
  readonly tensor: Tensor;
  /**
   * It should have been transposed before it was given this shape, and was not yet: the tensor's elements are those of
   * `shape` in the given order of its axes, one after another. A matrix that it is multiplied with exchanges its rows
   * instead.
   */
  readonly pending?: { readonly shape: readonly number[]; readonly order: readonly number[] };
}

export type Value = Constant | Computed;

const FLOATS: readonly OnnxType[] = ['float', 'float16', 'bfloat16', 'double'];
export const isFloat = (type: OnnxType): boolean => FLOATS.includes(type);
export const isWhole = (type: OnnxType): boolean => !isFloat(type) && type !== 'bool' && type !== 'string';

export const constantOf = (
  data: Float32Array | Float64Array | readonly number[],
  shape: readonly number[] = [data.length],
  type: OnnxType = 'int64',
): Constant => ({
  kind: 'constant',
  type,
  shape,
  data: data instanceof Float32Array || data instanceof Float64Array ? data : Float64Array.from(data),
});

/** Axis numbers in their own order. */
export const plainOrder = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i);

/** The axes of [N, C, ...] with the channels last. */
export const channelsLast = (rank: number): number[] =>
  rank < 3 ? plainOrder(rank) : [0, ...plainOrder(rank).slice(2), 1];

export const isPlain = (order: readonly number[]): boolean => order.every((axis, i) => axis === i);
