import type { Tensor } from '../../../../engine/tensor.ts';
import type { PointwiseAttributes } from '../../../../engine/ops/pointwise.ts';
import type { PointwiseName } from '../../../../kernels/pointwise/pointwise.ts';
import { sizeOf } from '../../fold_arrays.ts';
import { physical } from '../../layout.ts';
import { plainOrder } from '../../value.ts';
import type { Known, Placed, Ref, Written } from '../draft.ts';
import type { GraphWriter } from '../writer.ts';
import { withBias } from './products.ts';

/** What a stage is written as: x, and its operand where it has one; all nodes give values like x. */
type Row = (n: Nodes, x: Ref, a: Ref) => Ref;

/** Makes nodes whose outputs have the same dimensions. */
class Nodes {
  constructor(
    readonly w: GraphWriter,
    private readonly dims: readonly number[],
  ) {}

  node(op: string, ...inputs: readonly Ref[]): Ref {
    return this.w.node(op, inputs, this.dims);
  }

  /** The op with a number as its last input. */
  by(op: string, x: Ref, number: number): Ref {
    return this.node(op, x, this.w.scalar(number));
  }

  /** 1 where the comparison holds, else 0. */
  holds(op: string, x: Ref, a: Ref): Ref {
    return this.w.node('Cast', [this.node(op, x, a)], this.dims, { to: 1 });
  }

  /** x where s is positive, else y. */
  wherePositive(s: Ref, x: Ref, y: Ref): Ref {
    return this.node('Where', this.by('Greater', s, 0), x, y);
  }
}

const unary =
  (op: string): Row =>
  (n, x) =>
    n.node(op, x);
const binary =
  (op: string): Row =>
  (n, x, a) =>
    n.node(op, x, a);
const swapped =
  (op: string): Row =>
  (n, x, a) =>
    n.node(op, a, x);
const comparison =
  (op: string): Row =>
  (n, x, a) =>
    n.holds(op, x, a);

/** As kernels/pointwise/ops.wgsl has them. Gradients' rows but those of relu and `where` are no part of a network. */
const ROWS: Partial<Record<PointwiseName, Row>> = {
  add: binary('Add'),
  sub: binary('Sub'),
  rsub: swapped('Sub'),
  mul: binary('Mul'),
  div: binary('Div'),
  rdiv: swapped('Div'),
  max: binary('Max'),
  min: binary('Min'),
  pow: binary('Pow'),
  exp: unary('Exp'),
  log: unary('Log'),
  sqrt: unary('Sqrt'),
  square: (n, x) => n.node('Mul', x, x),
  abs: unary('Abs'),
  sigmoid: unary('Sigmoid'),
  tanh: unary('Tanh'),
  relu: unary('Relu'),
  silu: (n, x) => n.node('Mul', x, n.node('Sigmoid', x)),
  erf: unary('Erf'),
  expm1: (n, x) => n.by('Sub', n.node('Exp', x), 1),
  log1p: (n, x) => n.node('Log', n.by('Add', x, 1)),
  // Opset 17 has no Gelu: x · (1 + erf(x/√2)) / 2.
  gelu: (n, x) => n.by('Mul', n.node('Mul', x, n.by('Add', n.node('Erf', n.by('Div', x, Math.SQRT2)), 1)), 0.5),
  hard_swish: unary('HardSwish'),
  softplus: unary('Softplus'),
  floor: unary('Floor'),
  ceil: unary('Ceil'),
  round: unary('Round'),
  sign: unary('Sign'),
  less: comparison('Less'),
  less_equal: comparison('LessOrEqual'),
  greater: comparison('Greater'),
  greater_equal: comparison('GreaterOrEqual'),
  equal: comparison('Equal'),
  relu_grad: (n, x, a) => n.wherePositive(a, x, n.w.scalar(0)),
  unless: (n, x, a) => n.wherePositive(a, n.w.scalar(0), x),
};

/** One stage: what flows through, and its operand. */
export function writePointwise(w: GraphWriter, t: Tensor): Written {
  const { stages } = t.attrs as unknown as PointwiseAttributes;
  const [{ op, immediate }] = stages;
  const row = ROWS[op];
  if (!row || stages.length !== 1) return w.refuse(t, op);
  const [x, a] = t.inputs;
  if (op === 'add' && a) {
    const biased = withBias(w, t, x, a);
    if (biased) return biased;
  }
  if (!a) {
    const flowing = w.of(x);
    const order = orderOf(t, flowing, undefined);
    const ref = row(new Nodes(w, physical(t.shape, order)), w.arranged(flowing, order), w.scalar(immediate ?? 0));
    return { kind: 'placed', shape: t.shape, order, ref };
  }
  // ONNX repeats operands to their common shape: where that is the result's, nothing is repeated before.
  const sources = [w.of(unrepeated(x)), w.of(unrepeated(a))];
  const fills = sources.some(({ kind }) => kind === 'placed') && isCommonShape(t.shape, sources.map(lengths));
  const [flowing, operand] = fills ? sources : [w.of(x), sources[1]];
  const order = orderOf(t, flowing, operand);
  const from = fills ? fitted(w, flowing, order) : w.arranged(flowing, order);
  const ref = row(new Nodes(w, physical(t.shape, order)), from, fitted(w, operand, order));
  return { kind: 'placed', shape: t.shape, order, ref };
}

/** Of one number everywhere only the number is written. */
const lengths = (v: Written): readonly number[] => (v.kind === 'known' && typeof v.data === 'number' ? [] : v.shape);

const isCommonShape = (shape: readonly number[], operands: readonly (readonly number[])[]): boolean =>
  shape.every((n, d) => operands.some((own) => (own[own.length - shape.length + d] ?? 1) === n));

/** What x repeats, if it does. */
function unrepeated(x: Tensor): Tensor {
  const isRepeated = x.op.name === 'broadcast' && x.attrs['scale'] === 1;
  return isRepeated ? unrepeated(x.inputs[0]) : x;
}

/** The order of dimensions in which the result is: that of what is computed and is the largest. */
function orderOf(t: Tensor, x: Written, a: Written | undefined): readonly number[] {
  const placed = [x, a].filter((v): v is Placed => v?.kind === 'placed' && !v.pending);
  const ofRank = placed.filter(({ shape }) => shape.length === t.shape.length);
  return ofRank.sort((p, q) => sizeOf(q.shape) - sizeOf(p.shape))[0]?.order ?? plainOrder(t.shape.length);
}

/** An operand that is repeated to a result in this order of dimensions: without leading dimensions of length 1. */
export function fitted(w: GraphWriter, a: Written, order: readonly number[]): Ref {
  const [rank, own] = [order.length, a.shape.length];
  const shape = [...Array<number>(rank - own).fill(1), ...a.shape];
  const dims = physical(shape, order);
  const leading = dims.findIndex((n) => n !== 1);
  const short = leading < 0 ? [] : dims.slice(leading);
  if (a.kind === 'known')
    return typeof a.data === 'number' ? w.scalar(a.data) : w.filedIn(widened(a, shape), order, short);
  return w.arranged(widenedPlace(w, a, shape), order);
}

const widened = (a: Known, shape: readonly number[]): Known => ({ ...a, shape });

/** With more dimensions of length 1 in front. */
function widenedPlace(w: GraphWriter, value: Placed, shape: readonly number[]): Placed {
  const a = w.settle(value);
  const more = shape.length - a.shape.length;
  if (more === 0) return a;
  const order = [...plainOrder(more), ...a.order.map((axis) => axis + more)];
  return { kind: 'placed', shape, order, ref: w.reshape(a.ref, physical(shape, order)) };
}
