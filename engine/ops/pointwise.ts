import {
  pointwise,
  pointwiseChoices,
  type OperandMode,
  type PointwiseName,
  type PointwiseStage,
} from '../../kernels/pointwise/pointwise.ts';
import { defineOp, type BufferRef, type LowerContext, type Step } from '../op.ts';
import { checkTensors, sameShape, shapeError, sizeOf, type Shape, type Tensor } from '../tensor.ts';

import { zeros } from './leaves.ts';
import { broadcastTo, sumTo } from './reduce.ts';

/**
 * A chain of stages over `x`; a stage whose mode is not `immediate` takes the next operand. User graphs have one stage
 * a node.
 */
export interface PointwiseAttributes {
  readonly stages: readonly PointwiseStage[];
}

/** The derivative of one stage: the cotangents of what flows through (`x`) and of its tensor operand (`a`). */
interface Row {
  readonly x?: (dy: Tensor, x: Tensor, a: Tensor | number, y: Tensor) => Tensor;
  readonly a?: (dy: Tensor, x: Tensor, a: Tensor, y: Tensor) => Tensor;
}

// Indicators and what rounds are flat wherever they have a derivative.
const flat = (dy: Tensor): Tensor => zeros(dy.shape);

// y = op(x, a). One row an op: what its WGSL case (kernels/pointwise/ops.wgsl) differentiates to.
const TABLE: Partial<Record<PointwiseName, Row>> = {
  add: { x: (dy) => dy, a: (dy) => dy },
  sub: { x: (dy) => dy, a: (dy) => neg(dy) },
  rsub: { x: (dy) => neg(dy), a: (dy) => dy },
  mul: { x: (dy, _, a) => mul(dy, a), a: (dy, x) => mul(dy, x) },
  div: { x: (dy, _, a) => div(dy, a), a: (dy, _, a, y) => neg(mul(dy, div(y, a))) },
  rdiv: { x: (dy, x, _, y) => neg(mul(dy, div(y, x))), a: (dy, x) => div(dy, x) },
  // The cotangent goes where the value came from: to x at a tie and where x is NaN.
  max: {
    x: (dy, x, a) => binary('relu_grad', dy, binary('takes_max', x, a)),
    a: (dy, x, a) => binary('relu_grad', dy, rsub(binary('takes_max', x, a), 1)),
  },
  min: {
    x: (dy, x, a) => binary('relu_grad', dy, binary('takes_min', x, a)),
    a: (dy, x, a) => binary('relu_grad', dy, rsub(binary('takes_min', x, a), 1)),
  },
  exp: { x: (dy, _, __, y) => mul(dy, y) },
  log: { x: (dy, x) => div(dy, x) },
  sqrt: { x: (dy, _, __, y) => div(mul(dy, 0.5), y) },
  square: { x: (dy, x) => mul(mul(dy, 2), x) },
  abs: { x: (dy, x) => binary('abs_grad', dy, x) },
  sigmoid: { x: (dy, _, __, y) => binary('sigmoid_grad', dy, y) },
  tanh: { x: (dy, _, __, y) => binary('tanh_grad', dy, y) },
  // From the output, which is positive where the input is: then nothing holds the input, and a convolution can take the
  // relu as its epilogue.
  relu: { x: (dy, _, __, y) => binary('relu_grad', dy, y) },
  silu: { x: (dy, x) => binary('silu_grad', dy, x) },
  // Second derivatives: the cotangent enters linearly; silu'' is σ(1 − σ)(2 + s(1 − 2σ)), and the others' second
  // derivatives are polynomials in the output. Those of relu and abs are 0.
  relu_grad: { x: (dy, _, a) => binary('relu_grad', dy, a as Tensor), a: flat },
  abs_grad: { x: (dy, _, a) => binary('abs_grad', dy, a as Tensor), a: flat },
  sigmoid_grad: {
    x: (dy, _, a) => binary('sigmoid_grad', dy, a as Tensor),
    a: (dy, x, a) => mul(mul(dy, x), rsub(mul(a, 2), 1)),
  },
  tanh_grad: { x: (dy, _, a) => binary('tanh_grad', dy, a as Tensor), a: (dy, x, a) => mul(mul(dy, x), mul(a, -2)) },
  silu_grad: {
    x: (dy, _, a) => binary('silu_grad', dy, a as Tensor),
    a: (dy, x, a) => mul(binary('sigmoid_grad', mul(dy, x), sigmoid(a)), add(mul(a, rsub(mul(sigmoid(a), 2), 1)), 2)),
  },
  expm1: { x: (dy, _, __, y) => mul(dy, add(y, 1)) },
  log1p: { x: (dy, x) => div(dy, add(x, 1)) },
  // 2/√π · exp(−x²)
  erf: { x: (dy, x) => mul(exp(rsub(square(x), Math.log(2 / Math.sqrt(Math.PI)))), dy) },
  // The slope in x is 0 where a is, and that in a where x is 0 and a is not negative, as in PyTorch: the formulas give
  // NaN there.
  pow: {
    x: (dy, x, a) => {
      if (typeof a === 'number') return a === 0 ? zeros(dy.shape) : mul(mul(pow(x, a - 1), a), dy);
      return binary('unless', mul(mul(pow(x, sub(a, 1)), a), dy), binary('equal', a, 0));
    },
    a: (dy, x, a, y) => {
      const isFlat = mul(binary('equal', x, 0), binary('greater_equal', a, 0));
      return binary('unless', mul(mul(log(x), y), dy), isFlat);
    },
  },
  gelu: { x: (dy, x) => binary('gelu_grad', dy, x) },
  hard_swish: { x: (dy, x) => binary('hard_swish_grad', dy, x) },
  softplus: { x: (dy, x) => mul(sigmoid(x), dy) },
  // gelu'' is φ(s)(2 − s²), hard_swish'' 1/3 between −3 and 3.
  gelu_grad: {
    x: (dy, _, a) => binary('gelu_grad', dy, a as Tensor),
    a: (dy, x, a) => {
      const square_ = square(a);
      const density = exp(rsub(mul(square_, 0.5), -0.5 * Math.log(2 * Math.PI)));
      return mul(mul(density, rsub(square_, 2)), mul(dy, x));
    },
  },
  hard_swish_grad: {
    x: (dy, _, a) => binary('hard_swish_grad', dy, a as Tensor),
    a: (dy, x, a) => binary('relu_grad', mul(mul(dy, 1 / 3), x), rsub(square(a), 9)),
  },
  unless: { x: (dy, _, a) => binary('unless', dy, a as Tensor), a: flat },
  floor: { x: flat },
  ceil: { x: flat },
  round: { x: flat },
  sign: { x: flat },
  greater: { x: flat, a: flat },
  greater_equal: { x: flat, a: flat },
  less: { x: flat, a: flat },
  less_equal: { x: flat, a: flat },
  equal: { x: flat, a: flat },
  takes_max: { x: flat, a: flat },
  takes_min: { x: flat, a: flat },
};

