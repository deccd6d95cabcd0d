import { canBeEpilogue } from '../../kernels/epilogue/epilogue.ts';
import type { PointwiseStage } from '../../kernels/pointwise/pointwise.ts';
import { batchNormApplyOp, foldBatchNorm } from '../ops/batch_norm.ts';
import { pointwiseOp, type PointwiseAttributes } from '../ops/pointwise.ts';
import { Tensor } from '../tensor.ts';
import { COMMUTES, countUses, withInputs } from './rewrite.ts';

/** Whether an op can take what follows it as its epilogue: nobody else may read what it makes without that. */
const isOpen = (t: Tensor, uses: ReadonlyMap<Tensor, number>, roots: ReadonlySet<Tensor>) =>
  t.op.takesEpilogue && uses.get(t) === 1 && !roots.has(t);

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
  const now = new Map<Tensor, Tensor>();
  return order.flatMap((t) => {
    const made: Tensor[] = [];
    let next = withInputs(
      t,
      t.inputs.map((input) => now.get(input) ?? input),
    );
    if (t.op === batchNormApplyOp && isOpen(t.inputs[0], uses, roots)) {
      const { folded, stages } = foldBatchNorm(next);
      made.push(folded);
      next = new Tensor(pointwiseOp, [next.inputs[0], folded, folded], { stages }, t.shape).named(...t.names);
    }
    if (next !== t) {
      now.set(t, next);
      became.set(t, next);
    }
    return [...made, next];
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
  const now = new Map<Tensor, Tensor>();
  const absorbed = new Set<Tensor>();
  const open = (t: Tensor) => isOpen(t, uses, roots);
  const made = order.flatMap((t) => {
    let next = withInputs(
      t,
      t.inputs.map((input) => now.get(input) ?? input),
    );
    let before: Tensor[] = [];
    if (t.op === pointwiseOp) {
      const { stages } = t.attrs as unknown as PointwiseAttributes;
      let [head, ...operands] = t.inputs;
      // x + f(y) is f(y) + x: f takes the sum as its epilogue.
      if (!open(head) && stages[0].mode === 'full' && COMMUTES.has(stages[0].op) && open(operands[0]))
        [head, operands[0]] = [operands[0], head];
      const count = longestEpilogue(stages);
      if (open(head) && count > 0) {
        const source = withInputs(
          head,
          head.inputs.map((input) => now.get(input) ?? input),
        );
        const read = operands.map((operand) => now.get(operand) ?? operand);
        const taken = stages.slice(0, count).filter(({ mode }) => mode !== 'immediate').length;
        next = new Tensor(
          head.op,
          [...source.inputs, ...read.slice(0, taken)],
          { ...head.attrs, epilogue: stages.slice(0, count) },
          t.shape,
        );
        if (count < stages.length) {
          before = [next];
          next = new Tensor(pointwiseOp, [next, ...read.slice(taken)], { stages: stages.slice(count) }, t.shape);
        }
        next.named(...t.names);
        absorbed.add(head);
      }
    }
    if (next !== t) {
      now.set(t, next);
      became.set(t, next);
    }
    return [...before, next];
  });
  const gone = new Set([...absorbed].map((head) => now.get(head) ?? head));
  return made.filter((t) => !gone.has(t));
}

/** How many stages at the beginning can be an epilogue. */
function longestEpilogue(stages: readonly PointwiseStage[]): number {
  let count = stages.length;
  while (count > 0 && !canBeEpilogue(stages.slice(0, count))) count--;
  return count;
}
