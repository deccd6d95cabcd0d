import { fill } from '../../kernels/pointwise/pointwise.ts';
import { checkNumber, checkOneOf, show } from '../check.ts';
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

const inputF32 = defineOp<never, { shape: Shape }>({ name: 'input', inputs: [], shape: (_, a) => a.shape });
const inputU32 = defineOp<never, { shape: Shape }>({
  name: 'input',
  inputs: [],
  dtype: 'u32',
  shape: (_, a) => a.shape,
});

/** A value given at each run: images, labels, the learning rate, the seed. A scalar has the shape []. */
export function input(name: string, shape: Shape, dtype: 'u32'): Tensor & { readonly dtype: 'u32' };
export function input(name: string, shape: Shape, dtype?: DType): Tensor;
export function input(name: string, shape: Shape, dtype: DType = 'f32'): Tensor {
  if (typeof name !== 'string') throw new UserError(`input: the name must be text, not ${show(name)}`);
  checkShape(`input ${name}`, shape);
  checkOneOf(`input ${name}`, 'dtype', dtype, ['f32', 'u32']);
  return (dtype === 'u32' ? inputU32 : inputF32)([], { shape }).named(name);
}

const constantOp = defineOp<never, { shape: Shape; value: number }>({
  name: 'constant',
  inputs: [],
  shape: (_, a) => a.shape,
  lower: ({ attrs, output, out }) => [{ launch: fill(output.size, attrs.value), buffers: { out: out() } }],
});

/** A tensor with one number in every place. */
export function constant(value: number, shape: Shape = []): Tensor {
  checkNumber('constant', 'the value', value);
  return constantOp([], { shape, value });
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