const NAMES = ['x', 'a', 'b', 'c', 'd'] as const;

export const pointwiseOp = defineOp<(typeof NAMES)[number], PointwiseAttributes>({
  name: 'pointwise',
  called: ({ stages: [{ op }] }) => op,
  cheap: true,
  inputs: NAMES,
  shape: ([x]) => x.shape,
  vjp({ x, a, y }, dy, { stages }) {
    if (stages.length !== 1)
      throw new Error('only unfused pointwise nodes are differentiated; fusion comes after autodiff');
    const [{ op, immediate }] = stages;
    const row = TABLE[op];
    const operand = a ?? immediate;
    return {
      ...(row?.x && { x: () => row.x!(dy, x, operand, y) }),
      ...(row?.a && a && { a: () => sumTo(row.a!(dy, x, a, y), a.shape) }),
    };
  },
  lower: (ctx) => [
    pointwiseStep(
      ctx.attrs.stages,
      ctx.output,
      ctx.inputs.map((_, i) => ctx.in(i)),
      ctx.out(),
      ctx,
    ),
  ],
});

/** The step that takes the first of the inputs through the stages; the others are the stages' operands, in order. */
export function pointwiseStep(
  stages: readonly PointwiseStage[],
  { shape, size }: Tensor,
  [x, ...operands]: readonly BufferRef[],
  out: BufferRef,
  { capabilities, choose }: Pick<LowerContext<object>, 'capabilities' | 'choose'>,
): Step {
  // A kernel must be given every binding it declares; a stage without an operand reads x's buffer in its place, unused.
  const buffers: Record<string, BufferRef> = { x, a: x, b: x, c: x, d: x, out };
  let next = 0;
  stages.forEach(({ mode }, k) => {
    if (mode !== 'immediate') buffers[NAMES[k + 1]] = operands[next++];
  });
  if (next !== operands.length) throw new Error('pointwise: operands and stages do not match');
  const [channels, sample] = [shape[shape.length - 1] ?? 1, shape.length > 0 && shape[0] > 0 ? size / shape[0] : 1];
  return {
    launch: pointwise(
      stages,
      size,
      channels,
      sample,
      choose(pointwiseChoices(stages, size, channels, capabilities.software)),
    ),
    buffers,
  };
}

