import { arg, fold } from '../../kernels/reduce/reduce.ts';
import { checkOneOf, checkOptions, type Known } from '../check.ts';
import { defineOp } from '../op.ts';
import { checkTensors, type Shape, type Tensor } from '../tensor.ts';
import { axisOf } from './axis.ts';
import { chain } from './chain.ts';
import { reshape, stopGradient } from './leaves.ts';
import { equal, lessEqual, notEqual, where } from './logic.ts';
import { abs, add, div, exp, log, mul, sqrt, square, sub } from './pointwise.ts';
import { asThree, axesOf, runs, sum } from './reduce.ts';

// One number of many, along axes that keep the length 1 as those of `sum` do.

interface FoldAttributes {
  readonly how: 'max' | 'min' | 'prod';
  /** At least one, counted from 0. */
  readonly axes: readonly number[];
}

const withoutAxes = (shape: Shape, axes: readonly number[]): Shape => shape.map((d, i) => (axes.includes(i) ? 1 : d));

// y[o, i] = the largest, the smallest or the product of x[o, r, i]
const foldOp = defineOp<'x', FoldAttributes>({
  name: 'fold',
  called: ({ how }) => how,
  inputs: ['x'],
  shape: ([x], { axes }) => withoutAxes(x.shape, axes),
  vjp: ({ x, y }, dy, { how, axes }) => ({
    x() {
      if (how === 'prod') return prodInputGrad(x, dy, axes);
      const taken = equal(x, y);
      return mul(taken, div(dy, sum(taken, axes)));
    },
  }),
  lower(ctx) {
    let { shape } = ctx.inputs[0];
    const passes = runs(ctx.attrs.axes).flatMap((run) => {
      const made = fold(ctx.attrs.how, asThree(shape, run), ctx.capabilities);
      shape = withoutAxes(
        shape,
        Array.from({ length: run.last - run.first + 1 }, (_, i) => run.first + i),
      );
      return made;
    });
    return chain(ctx, { x: ctx.in(0) }, passes);
  },
});

/**
 * dy times the product of all others: the product without the zeros, divided by x, where there is no other zero. (At
 * zeros it is no function of them any more: the second derivative there comes out as 0.)
 */
function prodInputGrad(x: Tensor, dy: Tensor, axes: readonly number[]): Tensor {
  const zero = equal(x, 0);
  const filled = add(x, zero);
  const others = div(foldOp([filled], { how: 'prod', axes }), filled);
  return mul(where(equal(zero, sum(zero, axes)), others, 0), dy);
}

function folded(how: FoldAttributes['how'], x: Tensor, axes?: readonly number[]): Tensor {
  checkTensors(how, { x });
  const counted = axesOf(how, x, axes);
  return counted.length === 0 ? x : foldOp([x], { how, axes: counted });
}

/**
 * The largest over some axes (all when absent), which keep the length 1; NaN where there is one. Equals share the
 * cotangent evenly, as in PyTorch's amax.
 */
export const max = (x: Tensor, axes?: readonly number[]): Tensor => folded('max', x, axes);
/** The smallest over some axes, as `max`. */
export const min = (x: Tensor, axes?: readonly number[]): Tensor => folded('min', x, axes);
/** The product over some axes, as `max`. Its gradient is right at zeros too, its second derivative elsewhere. */
export const prod = (x: Tensor, axes?: readonly number[]): Tensor => folded('prod', x, axes);

/** log Σ exp(x) over some axes (all when absent), which keep the length 1: exact where exp would overflow or vanish. */
export function logSumExp(x: Tensor, axes?: readonly number[]): Tensor {
  checkTensors('log_sum_exp', { x });
  const counted = axesOf('log_sum_exp', x, axes);
  const largest = stopGradient(max(x, counted));
  // An infinite one is not subtracted from itself.
  const shift = where(lessEqual(abs(largest), 3.4028234663852886e38), largest, 0);
  return add(log(sum(exp(sub(x, shift)), counted)), shift);
}

/** Σ |x| over some axes (all when absent), which keep the length 1. */
export function l1Norm(x: Tensor, axes?: readonly number[]): Tensor {
  checkTensors('l1_norm', { x });
  return sum(abs(x), axesOf('l1_norm', x, axes));
}

/** √Σ x² over some axes (all when absent), which keep the length 1; its gradient at 0 is 0. */
export function l2Norm(x: Tensor, axes?: readonly number[]): Tensor {
  checkTensors('l2_norm', { x });
  const squares = sum(square(x), axesOf('l2_norm', x, axes));
  const isSome = notEqual(squares, 0);
  return mul(sqrt(add(squares, equal(squares, 0))), isSome);
}

interface ArgAttributes {
  readonly how: 'max' | 'min';
  readonly axis: number;
  readonly last: boolean;
}

// y[o, i] = the r for which x[o, r, i] is the largest or the smallest
const argOp = defineOp<'x', ArgAttributes>({
  name: 'arg',
  called: ({ how }) => `arg_${how}`,
  inputs: ['x'],
  dtype: 'u32',
  shape: ([x], { axis }) => withoutAxes(x.shape, [axis]),
  lower: ({ inputs: [{ shape }], attrs: { how, axis, last }, in: from, out }) => [
    { launch: arg(how, asThree(shape, { first: axis, last: axis }), last), buffers: { x: from(0), out: out() } },
  ],
});

/** What `argMax` and `argMin` give, and which of equal elements. */
export interface ArgOptions {
  /** The axis keeps the length 1 (the default), or disappears. */
  readonly keepDims?: boolean;
  /** Of equals the last is taken, not the first. */
  readonly selectLastIndex?: boolean;
}
const ARG_OPTIONS: Known<ArgOptions> = { keepDims: true, selectLastIndex: true };

function argOf(how: ArgAttributes['how'], x: Tensor, axis: number, options: ArgOptions): Tensor {
  const op = `arg_${how}`;
  checkTensors(op, { x });
  checkOptions(op, options, ARG_OPTIONS);
  const { keepDims = true, selectLastIndex = false } = options;
  checkOneOf(op, 'keepDims', keepDims, [true, false]);
  checkOneOf(op, 'selectLastIndex', selectLastIndex, [true, false]);
  const counted = axisOf(op, x, axis);
  const y = argOp([x], { how, axis: counted, last: selectLastIndex });
  return keepDims
    ? y
    : reshape(
        y,
        x.shape.filter((_, i) => i !== counted),
      );
}

/**
 * Where along the axis the largest number is, as u32: of equals the first, or the last if asked for; a NaN is larger
 * than every number. It has no gradient.
 */
export const argMax = (x: Tensor, axis = -1, options: ArgOptions = {}): Tensor => argOf('max', x, axis, options);
/** Where along the axis the smallest number is, as argMax. */
export const argMin = (x: Tensor, axis = -1, options: ArgOptions = {}): Tensor => argOf('min', x, axis, options);
