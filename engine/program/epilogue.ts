import { canBeEpilogue } from '../../kernels/epilogue/epilogue.ts';
import type { PointwiseStage } from '../../kernels/pointwise/pointwise.ts';
import { batchNormApplyOp, foldBatchNorm } from '../ops/batch_norm.ts';
import { pointwiseOp, type PointwiseAttributes } from '../ops/pointwise.ts';
import { Tensor } from '../tensor.ts';
import { COMMUTES, countUses, rewriteEach } from './rewrite.ts';

/** Whether an op can take what follows it as its epilogue: nobody else may read what it makes without that. */
const isOpen = (t: Tensor, uses: ReadonlyMap<Tensor, number>, roots: ReadonlySet<Tensor>) =>
  t.op.takesEpilogue(t.attrs) && uses.get(t) === 1 && !roots.has(t);

/**
 * Batch norm of what a convolution or a product makes, and nobody else reads, becomes pointwise stages, which can then
 * become its epilogue. In training the statistics or the gradients read it too, and batch norm stays as it is.
 */
export function foldBatchNorms(
  order: readonly Tensor[],
  roots: ReadonlySet<Tensor>,
  became: Map<Tensor, Tensor>,
): Tensor[] {
  const uses = countUses(order);
  return rewriteEach(order, became, (t, moved) => {
    if (t.op !== batchNormApplyOp || !isOpen(t.inputs[0], uses, roots)) return undefined;
    const { folded, stages } = foldBatchNorm(moved);
    const next = new Tensor(pointwiseOp, [moved.inputs[0], folded, folded], { stages }, t.shape).named(...t.names);
    return { next, before: [folded] };
  });
}

/**
 * Pointwise stages behind an op that takes an epilogue, and whose result nobody else reads, are applied by the op
 * itself: as many as it can.
 */
export function fuseEpilogues(
  order: readonly Tensor[],
  roots: ReadonlySet<Tensor>,
  became: Map<Tensor, Tensor>,
): Tensor[] {
  const uses = countUses(order);
  const open = (t: Tensor) => isOpen(t, uses, roots);
  return rewriteEach(order, became, (t, _, now) => {
    if (t.op !== pointwiseOp) return undefined;
    const { stages } = t.attrs as unknown as PointwiseAttributes;
    let [head, ...operands] = t.inputs;
    // x + f(y) is f(y) + x: f takes the sum as its epilogue.
    if (!open(head) && stages[0].mode === 'full' && COMMUTES.has(stages[0].op) && open(operands[0]))
      [head, operands[0]] = [operands[0], head];
    const count = longestEpilogue(stages);
    if (!open(head) || count === 0) return undefined;
    const [epilogue, rest] = [stages.slice(0, count), stages.slice(count)];
    const read = operands.map(now);
    const taken = epilogue.filter(({ mode }) => mode !== 'immediate').length;
    const inputs = [...now(head).inputs, ...read.slice(0, taken)];
    const whole = new Tensor(head.op, inputs, { ...head.attrs, epilogue }, t.shape);
    if (rest.length === 0) return { next: whole.named(...t.names), absorbed: head };
    const behind = new Tensor(pointwiseOp, [whole, ...read.slice(taken)], { stages: rest }, t.shape);
    return { next: behind.named(...t.names), before: [whole], absorbed: head };
  });
}

/** How many stages at the beginning can be an epilogue. */
function longestEpilogue(stages: readonly PointwiseStage[]): number {
  let count = stages.length;
  while (count > 0 && !canBeEpilogue(stages.slice(0, count))) count--;
  return count;
}
