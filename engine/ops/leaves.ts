import { fill } from '../../kernels/pointwise/pointwise.ts';
import { checkOneOf, show } from '../check.ts';
import { defineOp } from '../op.ts';
import {
  checkShape,
  checkTensors,
  sameShape,
  shapeError,
  showShape,
  sizeOf,
  type DType,
  type Shape,
  type Tensor,
} from '../tensor.ts';
import { UserError } from '../user_error.ts';

const inputOp = defineOp<never, { shape: Shape; dtype: DType }>({
  name: 'input',
  leaf: 'input',
  inputs: [],
  dtype: (_, a) => a.dtype,
  shape: (_, a) => a.shape,
});

/** A value given at each run: images, labels, the learning rate, the seed. A scalar has the shape []. */
export function input(name: string, shape: Shape, dtype: 'u32'): Tensor & { readonly dtype: 'u32' };
export function input(name: string, shape: Shape, dtype?: DType): Tensor;
export function input(name: string, shape: Shape, dtype: DType = 'f32'): Tensor {
  if (typeof name !== 'string') throw new UserError(`input: the name must be text, not ${show(name)}`);
  checkShape(`input ${name}`, shape);
  checkOneOf(`input ${name}`, 'dtype', dtype, ['f32', 'u32']);
  return inputOp([], { shape, dtype }).named(name);
}

const constantOp = defineOp<never, { shape: Shape; value: number | Float32Array | Uint32Array }>({
  name: 'constant',
  inputs: [],
  dtype: (_, { value }) => (value instanceof Uint32Array ? 'u32' : 'f32'),
  shape(_, { shape, value }) {
    checkShape('constant', shape);
    if (typeof value !== 'number' && value.length !== sizeOf(shape))
      throw new UserError(`constant: ${value.length} numbers do not fill ${showShape(shape)}`);
    return shape;
  },
  // An array is uploaded when the program is made: see VirtualBuffer.
  lower: ({ attrs: { value }, output, out }) =>
    typeof value === 'number' ? [{ launch: fill(output.size, value), buffers: { out: out() } }] : [],
});

/**
 * A tensor whose numbers never change: one number in every place, or those of an array, which must fill the shape. An
 * Uint32Array makes a tensor of dtype u32. A program copies the array to the adapter once, when it is compiled.
 * @param values an array must not be changed any more: it is not copied before
 */
export function constant(values: Uint32Array, shape: Shape): Tensor & { readonly dtype: 'u32' };
export function constant(values: number | Float32Array | Uint32Array, shape?: Shape): Tensor;
export function constant(values: number | Float32Array | Uint32Array, shape: Shape = []): Tensor {
  if (typeof values !== 'number' && !(values instanceof Float32Array || values instanceof Uint32Array))
    throw new UserError(`constant: it takes a number, a Float32Array or a Uint32Array, not ${show(values)}`);
  return constantOp([], { shape, value: values });
}

/** The numbers of a constant that was made from an array; undefined of any other tensor. */
export function constantArray({ op, attrs }: Tensor): Float32Array | Uint32Array | undefined {
  const { value } = attrs as { value?: unknown };
  return op === constantOp && typeof value !== 'number' ? (value as Float32Array | Uint32Array) : undefined;
}
/** A tensor full of ones. */
export const ones = (shape: Shape): Tensor => constant(1, shape);
/** A tensor full of zeros. */
export const zeros = (shape: Shape): Tensor => constant(0, shape);

const reshapeOp = defineOp<'x', { shape: Shape }>({
  name: 'reshape',
  inputs: ['x'],
  takes: { x: 'any' },
  view: true,
  shape([x], { shape }) {
    if (sizeOf(shape) !== x.size) shapeError('reshape', `${x.size} elements do not fill ${showShape(shape)}`, x);
    return shape;
  },
  vjp: ({ x }, dy) => ({ x: () => reshape(dy, x.shape) }),
});

/** The same elements in the same order under another shape, of any dtype; costs nothing. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensors('reshape', { x });
  checkShape('reshape', shape);
  return sameShape(x.shape, shape) ? x : reshapeOp([x], { shape });
}

/** `grad` does not look behind it. */
export const stopGradientOp = defineOp<'x'>({
  name: 'stop_gradient',
  inputs: ['x'],
  takes: { x: 'any' },
  view: true,
  shape: ([x]) => x.shape,
});

/** The same tensor, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor => stopGradientOp([x], {});
