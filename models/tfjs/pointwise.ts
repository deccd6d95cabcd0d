import type { ClipByValueAttrs, EluGradInputs, LeakyReluAttrs, StepAttrs } from '@tensorflow/tfjs-core';
import { clip, elu, leakyRelu, prelu, relu6, selu, softplus } from '../../engine/ops/activations.ts';
import { constant } from '../../engine/ops/leaves.ts';
import * as logic from '../../engine/ops/logic.ts';
import {
  abs,
  add,
  ceil,
  div,
  erf,
  exp,
  expm1,
  floor,
  greater,
  greaterEqual,
  log,
  log1p,
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
  sqrt,
  square,
  sub,
  tanh,
} from '../../engine/ops/pointwise.ts';
import { reshape } from '../../engine/ops/leaves.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Row, Rows } from './call.ts';

type Unary = (x: Tensor) => Tensor;
type Binary = (a: Tensor, b: Tensor) => Tensor;

const LARGEST = 3.4028234663852886e38;
const isFinite_ = (x: Tensor): Tensor => logic.lessEqual(abs(x), LARGEST);

const FLOAT: Readonly<Record<string, Unary>> = {
  Exp: exp,
  Expm1: expm1,
  Log: log,
  Log1p: log1p,
  Sqrt: sqrt,
  Rsqrt: (x) => reciprocal(sqrt(x)),
  Sigmoid: sigmoid,
  Tanh: tanh,
  Softplus: softplus,
  Erf: erf,
  Elu: (x) => elu(x),
  Selu: selu,
  Reciprocal: reciprocal,
  Sinh: (x) => mul(sub(expm1(x), expm1(neg(x))), 0.5),
  Cosh: (x) => mul(add(exp(x), exp(neg(x))), 0.5),
  Asinh: (x) => mul(log1p(add(abs(x), div(square(x), add(sqrt(add(square(x), 1)), 1)))), sign(x)),
  Acosh: (x) => log(add(x, sqrt(add(square(x), -1)))),
  Atanh: (x) => mul(log1p(div(mul(x, 2), rsub(x, 1))), 0.5),
};

/** The result holds what the input does. */
const SAME: Readonly<Record<string, Unary>> = {
  Abs: abs,
  Neg: neg,
  Square: square,
  // NaN has no sign, and tfjs gives it 0.
  Sign: (x) => logic.where(logic.isNaN(x), 0, sign(x)),
  Floor: floor,
  Ceil: ceil,
  Round: round,
  Relu: relu,
  Relu6: relu6,
  ZerosLike: (x) => constant(0, x.shape),
  OnesLike: (x) => constant(1, x.shape),
};

const TRUTH: Readonly<Record<string, Unary>> = {
  IsNan: logic.isNaN,
  IsFinite: isFinite_,
  IsInf: (x) => logic.equal(abs(x), Infinity),
  LogicalNot: logic.logicalNot,
};

/** ⌊a / b⌋ of whole numbers too: a quotient that rounding brought to the wrong side is moved back. */
function floorDiv(a: Tensor, b: Tensor): Tensor {
  const q = floor(div(a, b));
  // The remainder, as if b were positive: from 0 to below |b|.
  const rest = mul(sub(a, mul(q, b)), sign(b));
  return sub(add(q, greaterEqual(rest, abs(b))), logic.less(rest, 0));
}

const ARITHMETIC: Readonly<Record<string, Binary>> = {
  Add: add,
  Sub: sub,
  Multiply: mul,
  Maximum: maximum,
  Minimum: minimum,
  SquaredDifference: (a, b) => square(sub(a, b)),
  Mod: (a, b) => sub(a, mul(floorDiv(a, b), b)),
};

const COMPARISONS: Readonly<Record<string, Binary>> = {
  Equal: logic.equal,
  NotEqual: logic.notEqual,
  Greater: greater,
  GreaterEqual: greaterEqual,
  Less: logic.less,
  LessEqual: logic.lessEqual,
  LogicalAnd: logic.logicalAnd,
  LogicalOr: logic.logicalOr,
};

const rowsOf = <F>(table: Readonly<Record<string, F>>, row: (f: F) => Row): Rows =>
  Object.fromEntries(Object.entries(table).map(([name, f]) => [name, row(f)]));

/** Kernels that compute each number from the numbers in its place. */
export const POINTWISE: Rows = {
  ...rowsOf(FLOAT, (f) => (call) => f(call.x())),
  ...rowsOf(SAME, (f) => (call) => ({ tensor: f(call.x()), dtype: call.dtype() })),
  ...rowsOf(TRUTH, (f) => (call) => ({ tensor: f(call.x()), dtype: 'bool' })),
  ...rowsOf(ARITHMETIC, (f) => (call) => ({ tensor: f(call.x('a'), call.x('b')), dtype: call.common() })),
  ...rowsOf(COMPARISONS, (f) => (call) => ({ tensor: f(call.x('a'), call.x('b')), dtype: 'bool' })),
  RealDiv: (call) => div(call.x('a'), call.x('b')),
  FloorDiv: (call) => ({ tensor: floorDiv(call.x('a'), call.x('b')), dtype: 'int32' }),
  Pow(call) {
    const dtype = call.common();
    const power = pow(call.x('a'), call.x('b'));
    return { tensor: dtype === 'int32' ? round(power) : power, dtype };
  },
  AddN: (call) => ({ tensor: call.list.map((t) => call.backend.tensorOf(t)).reduce(add), dtype: call.list[0].dtype }),
  Prelu: (call) => prelu(call.x(), call.x('alpha')),
  LeakyRelu: (call) => leakyRelu(call.x(), call.attrs<LeakyReluAttrs>().alpha),
  // From the output: exp(x) − 1 + 1 below 0.
  EluGrad(call) {
    const y = call.x('y' satisfies keyof EluGradInputs);
    return mul(call.x('dy'), logic.where(greaterEqual(y, 0), 1, add(y, 1)));
  },
  Step(call) {
    const x = call.x();
    const { alpha } = call.attrs<StepAttrs>();
    // NaN stays NaN in both: as a sign, and as the larger of two.
    const isShare = 0 <= alpha && alpha <= 1;
    const step = isShare
      ? maximum(sign(x), alpha)
      : logic.where(logic.isNaN(x), x, logic.where(greater(x, 0), 1, alpha));
    return { tensor: step, dtype: call.dtype() };
  },
  ClipByValue(call) {
    const { clipValueMin, clipValueMax } = call.attrs<ClipByValueAttrs>();
    return { tensor: clip(call.x(), clipValueMin, clipValueMax), dtype: call.dtype() };
  },
  Select(call) {
    const [condition, t, e] = ['condition', 't', 'e'].map((name) => call.x(name));
    // A condition for each entry of the first axis.
    const isRow = condition.shape.length === 1 && t.shape.length > 1;
    const chosen = isRow ? reshape(condition, [condition.size, ...t.shape.slice(1).map(() => 1)]) : condition;
    return { tensor: logic.where(chosen, t, e), dtype: call.common('t', 'e') };
  },
};
