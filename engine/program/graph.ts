import { Tensor, topologicalOrder } from '../tensor.ts';
import { pointwiseOp, type PointwiseAttributes } from '../ops/pointwise.ts';
import { MAX_STAGES } from '../../kernels/pointwise/pointwise.ts';

/** The tensors of a program in the order of their making, and what the caller's own tensors became. */
export interface Graph {
  readonly order: readonly Tensor[];
  /** The tensor that stands for a tensor of the caller's graph after rewriting. */
  resolve(tensor: Tensor): Tensor;
}

const isLeaf = (t: Tensor) => t.inputs.length === 0;

/**
 * Collects what the roots depend on and rewrites it: equal computations become one, and chains of pointwise ops become one
 * op of several stages. Order of making is kept: forward in the order the model was written, every gradient beside the
 * cotangent it needs, which frees cotangents soonest.
 */
export function buildGraph(roots: readonly Tensor[], rewrite: boolean): Graph {
  const order = topologicalOrder(roots).sort((a, b) => a.id - b.id);
  if (!rewrite) return { order, resolve: (t) => t };

  const became = new Map<Tensor, Tensor>();
  const resolve = (t: Tensor) => became.get(t) ?? t;
  const unique = shareEqual(order, became);
  const fused = fusePointwise(unique, new Set(roots.map(resolve)), became);
  return { order: fused, resolve: (t) => resolve(resolve(t)) };
}

const withInputs = (t: Tensor, inputs: readonly Tensor[]): Tensor => {
  if (inputs.every((input, i) => input === t.inputs[i])) return t;
  return new Tensor(t.op, inputs, t.attrs, t.shape, t.dtype).named(...t.names);
};

/** Common subexpressions: the same op with the same attributes on the same inputs is computed once. */
function shareEqual(order: readonly Tensor[], became: Map<Tensor, Tensor>): Tensor[] {
  const seen = new Map<string, Tensor>();
  const kept: Tensor[] = [];
  for (const t of order) {
    const moved = withInputs(t, t.inputs.map((input) => became.get(input) ?? input));
    // Leaves are state or input, and updates have effects: neither is a value one could share.
    const key = isLeaf(t) || t.op.mutates.length > 0 ? undefined : JSON.stringify([t.op.name, moved.inputs.map((i) => i.id), t.attrs, t.shape]);
    const twin = key === undefined ? undefined : seen.get(key);
    if (!twin) {
      if (key !== undefined) seen.set(key, moved);
      kept.push(moved);
    }
    if ((twin ?? moved) !== t) became.set(t, twin ?? moved);
  }
  return kept;
}

const COMMUTES = new Set(['add', 'mul', 'max', 'min']);

/** Merges a pointwise node into its only user where that is pointwise too and keeps the shape. */
function fusePointwise(order: readonly Tensor[], roots: ReadonlySet<Tensor>, became: Map<Tensor, Tensor>): Tensor[] {
  const uses = new Map<Tensor, number>();
  for (const t of order) for (const input of t.inputs) uses.set(input, (uses.get(input) ?? 0) + 1);
  const absorbed = new Set<Tensor>();
  const now = new Map<Tensor, Tensor>();
  const mergeable = (t: Tensor, into: number) =>
    t.op === pointwiseOp && uses.get(t) === 1 && !roots.has(t) && (now.get(t)!.attrs as unknown as PointwiseAttributes).stages.length + into <= MAX_STAGES;

  for (const t of order) {
    let next = withInputs(t, t.inputs.map((input) => now.get(input) ?? input));
    if (t.op === pointwiseOp) {
      const { stages } = t.attrs as unknown as PointwiseAttributes;
      let [head, ...operands] = t.inputs;
      const [stage] = stages;
      // x + f(y) is f(y) + x: the chain that can be continued goes first.
      if (!mergeable(head, 1) && stage.mode === 'full' && COMMUTES.has(stage.op) && mergeable(operands[0], 1)) [head, operands[0]] = [operands[0], head];
      if (mergeable(head, 1)) {
        const before = now.get(head)!;
        const merged = [...(before.attrs as unknown as PointwiseAttributes).stages, ...stages];
        next = new Tensor(pointwiseOp, [...before.inputs, ...operands.map((o) => now.get(o) ?? o)], { stages: merged }, t.shape).named(...t.names);
        absorbed.add(head);
      }
    }
    now.set(t, next);
  }
  for (const [t, next] of now) if (next !== t) became.set(t, next);
  return order.filter((t) => !absorbed.has(t)).map((t) => now.get(t)!);
}