/** How an operand of this shape is read beside a full tensor, or undefined where it must be broadcast first. */
export function operandMode(operand: Shape, full: Shape): OperandMode | undefined {
  if (sameShape(operand, full)) return 'full';
  if (sizeOf(operand) === 1) return 'scalar';
  const channels = full[full.length - 1];
  const rank = operand.length;
  if (operand[rank - 1] === channels && sizeOf(operand) === channels) return 'channel';
  if (rank !== full.length || operand[0] !== full[0]) return undefined;
  if (operand[rank - 1] === channels && sizeOf(operand) === full[0] * channels) return 'sampleChannel';
  return sizeOf(operand) === full[0] ? 'sample' : undefined;
}

export const unary = (op: PointwiseName, x: Tensor): Tensor =>
  pointwiseOp([x], { stages: [{ op, mode: 'immediate' }] });

/** What two shapes broadcast to, as in NumPy: aligned at the last dimension, lengths equal or one of them 1. */
export function commonShape(x: Shape, y: Shape): Shape | undefined {
  const rank = Math.max(x.length, y.length);
  const [p, q] = [x, y].map((s) => [...Array<number>(rank - s.length).fill(1), ...s]);
  const shape = p.map((d, i) => (d === 1 ? q[i] : d));
  return shape.every((d, i) => q[i] === d || q[i] === 1) ? shape : undefined;
}

const checkOperands = (op: PointwiseName, x: Tensor, y: Tensor | number): void =>
  checkTensors(op, typeof y === 'number' ? { x } : { x, y });

/**
 * op(x, a), for ops that are made of rows of the table: `a` is a number, or a tensor; both are repeated to their common
 * shape.
 */
export function binary(op: PointwiseName, x: Tensor, a: Tensor | number): Tensor {
  checkOperands(op, x, a);
  if (typeof a === 'number') return pointwiseOp([x], { stages: [{ op, mode: 'immediate', immediate: a }] });
  const shape = commonShape(x.shape, a.shape) ?? shapeError(op, 'the shapes do not broadcast', x, a);
  const full = broadcastTo(x, shape);
  const mode = operandMode(a.shape, shape);
  return pointwiseOp([full, mode ? a : broadcastTo(a, shape)], { stages: [{ op, mode: mode ?? 'full' }] });
}

/** `binary`, or `swapped` of the two exchanged where x alone is repeated: a second operand is read in place. */
function arithmetic(op: PointwiseName, swapped: PointwiseName, x: Tensor, y: Tensor | number): Tensor {
  checkOperands(op, x, y);
  if (typeof y === 'number') return binary(op, x, y);
  const shape = commonShape(x.shape, y.shape);
  return shape && sameShape(y.shape, shape) && !sameShape(x.shape, shape) ? binary(swapped, y, x) : binary(op, x, y);
}

