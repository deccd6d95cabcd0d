import { sizeOf, type Shape } from '../engine/tensor.ts';

/**
 * A tensor's values with its axes in another order, as peers want them: [0, 3, 1, 2] makes NCHW of NHWC, [3, 2, 0, 1]
 * OIHW of HWIO.
 */
export function permuted(values: Float32Array, shape: Shape, axes: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const outShape = axes.map((axis) => shape[axis]);
  const outStrides = outShape.map((_, axis) => sizeOf(outShape.slice(axis + 1)));
  const out = new Float32Array(values.length);
  for (let i = 0; i < out.length; i++) {
    let from = 0;
    for (let axis = 0; axis < axes.length; axis++)
      from += (Math.floor(i / outStrides[axis]) % outShape[axis]) * strides[axes[axis]];
    out[i] = values[from];
  }
  return out;
}
