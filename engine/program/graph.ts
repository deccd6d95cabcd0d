import type { Capabilities, OpDef } from '../op.ts';
import { Tensor, topologicalOrder } from '../tensor.ts';
import { operandMode, pointwiseOp, type PointwiseAttributes } from '../ops/pointwise.ts';
import { broadcastOp, sumOfProductsOp, sumOp } from '../ops/reduce.ts';
import { MAX_STAGES, type PointwiseStage } from '../../kernels/pointwise/pointwise.ts';
import { foldBatchNorms, fuseEpilogues } from './epilogue.ts';
import { gateBatchNorms } from './gates.ts';
import { normaliseOnRead } from './normalised.ts';
import { recompute, type Recompute } from './recompute.ts';
import { addResiduals } from './residuals.ts';
import { COMMUTES, countUses, rewriteEach } from './rewrite.ts';
import { sumWhereMade } from './summed.ts';

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
 * @param capabilities which kernels there are; on a CPU arithmetic is dearer than memory, and nothing is made again for
 *   every pixel that is read
 */
export function buildGraph(roots: readonly Tensor[], again: Recompute | 'nothing', capabilities: Capabilities): Graph {
  const { software } = capabilities;
  const order = topologicalOrder(roots).sort((a, b) => a.id - b.id);
  if (again === 'nothing') return { order, resolve: (t) => t };

  const became = new Map<Tensor, Tensor>();
  const resolve = (t: Tensor): Tensor => {
    const now = became.get(t);
    return now ? resolve(now) : t;
  };
  const rooted = () => new Set(roots.map(resolve));
  /** Without what nobody reads any more: it is not computed, and no reader that hinders a fusion. */
  const alive = (tensors: readonly Tensor[]) => {
    const live = new Set(topologicalOrder([...rooted()]));
    return tensors.filter((t) => live.has(t));
  };
  let now = shareEqual(order, became);
  now = readBroadcasts(now, became);
  now = sumProducts(now, rooted(), became);
  now = foldBatchNorms(now, rooted(), became);
  now = alive(gateBatchNorms(now, rooted(), became));
  now = fusePointwise(now, rooted(), became);
  now = fuseEpilogues(now, rooted(), became);
  now = addResiduals(now, rooted(), became);
  if (!software) now = normaliseOnRead(now, rooted(), became, capabilities);
  if (!software) now = sumWhereMade(now, became);
  return { order: recompute(alive(now), rooted(), again, became), resolve };
}

/** For JSON, which writes infinities and NaN as null and -0 as 0. */
const exactNumbers = (_: string, value: unknown): unknown =>
  typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
    ? `number ${Object.is(value, -0) ? '-0' : value}`
    : value;

/** Common subexpressions: the same op with the same attributes on the same inputs is computed once. */
function shareEqual(order: readonly Tensor[], became: Map<Tensor, Tensor>): Tensor[] {
  // By op and not by its name: a user may give two ops one name.
  const seen = new Map<OpDef, Map<string, Tensor>>();
  return rewriteEach(order, became, (t, moved) => {
    // Leaves are state or input, and updates have effects: neither is a value one could share.
    if (isLeaf(t) || t.op.mutates.length > 0) return undefined;
    const key = JSON.stringify([moved.inputs.map((i) => i.id), t.attrs, t.shape], exactNumbers);
    const ofOp = seen.get(t.op) ?? new Map<string, Tensor>();
    const twin = ofOp.get(key);
    if (!twin) seen.set(t.op, ofOp.set(key, moved));
    return twin && { next: twin, isMade: true };
  });
}

/**
 * A tensor that a pointwise op repeats on its own reads the small one directly instead: what is repeated is then never
 * written out.
 */
function readBroadcasts(order: readonly Tensor[], became: Map<Tensor, Tensor>): Tensor[] {
  return rewriteEach(order, became, (t, moved) => {
    if (t.op !== pointwiseOp) return undefined;
    const [stage] = stagesOf(t);
    if (stage.mode !== 'full') return undefined;
    let [x, a] = moved.inputs;
    if (x.op === broadcastOp && COMMUTES.has(stage.op)) [x, a] = [a, x];
    if (a.op !== broadcastOp) return undefined;
    const [small] = a.inputs;
    const mode = operandMode(small.shape, t.shape);
    if (mode !== 'channel' && mode !== 'sampleChannel') return undefined;
    const { scale } = a.attrs as { scale: number };
    const operand = scale === 1 ? small : pointwiseOp([small], { stages: [times(scale)] });
    return {
      next: new Tensor(pointwiseOp, [x, operand], { stages: [{ ...stage, mode }] }, t.shape).named(...t.names),
      before: operand === small ? [] : [operand],
    };
  });
}

const stagesOf = (t: Tensor): readonly PointwiseStage[] => (t.attrs as unknown as PointwiseAttributes).stages;
const times = (immediate: number): PointwiseStage => ({ op: 'mul', mode: 'immediate', immediate });

/** The sum of a product that nobody else reads becomes one op: the product is then never written out. */
function sumProducts(order: readonly Tensor[], roots: ReadonlySet<Tensor>, became: Map<Tensor, Tensor>): Tensor[] {
  const uses = countUses(order);
  const isProduct = (t: Tensor): boolean => {
    if (t.op !== pointwiseOp || uses.get(t) !== 1 || roots.has(t)) return false;
    const stages = stagesOf(t);
    return stages.length === 1 && stages[0].op === 'mul' && stages[0].mode === 'full';
  };
  return rewriteEach(order, became, (t, moved) => {
    const [product] = t.inputs;
    if (t.op !== sumOp || !isProduct(product)) return undefined;
    const next = new Tensor(sumOfProductsOp, moved.inputs[0].inputs, t.attrs, t.shape).named(...t.names);
    return { next, absorbed: product };
  });
}

/** Merges a pointwise node into its only user where that is pointwise too and keeps the shape. */
function fusePointwise(order: readonly Tensor[], roots: ReadonlySet<Tensor>, became: Map<Tensor, Tensor>): Tensor[] {
  const uses = countUses(order);
  return rewriteEach(order, became, (t, _, now) => {
    if (t.op !== pointwiseOp) return undefined;
    const stages = stagesOf(t);
    const mergeable = (head: Tensor) =>
      head.op === pointwiseOp &&
      uses.get(head) === 1 &&
      !roots.has(head) &&
      stagesOf(now(head)).length + 1 <= MAX_STAGES;
    let [head, ...operands] = t.inputs;
    // x + f(y) is f(y) + x: the chain that can be continued goes first.
    if (!mergeable(head) && stages[0].mode === 'full' && COMMUTES.has(stages[0].op) && mergeable(operands[0]))
      [head, operands[0]] = [operands[0], head];
    if (!mergeable(head)) return undefined;
    const before = now(head);
    const inputs = [...before.inputs, ...operands.map(now)];
    const merged = { stages: [...stagesOf(before), ...stages] };
    return { next: new Tensor(pointwiseOp, inputs, merged, t.shape).named(...t.names), absorbed: head };
  });
}
