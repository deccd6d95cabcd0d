import { broadcast, reduce } from '../../kernels/reduce/reduce.ts';
import { checkNumber, show } from '../check.ts';
import { defineOp } from '../op.ts';
import { checkShape, checkTensors, sameShape, shapeError, showShape, type Shape, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { axisOf } from './axis.ts';
import { chain } from './chain.ts';
import { reshape } from './leaves.ts';

/** A contiguous run of dimensions: the middle one of [outer, length, inner] as the kernels see the tensor. */
interface Run {
  readonly first: number;
  readonly last: number;
  readonly scale: number;
}

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
export const asThree = (shape: Shape, { first, last }: Pick<Run, 'first' | 'last'>) =>
  [product(shape.slice(0, first)), product(shape.slice(first, last + 1)), product(shape.slice(last + 1))] as const;

const withoutRun = (shape: Shape, { first, last }: Run): Shape =>
  shape.map((d, i) => (i >= first && i <= last ? 1 : d));

// y[o, i] = scale · Σ_r x[o, r, i], r running over the dimensions first..last
export const sumOp = defineOp<'x', Run>({
  name: 'sum',
  inputs: ['x'],
  shape: ([x], run) => withoutRun(x.shape, run),
  vjp: ({ x }, dy, run) => ({ x: () => repeatRun(dy, { ...run, shape: x.shape }) }),
  lower: (ctx) =>
    chain(ctx, { x: ctx.in(0) }, reduce(asThree(ctx.inputs[0].shape, ctx.attrs), ctx.attrs.scale, ctx.capabilities)),
});

// y[o, i] = scale · Σ_r x[o, r, i] · y[o, r, i]: what the compiler makes of the sum of a product that nobody else reads
export const sumOfProductsOp = defineOp<'x' | 'y', Run>({
  name: 'sum_of_products',
  inputs: ['x', 'y'],
  shape: ([x], run) => withoutRun(x.shape, run),
  lower: (ctx) =>
    chain(
      ctx,
      { x: ctx.in(0), y: ctx.in(1) },
      reduce(asThree(ctx.inputs[0].shape, ctx.attrs), ctx.attrs.scale, ctx.capabilities, true),
    ),
});

// y[o, r, i] = scale · x[o, i]
export const broadcastOp = defineOp<'x', Run & { shape: Shape }>({
  name: 'broadcast',
  cheap: true,
  inputs: ['x'],
  shape: (_, a) => a.shape,
  vjp: (_, dy, { first, last, scale }) => ({ x: () => sumRun(dy, { first, last, scale }) }),
  lower: ({ attrs, in: from, out }) => [
    { launch: broadcast(...asThree(attrs.shape, attrs), attrs.scale), buffers: { x: from(0), out: out() } },
  ],
});

// Named with their types, because each is the other's gradient and neither's type can be inferred first.
const sumRun = (x: Tensor, run: Run): Tensor => sumOp([x], run);
const repeatRun = (x: Tensor, run: Run & { shape: Shape }): Tensor => broadcastOp([x], run);

/** Runs of neighbouring axes, last first. */
export function runs(axes: readonly number[]): { first: number; last: number }[] {
  const found: { first: number; last: number }[] = [];
  for (const axis of [...new Set(axes)].sort((a, b) => b - a)) {
    const run = found[found.length - 1];
    if (run && run.first === axis + 1) run.first = axis;
    else found.push({ first: axis, last: axis });
  }
  return found;
}

/** The axes counted from 0, all of them when absent. */
export function axesOf(op: string, x: Tensor, axes: readonly number[] = x.shape.map((_, i) => i)): number[] {
  if (!Array.isArray(axes)) throw new UserError(`${op}: the axes must be a list such as [0], not ${show(axes)}`);
  const counted = axes.map((axis) => axisOf(op, x, axis));
  if (new Set(counted).size !== counted.length) shapeError(op, `${show(axes)} names an axis twice`, x);
  return counted;
}

/**
 * The sum over some axes (all when absent), times `scale`; summed axes keep the length 1 (as `keepdim` in PyTorch). A
 * negative axis counts from the last: −1.
 * @throws UserError where there is no such axis, or one is named twice
 */
export function sum(x: Tensor, axes?: readonly number[], scale = 1): Tensor {
  checkTensors('sum', { x });
  checkNumber('sum', 'the scale', scale);
  const found = runs(axesOf('sum', x, axes));
  // Of no axes nothing is summed, but it is scaled: each number is a sum of one.
  if (found.length === 0 && scale !== 1) found.push({ first: 0, last: -1 });
  return found.reduce((y, run, k) => sumRun(y, { ...run, scale: k === 0 ? scale : 1 }), x);
}

/** The mean over some axes (all when absent), as `sum`; the axes keep the length 1. */
export function mean(x: Tensor, axes?: readonly number[]): Tensor {
  checkTensors('mean', { x });
  const counted = axesOf('mean', x, axes);
  return sum(x, counted, 1 / counted.reduce((n, axis) => n * x.shape[axis], 1));
}

/**
 * The axes along which `shape`, aligned at the last dimension, is repeated to become `to`; an error where it cannot be.
 */
function repeatedAxes(shape: Shape, to: Shape): { padded: Shape; axes: number[] } | undefined {
  if (shape.length > to.length) return undefined;
  const padded = [...Array<number>(to.length - shape.length).fill(1), ...shape];
  if (!padded.every((d, i) => d === to[i] || d === 1)) return undefined;
  return { padded, axes: padded.flatMap((d, i) => (d === 1 && to[i] !== 1 ? [i] : [])) };
}

/** `x` repeated along its missing or length-1 dimensions (NumPy's broadcasting). */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  checkTensors('broadcast', { x });
  checkShape('broadcast', shape);
  if (sameShape(x.shape, shape)) return x;
  const found = repeatedAxes(x.shape, shape) ?? shapeError('broadcast', `cannot be repeated to ${showShape(shape)}`, x);
  let y = reshape(x, found.padded);
  for (const run of runs(found.axes).reverse()) {
    const next = y.shape.map((d, i) => (i >= run.first && i <= run.last ? shape[i] : d));
    y = repeatRun(y, { ...run, scale: 1, shape: next });
  }
  return y;
}

/** `x` summed down to a shape that broadcasts to its own: the cotangent of a broadcast operand. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  checkTensors('sum', { x });
  checkShape('sum', shape);
  const found = repeatedAxes(shape, x.shape) ?? shapeError('sum', `cannot be summed to ${showShape(shape)}`, x);
  return reshape(found.axes.length > 0 ? sum(x, found.axes) : x, shape);
}
