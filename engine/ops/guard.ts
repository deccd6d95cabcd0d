import * as kernels from '../../kernels/guard/guard.ts';
import { show } from '../check.ts';
import { defineOp, type BufferRef, type Step } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { rowOp } from './row.ts';

/** The step that looks through pieces of these buffers. @param first where its results begin in `out` */
export function guardStep(
  pieces: readonly kernels.GuardedPiece[],
  buffers: readonly BufferRef[],
  out: BufferRef,
  first = 0,
): Step {
  // A buffer that is not there is not read; the first one stands in its place.
  const bound = kernels.GUARDED.map((name, k) => [name, buffers[k] ?? buffers[0]]);
  return { launch: kernels.guard(pieces, first), buffers: { ...Object.fromEntries(bound), out } };
}

// y[p] = 0 where all numbers of part p are finite, else NaN. In a program several become few: engine/program/guards.ts.
export const guardOp = defineOp<(typeof kernels.GUARDED)[number]>({
  name: 'guard',
  inputs: kernels.GUARDED,
  shape: (tensors) => [kernels.guardParts(tensors.map(({ size }) => size))],
  lower: ({ inputs, in: from, out }) => [
    guardStep(
      inputs.map(({ size }, buffer) => ({ buffer, begin: 0, size })),
      inputs.map((_, i) => from(i)),
      out(),
    ),
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
