import { topologicalOrder, type Tensor } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import { BATCH_NORM } from './batch_norm.ts';
import { LEAVES } from './leaves.ts';
import { MOVES } from './moves.ts';
import type { Evaluate, Numbers } from './numbers.ts';
import { POINTWISE } from './pointwise.ts';
import { POOLING } from './pooling.ts';
import { PRODUCTS } from './products.ts';
import { RANDOM } from './random.ts';
import { SOFTMAX } from './softmax.ts';
import { SUMS } from './sums.ts';
import { STEPPING, UPDATES } from './updates.ts';

/** How each op is computed, by its name. */
export const EVALUATORS: Readonly<Record<string, Evaluate>> = {
  ...LEAVES,
  ...PRODUCTS,
  ...BATCH_NORM,
  ...POOLING,
  ...SOFTMAX,
  ...POINTWISE,
  ...SUMS,
  ...MOVES,
  ...RANDOM,
  ...STEPPING,
};

const isUpdate = (t: Tensor): boolean => t.op.mutates.length > 0;

/**
 * A graph put in order, once for many runs: every tensor behind its inputs, gradients among them, which are ops like
 * all others.
 * @throws UserError that names an op without an evaluator
 */
export function ordered(roots: readonly Tensor[]): Tensor[] {
  const order = topologicalOrder(roots);
  const unknown = order.find(({ op }) => !(op.name in EVALUATORS || op.name in UPDATES));
  if (unknown) throw new UserError(`without a GPU there is no op ${unknown.op.name}: ${unknown}`);
  return order;
}

/**
 * Computes the tensors in their order, then changes the parameters: all updates see the old values.
 * @param leaves the numbers of inputs and parameters, those of parameters where they live
 */
export function evaluate(
  order: readonly Tensor[],
  leaves: (t: Tensor) => Numbers | Float32Array,
): Map<Tensor, Numbers> {
  const values = new Map<Tensor, Numbers>();
  const inputsOf = (t: Tensor) => t.inputs.map((input) => values.get(input)!);
  for (const t of order.filter((each) => !isUpdate(each))) {
    const isLeaf = t.op.leaf !== undefined;
    values.set(t, isLeaf ? Float64Array.from(leaves(t)) : EVALUATORS[t.op.name](t, ...inputsOf(t)));
  }
  for (const t of order.filter(isUpdate)) {
    const changed = UPDATES[t.op.name](t, ...inputsOf(t));
    t.op.mutates.forEach((index, i) => leaves(t.inputs[index]).set(changed[i]));
  }
  return values;
}
