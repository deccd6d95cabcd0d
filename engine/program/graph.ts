import { Tensor, topologicalOrder } from '../tensor.ts';
import { operandMode, pointwiseOp, type PointwiseAttributes } from '../ops/pointwise.ts';
import { broadcastOp, sumOfProductsOp, sumOp } from '../ops/reduce.ts';
import { MAX_STAGES } from '../../kernels/pointwise/pointwise.ts';
import { foldBatchNorms, fuseEpilogues } from './epilogue.ts';
import { recompute, type Recompute } from './recompute.ts';
import { COMMUTES, countUses, withInputs } from './rewrite.ts';

/** The tensors of a program in the order of their making, and what the caller's own tensors became. */
export interface Graph {
  readonly order: readonly Tensor[];
  /** The tensor that stands for a tensor of the caller's graph after rewriting. */
  resolve(tensor: Tensor): Tensor;
}

const isLeaf = (t: Tensor) => t.inputs.length === 0;

/**
 * Collects what the roots depend on and rewrites it: equal computations become one, sums of products one op, chains of
 * pointwise ops one op of several stages, and such a chain behind a convolution or a product that op's epilogue. Order
 * of making is kept: forward in the order the model was written, every gradient beside the cotangent it needs, which
 * frees cotangents soonest.
 * @param again what is computed a second time rather than kept for the gradients; `nothing`: the graph is left as it is
 */
export function buildGraph(roots: readonly Tensor[], again: Recompute | 'nothing'): Graph {
  const order = topologicalOrder(roots).sort((a, b) => a.id - b.id);
  if (again === 'nothing') return { order, resolve: (t) => t };

  const became = new Map<Tensor, Tensor>();
  const resolve = (t: Tensor): Tensor => {
    const now = became.get(t);
    return now ? resolve(now) : t;
  };
  const rooted = () => new Set(roots.map(resolve));
  let now = shareEqual(order, became);
  now = readBroadcasts(now, became);
  now = sumProducts(now, rooted(), became);
  now = foldBatchNorms(now, rooted(), became);
  now = fusePointwise(now, rooted(), became);
  now = fuseEpilogues(now, rooted(), became);
  // What nobody reads any more is not computed.
  const live = new Set(topologicalOrder([...rooted()]));
  now = now.filter((t) => live.has(t));
  return { order: recompute(now, rooted(), again, became), resolve };
}

/** For JSON, which writes infinities and NaN as null and -0 as 0. */
const exactNumbers = (_: string, value: unknown): unknown =>
  typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
    ? `number ${Object.is(value, -0) ? '-0' : value}`
    : value;

/** Common subexpressions: the same op with the same attributes on the same inputs is computed once. */
function shareEqual(order: readonly Tensor[], became: Map<Tensor, Tensor>): Tensor[] {
  const seen = new Map<string, Tensor>();
  const kept: Tensor[] = [];
  for (const t of order) {
    const moved = withInputs(
      t,
      t.inputs.map((input) => became.get(input) ?? input),
    );
    // Leaves are state or input, and updates have effects: neither is a value one could share.
    const key =
      isLeaf(t) || t.op.mutates.length > 0
        ? undefined
        : JSON.stringify([t.op.name, moved.inputs.map((i) => i.id), t.attrs, t.shape], exactNumbers);
    const twin = key === undefined ? undefined : seen.get(key);
    if (!twin) {
      if (key !== undefined) seen.set(key, moved);
      kept.push(moved);
    }
    if ((twin ?? moved) !== t) became.set(t, twin ?? moved);
  }
  return kept;
}

/**
 * A tensor that a pointwise op repeats on its own reads the small one directly instead: what is repeated is then never
 * written out.
 */
