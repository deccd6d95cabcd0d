import * as kernels from '../../kernels/guard/guard.ts';
import { show } from '../check.ts';
import { defineOp } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';

// y = 0 where all numbers are finite, else NaN
const guardOp = defineOp<(typeof kernels.GUARDED)[number]>({
  name: 'guard',
  inputs: kernels.GUARDED,
  shape: () => [1],
  lower(ctx) {
    const passes = kernels.guard(ctx.inputs.map(({ size }) => size));
    let read = ctx.inputs.map((_, i) => ctx.in(i));
    return passes.map(({ launch, outSize }, i) => {
      const out = i === passes.length - 1 ? ctx.out() : ctx.temp(outSize);
      const step = {
        launch,
        buffers: { ...Object.fromEntries(kernels.GUARDED.map((name, k) => [name, read[k] ?? read[0]])), out },
      };
      read = [out];
      return step;
    });
  },
});

/** One number, 0 where every number of the tensors is finite, else NaN: what `adam` takes as its guard. */
export function guard(tensors: readonly Tensor[]): Tensor {
  if (!Array.isArray(tensors) || tensors.length === 0)
    throw new UserError(`guard: it takes a list of tensors, not ${show(tensors)}`);
  const most = kernels.GUARDED.length;
  const found: Tensor[] = [];
  for (let i = 0; i < tensors.length; i += most) found.push(guardOp(tensors.slice(i, i + most), {}));
  return found.length === 1 ? found[0] : guard(found);
}
