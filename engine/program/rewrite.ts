import { Tensor } from '../tensor.ts';

/** Pointwise ops with op(x, a) = op(a, x). */
export const COMMUTES: ReadonlySet<string> = new Set(['add', 'mul', 'max', 'min']);

/** The same computation on other inputs; the tensor itself where they are its own. */
export function withInputs(t: Tensor, inputs: readonly Tensor[]): Tensor {
  if (inputs.every((input, i) => input === t.inputs[i])) return t;
  return new Tensor(t.op, inputs, t.attrs, t.shape, t.dtype).named(...t.names);
}

/** How often each tensor is read. */
export function countUses(order: readonly Tensor[]): Map<Tensor, number> {
  const uses = new Map<Tensor, number>();
  for (const t of order) for (const input of t.inputs) uses.set(input, (uses.get(input) ?? 0) + 1);
  return uses;
}