function readBroadcasts(order: readonly Tensor[], became: Map<Tensor, Tensor>): Tensor[] {
  const now = new Map<Tensor, Tensor>();
  const kept: Tensor[] = [];
  for (const t of order) {
    let next = withInputs(
      t,
      t.inputs.map((input) => now.get(input) ?? input),
    );
    const stage = t.op === pointwiseOp ? (t.attrs as unknown as PointwiseAttributes).stages[0] : undefined;
    if (stage?.mode === 'full') {
      let [x, a] = next.inputs;
      if (x.op === broadcastOp && COMMUTES.has(stage.op)) [x, a] = [a, x];
      const [small] = a.inputs;
      const mode = a.op === broadcastOp ? operandMode(small.shape, t.shape) : undefined;
      if (mode === 'channel' || mode === 'sampleChannel') {
        const { scale } = a.attrs as { scale: number };
        const operand =
          scale === 1
            ? small
            : new Tensor(
                pointwiseOp,
                [small],
                { stages: [{ op: 'mul', mode: 'immediate', immediate: scale }] },
                small.shape,
              );
        if (operand !== small) kept.push(operand);
        next = new Tensor(pointwiseOp, [x, operand], { stages: [{ ...stage, mode }] }, t.shape).named(...t.names);
      }
    }
    if (next !== t) {
      now.set(t, next);
      became.set(t, next);
    }
    kept.push(next);
  }
  return kept;
}

/** The sum of a product that nobody else reads becomes one op: the product is then never written out. */
function sumProducts(order: readonly Tensor[], roots: ReadonlySet<Tensor>, became: Map<Tensor, Tensor>): Tensor[] {
  const uses = countUses(order);
  const isProduct = (t: Tensor): boolean => {
    if (t.op !== pointwiseOp || uses.get(t) !== 1 || roots.has(t)) return false;
    const { stages } = t.attrs as unknown as PointwiseAttributes;
    return stages.length === 1 && stages[0].op === 'mul' && stages[0].mode === 'full';
  };
  const now = new Map<Tensor, Tensor>();
  const absorbed = new Set<Tensor>();
  const made = order.map((t) => {
    let next = withInputs(
      t,
      t.inputs.map((input) => now.get(input) ?? input),
    );
    if (t.op === sumOp && isProduct(t.inputs[0])) {
      next = new Tensor(sumOfProductsOp, next.inputs[0].inputs, t.attrs, t.shape).named(...t.names);
      absorbed.add(t.inputs[0]);
    }
    if (next !== t) {
      now.set(t, next);
      became.set(t, next);
    }
    return next;
  });
  const gone = new Set([...absorbed].map((t) => now.get(t) ?? t));
  return made.filter((t) => !gone.has(t));
}

/** Merges a pointwise node into its only user where that is pointwise too and keeps the shape. */
function fusePointwise(order: readonly Tensor[], roots: ReadonlySet<Tensor>, became: Map<Tensor, Tensor>): Tensor[] {
  const uses = countUses(order);
  const absorbed = new Set<Tensor>();
  const now = new Map<Tensor, Tensor>();
  const mergeable = (t: Tensor, into: number) =>
    t.op === pointwiseOp &&
    uses.get(t) === 1 &&
    !roots.has(t) &&
    (now.get(t)!.attrs as unknown as PointwiseAttributes).stages.length + into <= MAX_STAGES;

  for (const t of order) {
    let next = withInputs(
      t,
      t.inputs.map((input) => now.get(input) ?? input),
    );
    if (t.op === pointwiseOp) {
      const { stages } = t.attrs as unknown as PointwiseAttributes;
      let [head, ...operands] = t.inputs;
      const [stage] = stages;
      // x + f(y) is f(y) + x: the chain that can be continued goes first.
      if (!mergeable(head, 1) && stage.mode === 'full' && COMMUTES.has(stage.op) && mergeable(operands[0], 1))
        [head, operands[0]] = [operands[0], head];
      if (mergeable(head, 1)) {
        const before = now.get(head)!;
        const merged = [...(before.attrs as unknown as PointwiseAttributes).stages, ...stages];
        next = new Tensor(
          pointwiseOp,
          [...before.inputs, ...operands.map((o) => now.get(o) ?? o)],
          { stages: merged },
          t.shape,
        ).named(...t.names);
        absorbed.add(head);
      }
    }
    now.set(t, next);
  }
  for (const [t, next] of now) if (next !== t) became.set(t, next);
  return order.filter((t) => !absorbed.has(t)).map((t) => now.get(t)!);
}
