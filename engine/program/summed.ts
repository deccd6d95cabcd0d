import { batchNormStatsOp } from '../ops/batch_norm.ts';
import { Tensor } from '../tensor.ts';
import { rewriteEach } from './rewrite.ts';

/**
 * A convolution or a product whose result a batch norm wants the statistics of is told so, and makes them from what it
 * has in registers, if the kernel that it takes can: those for GPUs do. Else batch norm reads the result for them.
 */
export function sumWhereMade(order: readonly Tensor[], became: Map<Tensor, Tensor>): Tensor[] {
  const wanted = new Set(order.filter(({ op }) => op === batchNormStatsOp).map(({ inputs }) => inputs[0]));
  return rewriteEach(order, became, (t, moved) => {
    if (!wanted.has(t) || !t.op.takesEpilogue(t.attrs)) return undefined;
    return { next: new Tensor(t.op, moved.inputs, { ...t.attrs, summed: true }, t.shape).named(...t.names) };
  });
}
