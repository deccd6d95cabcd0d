import * as kernels from '../../kernels/gather/gather.ts';
import { show } from '../check.ts';
import { defineOp, type Op } from '../op.ts';
import { checkTensors, shapeError, sizeOf, Tensor, type Shape } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { axisOf } from './axis.ts';
import { resample } from './resample.ts';
import { slice } from './slice.ts';

const sizeAt = (shape: Shape, axis: number, indices: Tensor): kernels.GatherSize => ({
  outer: sizeOf(shape.slice(0, axis)),
  length: shape[axis],
  inner: sizeOf(shape.slice(axis + 1)),
  count: indices.size,
});

// y[.., j, ..] = x[.., indices[j], ..]
const gatherOp: Op<{ axis: number }> = defineOp<'x' | 'indices', { axis: number }>({
  name: 'gather',
  inputs: ['x', 'indices'],
  takes: { indices: 'u32' },
  shape: ([x, indices], { axis }) => [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)],
  vjp: ({ x, indices }, dy, { axis }) => ({ x: () => gatherInputGradOp([dy, indices], { axis, shape: x.shape }) }),
  lower: ({ inputs: [x, indices], attrs: { axis }, in: from, out }) => [
    {
      launch: kernels.gather(sizeAt(x.shape, axis, indices)),
      buffers: { x: from(0), indices: from(1), out: out() },
    },
  ],
});

// dx[.., a, ..] = Σ_j dy[.., j, ..] where indices[j] = a
const gatherInputGradOp: Op<{ axis: number; shape: Shape }> = defineOp<
  'dy' | 'indices',
  { axis: number; shape: Shape }
>({
  name: 'gather_input_grad',
  inputs: ['dy', 'indices'],
  takes: { indices: 'u32' },
  shape: (_, { shape }) => shape,
  vjp: ({ indices }, ddx, { axis }) => ({ dy: () => gatherOp([ddx, indices], { axis }) }),
  lower: ({ inputs: [, indices], attrs: { axis, shape }, in: from, out }) => [
    {
      launch: kernels.gatherInputGrad(sizeAt(shape, axis, indices)),
      buffers: { dy: from(0), indices: from(1), dx: out() },
    },
  ],
});

/** Entries at places that are known: a slice where they are evenly spaced. */
function gatherKnown(x: Tensor, indices: readonly number[], axis: number): Tensor {
  const length = x.shape[axis];
  const wrong = indices.find((i) => i < -length || i >= length);
  if (wrong !== undefined) shapeError('gather', `axis ${axis} has no index ${wrong}`, x);
  const places = indices.map((i) => (i < 0 ? i + length : i));
  const step = places.length > 1 ? places[1] - places[0] : 1;
  if (step === 0 || places.some((place, i) => place !== places[0] + i * step))
    return resample(x, new Map([[axis, places.map((place) => [[place, 1]] as const)]]));
  return slice(
    x,
    x.shape.map((_, d) => (d === axis ? places[0] : 0)),
    x.shape.map((d, i) => (i === axis ? places.length : d)),
    x.shape.map((_, d) => (d === axis ? step : 1)),
  );
}

/**
 * Some entries of x along an axis, in any order and any number of times (ONNX's Gather). A list of n indices gives the
 * axis the length n; a tensor of indices puts its shape in the place of the axis.
 * @param indices whole numbers, negative ones counting from the last; or a tensor of u32, where an index that x does
 * not have gives NaN
 * @param axis a negative one counts from the last
 */
export function gather(x: Tensor, indices: readonly number[] | Tensor, axis: number): Tensor {
  checkTensors('gather', { x });
  const at = axisOf('gather', x, axis);
  if (indices instanceof Tensor) return gatherOp([x, indices], { axis: at });
  if (!Array.isArray(indices) || indices.length === 0 || !indices.every(Number.isInteger))
    throw new UserError(`gather: the indices must be whole numbers or a tensor of u32, not ${show(indices)}`);
  if (x.dtype !== 'f32') throw new UserError(`gather: it takes f32, and ${x.name ?? 'x'} is ${x.dtype}`);
  return gatherKnown(x, indices, at);
}