// Arithmetic, with NumPy's broadcasting: shapes are aligned at the last dimension, and lengths of 1 are repeated.

/** x + y. */
export const add = (x: Tensor, y: Tensor | number): Tensor => arithmetic('add', 'add', x, y);
/** x − y. */
export const sub = (x: Tensor, y: Tensor | number): Tensor => arithmetic('sub', 'rsub', x, y);
/** x · y, element by element. */
export const mul = (x: Tensor, y: Tensor | number): Tensor => arithmetic('mul', 'mul', x, y);
/** x / y, element by element. */
export const div = (x: Tensor, y: Tensor | number): Tensor => arithmetic('div', 'rdiv', x, y);
/** The larger of x and y, NaN where one of them is. The cotangent goes to the one that was taken; at a tie to x. */
export const maximum = (x: Tensor, y: Tensor | number): Tensor => binary('max', x, y);
/** The smaller of x and y, NaN where one of them is. The cotangent goes to the one that was taken; at a tie to x. */
export const minimum = (x: Tensor, y: Tensor | number): Tensor => binary('min', x, y);
/** y − x. */
export const rsub = (x: Tensor, y: Tensor | number): Tensor => binary('rsub', x, y);
/** 1 where x > y, else 0. Its gradient is 0. */
export const greater = (x: Tensor, y: Tensor | number): Tensor => binary('greater', x, y);
/** 1 where x >= y, else 0. Its gradient is 0. */
export const greaterEqual = (x: Tensor, y: Tensor | number): Tensor => binary('greater_equal', x, y);

/**
 * x to the power y, as C's pow: 1 for y = 0 and for x = 1 even beside a NaN; of negative x NaN unless y is whole. The
 * gradient of x is 0 where y is, that of y where x is 0 and y is not negative, as in PyTorch.
 */
export const pow = (x: Tensor, y: Tensor | number): Tensor => (y === 2 ? square(x) : binary('pow', x, y));
/** 1 / x. */
export const reciprocal = (x: Tensor): Tensor => binary('rdiv', x, 1);

/** −x. */
export const neg = (x: Tensor): Tensor => mul(x, -1);
/** The exponential function. */
export const exp = (x: Tensor): Tensor => unary('exp', x);
/** The natural logarithm. */
export const log = (x: Tensor): Tensor => unary('log', x);
/** log(1 + x), exact where x is small. */
export const log1p = (x: Tensor): Tensor => unary('log1p', x);
/** exp(x) − 1, exact where x is small. */
export const expm1 = (x: Tensor): Tensor => unary('expm1', x);
/** The error function, 2/√π · ∫ exp(−t²) dt from 0 to x. */
export const erf = (x: Tensor): Tensor => unary('erf', x);
/** The largest whole number that is not above x; its gradient is 0, as that of the three below. */
export const floor = (x: Tensor): Tensor => unary('floor', x);
/** The smallest whole number that is not below x. */
export const ceil = (x: Tensor): Tensor => unary('ceil', x);
/** The nearest whole number, of two the even one. */
export const round = (x: Tensor): Tensor => unary('round', x);
/** −1, 0 or 1, as x is negative, zero or positive. */
export const sign = (x: Tensor): Tensor => unary('sign', x);
/** The square root. */
export const sqrt = (x: Tensor): Tensor => unary('sqrt', x);
/** x · x. */
export const square = (x: Tensor): Tensor => unary('square', x);
/** The absolute value; its gradient at 0 is 0. */
export const abs = (x: Tensor): Tensor => unary('abs', x);
/** 1 / (1 + exp(−x)). */
export const sigmoid = (x: Tensor): Tensor => unary('sigmoid', x);
/** The hyperbolic tangent. */
export const tanh = (x: Tensor): Tensor => unary('tanh', x);
/** max(x, 0), NaN where x is; its gradient at 0 is 0. */
export const relu = (x: Tensor): Tensor => unary('relu', x);
/** x · sigmoid(x) (Elfwing et al. 2017; Ramachandran et al. 2017, there "Swish"). */
export const silu = (x: Tensor): Tensor => unary('silu', x);
