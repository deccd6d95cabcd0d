import { batchNormApplyOp } from '../ops/batch_norm.ts';
import { pointwiseOp, type PointwiseAttributes } from '../ops/pointwise.ts';
import { Tensor } from '../tensor.ts';
import { countUses, rewriteEach } from './rewrite.ts';

/**
 * The sum of a batch norm that nobody else reads and another tensor, as a residual block makes it, is written by the
 * batch norm itself.
 */
export function addResiduals(
  order: readonly Tensor[],
  roots: ReadonlySet<Tensor>,
  became: Map<Tensor, Tensor>,
): Tensor[] {
  const uses = countUses(order);
  const isOpen = (t: Tensor) =>
    t.op === batchNormApplyOp && uses.get(t) === 1 && !roots.has(t) && t.attrs['added'] !== true;
  return rewriteEach(order, became, (t, _, now) => {
    if (t.op !== pointwiseOp) return undefined;
    const { stages } = t.attrs as unknown as PointwiseAttributes;
    if (stages.length !== 1 || stages[0].op !== 'add' || stages[0].mode !== 'full') return undefined;
    const norm = t.inputs.find(isOpen);
    if (!norm) return undefined;
    const other = t.inputs[t.inputs[0] === norm ? 1 : 0];
    const inputs = [...now(norm).inputs, now(other)];
    const next = new Tensor(batchNormApplyOp, inputs, { ...norm.attrs, added: true }, t.shape);
    return { next: next.named(...t.names), absorbed: norm };
  });
}
