import * as kernels from '../../kernels/guard/guard.ts';
import { show } from '../check.ts';
import { defineOp } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { rowOp } from './row.ts';

// y[p] = 0 where all numbers of part p are finite, else NaN
const guardOp = defineOp<(typeof kernels.GUARDED)[number]>({
  name: 'guard',
  inputs: kernels.GUARDED,
  shape: (tensors) => [kernels.guardParts(tensors.map(({ size }) => size))],
  lower: ({ inputs, capabilities, in: from, out }) => [
    {
      launch: kernels.guard(
        inputs.map(({ size }) => size),
        capabilities,
      ),
      // A tensor that is not there is not read; the first one's buffer stands in its place.
      buffers: {
        ...Object.fromEntries(kernels.GUARDED.map((name, k) => [name, from(k < inputs.length ? k : 0)])),
        out: out(),
      },
    },
  ],
});

/** One number, 0 where every number of the tensors is finite, else NaN: what `adam` takes as its guard. */
export function guard(tensors: readonly Tensor[]): Tensor {
  if (!Array.isArray(tensors) || tensors.length === 0)
    throw new UserError(`guard: it takes a list of tensors, not ${show(tensors)}`);
  // Gradients of batch norm are two rows of one tensor.
  const whole = [...new Set(tensors.map((t) => (t?.op === rowOp ? t.inputs[0] : t)))];
  const most = kernels.GUARDED.length;
  const found: Tensor[] = [];
  for (let i = 0; i < whole.length; i += most) found.push(guardOp(whole.slice(i, i + most), {}));
  return found.length === 1 && found[0].size === 1 ? found[0] : guard(found);
}
