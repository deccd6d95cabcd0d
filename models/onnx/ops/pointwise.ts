import {
  celu,
  elu,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  mish,
  prelu,
  selu,
  softplus,
  softsign,
  thresholdedRelu,
} from '../../../engine/ops/activations.ts';
import { constant, reshape } from '../../../engine/ops/leaves.ts';
import {
  equal,
  isNaN as isNan,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  notEqual,
  where,
} from '../../../engine/ops/logic.ts';
import {
  abs,
  add,
  ceil,
  div,
  erf,
  exp,
  floor,
  greater,
  greaterEqual,
  log,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  reciprocal,
  relu,
  round,
  rsub,
  sigmoid,
  sign,
  silu,
  sqrt,
  sub,
  tanh,
} from '../../../engine/ops/pointwise.ts';
import type { Tensor } from '../../../engine/tensor.ts';
import { commonShape } from '../arguments.ts';
import { arranged, computed, extended } from '../layout.ts';
import type { Lowering, OnnxOp } from '../lowering.ts';
import { castNumber } from '../fold.ts';
import { typeByNumber } from '../tensor_data.ts';
import { isFloat, isWhole, plainOrder, type Computed, type OnnxType, type Value } from '../value.ts';

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

/** A limit of Clip: an attribute before opset 11 and an input since. */
const limit = (l: Lowering, i: number, name: string): Operand | undefined =>
  l.inputs[i]?.kind === 'computed' ? reshape(l.computed(i).tensor, []) : l.knownNumber(i, name);

function clipped(x: Tensor, l: Lowering): Tensor {
  const low = limit(l, 1, 'min') ?? -Infinity;
  const high = limit(l, 2, 'max') ?? Infinity;
  // A relu is what the engine joins to the op before it.
  const cut = low === 0 ? relu(x) : low === -Infinity ? x : maximum(x, low);
  return high === Infinity ? cut : minimum(cut, high);
}

/** Towards 0. */
export const truncated = (x: Tensor): Tensor => mul(sign(x), floor(abs(x)));

/**
 * How often the whole number b, above 0, goes into the whole number a, not below 0: of a quotient that is rounded the
 * wrong way, half of 1/b is enough to be right.
 */
const wholeQuotient = (a: Tensor, b: Tensor): Tensor => floor(div(add(a, 0.5), b));

/** What an element of type `from` becomes as one of type `to`. */
function castNumbers({ node }: Lowering, x: Tensor, from: OnnxType, to: OnnxType): Tensor {
  if (to === 'string') node.fail('text is not computed here');
  if (to === 'bool') return from === 'bool' ? x : notEqual(x, 0);
  return isWhole(to) && isFloat(from) ? truncated(x) : x;
}

const cast = (typeFor: (l: Lowering) => OnnxType): OnnxOp => ({
  takesPending: true,
  lower(l) {
    const type = typeFor(l);
    const held = l.value(0);
    if (held.kind === 'constant' && type !== 'string') {
      const name = held.name && l.node.outputs[0];
      return {
        kind: 'constant',
        type,
        shape: held.shape,
        data: held.data.map(castNumber(type)),
        ...(name && { name }),
      };
    }
    const x = l.computed(0);
    return { ...x, tensor: castNumbers(l, x.tensor, x.type, type), type };
  },
});

function castType({ node }: Lowering): OnnxType {
  const number = node.int('to', 0);
  return typeByNumber(number) ?? node.fail(`there is no type number ${number}`);
}

/** Whole numbers are divided towards 0. */
function divided(): OnnxOp {
  const quotient = binary(div, (y, x) => div(constant(x), y));
  return {
    ...quotient,
    lower(l) {
      if (!isWhole(l.value(0).type)) return quotient.lower(l);
      const { operands, shape } = aligned(l, [l.value(0), l.value(1)]);
      const [a, b] = operands.map(({ tensor }) => tensor);
      const y = mul(wholeQuotient(abs(a), abs(b)), mul(sign(a), sign(b)));
      return computed(y, shape, operands[0].order, operands[0].type);
    },
  };
}

/** The remainder with the divisor's sign, or with fmod that of the dividend. */
const remainder: OnnxOp = {
  lower(l) {
    const { operands, shape } = aligned(l, [l.value(0), l.value(1)]);
    const [a, b] = operands.map(({ tensor }) => tensor);
    const isDividends = l.node.int('fmod', 0) === 1;
    const [{ order, type }] = operands;
    const of = (y: Tensor) => computed(y, shape, order, type);
    if (!isWhole(type)) {
      const ratio = div(a, b);
      return of(sub(a, mul(b, isDividends ? truncated(ratio) : floor(ratio))));
    }
    const size = abs(b);
    const rest = sub(abs(a), mul(wholeQuotient(abs(a), size), size));
    const signed = mul(rest, sign(a));
    if (isDividends) return of(signed);
    // With the other sign it is what is missing to the divisor.
    return of(where(less(mul(signed, b), 0), add(signed, b), signed));
  },
};

