import * as kernels from '../../kernels/cast/cast.ts';
import { checkOneOf } from '../check.ts';
import { defineOp } from '../op.ts';
import { checkTensors, type DType, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';

const castOp = defineOp<'x', { to: DType }>({
  name: 'cast',
  inputs: ['x'],
  takes: { x: 'any' },
  dtype: (_, { to }) => to,
  shape: ([x]) => x.shape,
  lower: ({ output, attrs, in: from, out }) => [
    { launch: kernels.cast(output.size, attrs.to), buffers: { x: from(0), out: out() } },
  ],
});

/**
 * The same numbers as another dtype; it has no gradient. Fractions are cut off in u32, negative numbers and NaN become
 * 0 there, and what is too large 2^32 − 1.
 */
export function cast(x: Tensor, dtype: 'u32'): Tensor & { readonly dtype: 'u32' };
export function cast(x: Tensor, dtype: DType): Tensor;
export function cast(x: Tensor, dtype: DType): Tensor {
  checkTensors('cast', { x });
  if (dtype === undefined) throw new UserError('cast: it needs a dtype, f32 or u32');
  checkOneOf('cast', 'dtype', dtype, ['f32', 'u32']);
  return x.dtype === dtype ? x : castOp([x], { to: dtype });
}
