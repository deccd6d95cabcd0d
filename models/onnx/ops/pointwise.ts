import {
  abs,
  add,
  div,
  exp,
  log,
  maximum,
  minimum,
  mul,
  neg,
  relu,
  sigmoid,
  silu,
  sqrt,
  square,
  sub,
  tanh,
} from '../../../engine/ops/pointwise.ts';
import type { Tensor } from '../../../engine/tensor.ts';
import { commonShape } from '../arguments.ts';
import { arranged, computed, extended } from '../layout.ts';
import type { Lowering, OnnxOp } from '../lowering.ts';
import { plainOrder, type Computed, type OnnxType, type Value } from '../value.ts';

/** f of each number: in any order of axes, and before a transposition as well as after it. */
export const unary = (f: (x: Tensor, l: Lowering) => Tensor, type?: OnnxType): OnnxOp => ({
  takesPending: true,
  lower(l) {
    const x = l.computed(0);
    return { ...x, tensor: f(x.tensor, l), type: type ?? x.type };
  },
});

type Operand = Tensor | number;

/** A value of one number as that number, if it is known. */
const numberOf = (value: Value): number | undefined =>
  value.kind === 'constant' && value.data.length === 1 ? value.data[0] : undefined;

/**
 * Values as tensors that broadcast with one another in the engine: in the order of axes in which the largest of them
 * lies already.
 */
export function aligned(
  l: Lowering,
  values: readonly Value[],
  trains = false,
): { operands: Computed[]; shape: number[] } {
  const shape = commonShape(l.node, ...values.map((v) => v.shape));
  const rank = shape.length;
  const wide = values.map((v) => (v.kind === 'computed' ? extended(v, rank) : v));
  const size = (v: Computed) => v.tensor.size;
  const largest = wide
    .filter((v) => v.kind === 'computed')
    .reduce<Computed | undefined>((best, v) => (best && size(best) >= size(v) ? best : v), undefined);
  const order = largest?.order ?? plainOrder(rank);
  const operands = wide.map((v) => {
    if (v.kind === 'computed') return computed(arranged(v, order), v.shape, order, v.type);
    const full = { ...v, shape: [...Array<number>(rank - v.shape.length).fill(1), ...v.shape] };
    return trains && isVector(v.shape) ? l.vectorIn(full, order) : l.constantIn(full, order);
  });
  return { operands, shape };
}

/** Whether a constant could be a layer's bias or scale: more than one number, along one axis. */
const isVector = (shape: readonly number[]): boolean => shape.filter((n) => n !== 1).length === 1;

/** f of pairs of numbers; where one operand is one known number it is compiled in. */
export const binary = (
  f: (x: Tensor, y: Operand) => Tensor,
  swapped: (y: Tensor, x: number) => Tensor,
  { type, trains = false }: { type?: OnnxType; trains?: boolean } = {},
): OnnxOp => ({
  takesPending: true,
  lower(l) {
    const [a, b] = [l.value(0), l.value(1)];
    const [p, q] = [numberOf(a), numberOf(b)];
    const out = type ?? a.type;
    if (a.kind === 'computed' && q !== undefined && b.shape.length <= a.shape.length)
      return { ...a, tensor: f(a.tensor, q), type: out };
    if (b.kind === 'computed' && p !== undefined && a.shape.length <= b.shape.length)
      return { ...b, tensor: swapped(b.tensor, p), type: out };
    const { operands, shape } = aligned(l, [a, b], trains);
    const [x, y] = operands;
    return computed(f(x.tensor, y.tensor), shape, x.order, out);
  },
});

/** Its vectors are weights: biases and scales. */
const commutes = (f: (x: Tensor, y: Operand) => Tensor): OnnxOp => binary(f, f, { trains: true });

/** f over any number of inputs. */
const folded = (
  f: (x: Tensor, y: Tensor) => Tensor,
  finish: (x: Tensor, count: number) => Tensor = (x) => x,
): OnnxOp => ({
  lower(l) {
    const values = l.inputs.filter((v) => v !== undefined);
    const { operands, shape } = aligned(l, values.length > 0 ? values : [l.value(0)]);
    const [first, ...rest] = operands;
    const y = rest.reduce((sum, { tensor }) => f(sum, tensor), first.tensor);
    return computed(finish(y, operands.length), shape, first.order, first.type);
  },
});

/** Clip: limits are attributes before opset 11 and inputs since. */
function clip(x: Tensor, l: Lowering): Tensor {
  const low = l.knownNumber(1, 'min') ?? -Infinity;
  const high = l.knownNumber(2, 'max') ?? Infinity;
  const isRelu = low === 0;
  const cut = isRelu ? relu(x) : low > -Infinity ? maximum(x, low) : x;
  return high < Infinity ? minimum(cut, high) : cut;
}

export const POINTWISE_OPS: Readonly<Record<string, OnnxOp>> = {
  Abs: unary(abs),
  Exp: unary(exp),
  Log: unary(log),
  Neg: unary(neg),
  Relu: unary(relu),
  Sigmoid: unary(sigmoid),
  Sqrt: unary(sqrt),
  Tanh: unary(tanh),
  HardSigmoid: unary((x, { node }) => minimum(relu(add(mul(x, node.float('alpha', 0.2)), node.float('beta', 0.5))), 1)),
  HardSwish: unary((x) => mul(mul(minimum(relu(add(x, 3)), 6), x), 1 / 6)),
  Clip: unary(clip),
  Add: commutes(add),
  Mul: commutes(mul),
  Sub: binary(sub, (y, x) => add(neg(y), x)),
  Div: binary(div, (y, x) => mul(div(y, square(y)), x)),
  Max: folded(maximum),
  Min: folded(minimum),
  Sum: folded(add),
  Mean: folded(add, (x, count) => mul(x, 1 / count)),
  // Patterns that were recognised (patterns.ts).
  Silu: unary(silu),
};
