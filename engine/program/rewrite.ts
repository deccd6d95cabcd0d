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

/** The ops that read each tensor; none for what nobody reads. */
export function readersIn(order: readonly Tensor[]): Map<Tensor, Tensor[]> {
  const readers = new Map<Tensor, Tensor[]>();
  for (const t of order) for (const input of t.inputs) readers.set(input, [...(readers.get(input) ?? []), t]);
  return readers;
}

/** What becomes of a tensor. */
export interface Rewritten {
  /** What stands for it from now on. */
  readonly next: Tensor;
  /** What `next` reads and nothing made before. */
  readonly before?: readonly Tensor[];
  /** What is computed no more, because `next` does it too. */
  readonly absorbed?: Tensor;
  /** `next` is made already. */
  readonly isMade?: boolean;
}

/**
 * Rewrites tensors in the order of their making.
 * @param became is told what stands for each tensor that changed
 * @param rewrite what becomes of `t`, whose inputs are new in `moved`; undefined: that is all. `now` tells what stands
 *   for a tensor that came before
 * @returns the new order
 */
export function rewriteEach(
  order: readonly Tensor[],
  became: Map<Tensor, Tensor>,
  rewrite: (t: Tensor, moved: Tensor, now: (t: Tensor) => Tensor) => Rewritten | undefined,
): Tensor[] {
  const changed = new Map<Tensor, Tensor>();
  const now = (t: Tensor): Tensor => changed.get(t) ?? t;
  const gone = new Set<Tensor>();
  const made = order.flatMap((t) => {
    const moved = withInputs(t, t.inputs.map(now));
    const { next, before = [], absorbed, isMade } = rewrite(t, moved, now) ?? { next: moved };
    if (absorbed) gone.add(now(absorbed));
    if (next !== t) {
      changed.set(t, next);
      became.set(t, next);
    }
    return isMade ? [] : [...before, next];
  });
  return made.filter((t) => !gone.has(t));
}