const chosen: OnnxOp = {
  lower(l) {
    const { operands, shape } = aligned(
      l,
      [0, 1, 2].map((i) => l.value(i)),
    );
    const [condition, x, y] = operands.map(({ tensor }) => tensor);
    return computed(where(condition, x, y), shape, operands[0].order, operands[1].type);
  },
};

/** PRelu: slopes broadcast to x, and are weights. */
const prelus: OnnxOp = {
  lower(l) {
    const { operands, shape } = aligned(l, [l.value(0), l.value(1)], true);
    return computed(prelu(operands[0].tensor, operands[1].tensor), shape, operands[0].order, operands[0].type);
  },
};

/** Of two tensors; a number in the first place becomes one. */
const pairs = (f: (x: Tensor, y: Operand) => Tensor, type?: OnnxType): OnnxOp =>
  binary(f, (y, x) => f(constant(x), y), { type });

/** Powers of whole numbers are whole: what is missing to one by rounding is given before the rest is cut off. */
function powers(): OnnxOp {
  const power = pairs(pow);
  return {
    ...power,
    lower(l) {
      const y = power.lower(l) as Computed;
      const { type } = l.value(0);
      return isWhole(type) ? { ...y, tensor: truncated(mul(y.tensor, 1 + 2 ** -16)), type } : { ...y, type };
    },
  };
}

/** x - x is NaN where x is infinite, and x is not. */
function isInfinite(x: Tensor, { node }: Lowering): Tensor {
  const either = logicalAnd(isNan(sub(x, x)), logicalNot(isNan(x)));
  const [negative, positive] = [node.int('detect_negative', 1), node.int('detect_positive', 1)];
  if (negative && positive) return either;
  return mul(either, negative ? less(x, 0) : positive ? greater(x, 0) : 0);
}

const alpha = ({ node }: Lowering, absent: number): number => node.float('alpha', absent);

export const pointwiseOps = (): Readonly<Record<string, OnnxOp>> => ({
  Abs: unary(abs),
  Ceil: unary(ceil),
  Celu: unary((x, l) => celu(x, alpha(l, 1))),
  Clip: unary(clipped),
  Elu: unary((x, l) => elu(x, alpha(l, 1))),
  Erf: unary(erf),
  Exp: unary(exp),
  Floor: unary(floor),
  Gelu: unary((x, { node }) => gelu(x, node.text('approximate', 'none') === 'tanh' ? { approximate: 'tanh' } : {})),
  HardSigmoid: unary((x, l) => hardSigmoid(x, alpha(l, 0.2), l.node.float('beta', 0.5))),
  HardSwish: unary(hardSwish),
  IsInf: unary(isInfinite, 'bool'),
  IsNaN: unary(isNan, 'bool'),
  LeakyRelu: unary((x, l) => leakyRelu(x, alpha(l, 0.01))),
  Log: unary(log),
  Mish: unary(mish),
  Neg: unary(neg),
  Not: unary(logicalNot),
  Reciprocal: unary(reciprocal),
  Relu: unary(relu),
  Round: unary(round),
  Selu: unary((x, l) =>
    l.node.has('alpha') || l.node.has('gamma')
      ? mul(elu(x, alpha(l, 1.6732632423543772)), l.node.float('gamma', 1.0507009873554805))
      : selu(x),
  ),
  Shrink: unary((x, { node }) => shrunk(x, node.float('lambd', 0.5), node.float('bias', 0))),
  Sigmoid: unary(sigmoid),
  Sign: unary(sign),
  Softplus: unary(softplus),
  Softsign: unary(softsign),
  Sqrt: unary(sqrt),
  Tanh: unary(tanh),
  ThresholdedRelu: unary((x, l) => thresholdedRelu(x, alpha(l, 1))),
  Cast: cast(castType),
  CastLike: cast((l) => l.value(1).type),
  Add: commutes(add),
  Mul: commutes(mul),
  Sub: binary(sub, (y, x) => rsub(y, x)),
  Div: divided(),
  Mod: remainder,
  Pow: powers(),
  PRelu: prelus,
  Max: folded(maximum),
  Min: folded(minimum),
  Sum: folded(add),
  Mean: folded(add, (x, count) => mul(x, 1 / count)),
  And: pairs((x, y) => logicalAnd(x, asTensor(y)), 'bool'),
  Or: pairs((x, y) => logicalOr(x, asTensor(y)), 'bool'),
  Xor: pairs((x, y) => logicalXor(x, asTensor(y)), 'bool'),
  Equal: pairs(equal, 'bool'),
  Less: pairs(less, 'bool'),
  LessOrEqual: pairs(lessEqual, 'bool'),
  Greater: pairs(greater, 'bool'),
  GreaterOrEqual: pairs(greaterEqual, 'bool'),
  Where: chosen,
  // Patterns that were recognised (patterns.ts).
  Silu: unary(silu),
});

const asTensor = (y: Operand): Tensor => (typeof y === 'number' ? constant(y) : y);

/** x moved by `bias` towards 0 where |x| > limit, else 0. */
const shrunk = (x: Tensor, limit: number, bias: number): Tensor =>
  where(greater(x, limit), sub(x, bias), where(less(x, -limit), add(x, bias), 0));
