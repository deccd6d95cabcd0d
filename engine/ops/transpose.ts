import { show } from '../check.ts';
import { defineOp } from '../op.ts';
import { checkTensors, shapeError, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { stridesOf } from './axis.ts';
import { copySteps } from './copy.ts';
import { reshape } from './leaves.ts';

// y[i_0, i_1, ...] = x at the index whose dimension perm[d] is i_d
const transposeOp = defineOp<'x', { perm: readonly number[] }>({
  name: 'transpose',
  inputs: ['x'],
  takes: { x: 'any' },
  cheap: true,
  dtype: ([x]) => x.dtype,
  shape: ([x], { perm }) => perm.map((d) => x.shape[d]),
  vjp: (_, dy, { perm }) => ({ x: () => transpose(dy, inverse(perm)) }),
  lower: (context) => {
    const { inputs, attrs, output } = context;
    const strides = stridesOf(inputs[0].shape);
    const out = stridesOf(output.shape);
    return copySteps(context, {
      dimensions: output.shape.map((length, d) => ({ length, x: strides[attrs.perm[d]], out: out[d] })),
      xFirst: 0,
      outFirst: 0,
    });
  },
});

const inverse = (perm: readonly number[]): number[] => perm.map((_, d) => perm.indexOf(d));
const isSorted = (perm: readonly number[]): boolean => perm.every((d, i) => i === 0 || perm[i - 1] < d);

/**
 * The dimensions in another order: dimension d of the result is dimension `perm[d]` of x (NumPy's transpose). Where
 * only dimensions of length 1 move it is a reshape, and costs nothing.
 * @param perm each dimension of x once
 */
export function transpose(x: Tensor, perm: readonly number[]): Tensor {
  checkTensors('transpose', { x });
  if (!Array.isArray(perm)) throw new UserError(`transpose: perm must be a list of dimensions, not ${show(perm)}`);
  if (perm.length !== x.shape.length || x.shape.some((_, d) => !perm.includes(d)))
    shapeError('transpose', `perm must name each dimension once, and is ${show(perm)}`, x);
  if (isSorted(perm.filter((d) => x.shape[d] > 1)))
    return reshape(
      x,
      perm.map((d) => x.shape[d]),
    );
  if (x.op !== transposeOp) return transposeOp([x], { perm: [...perm] });
  const { perm: before } = x.attrs as { perm: readonly number[] };
  return transpose(
    x.inputs[0],
    perm.map((d) => before[d]),
  );
}
