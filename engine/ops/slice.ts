import { fill } from '../../kernels/pointwise/pointwise.ts';
import { checkWhole, show } from '../check.ts';
import { defineOp, type Op } from '../op.ts';
import { checkShape, checkTensors, sameShape, shapeError, type Shape, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { axisOf, checkEach, stridesOf } from './axis.ts';
import { copySteps } from './copy.ts';

/** Along each dimension: the index of the first element, and from one to the next. */
interface Walk {
  readonly starts: readonly number[];
  readonly steps: readonly number[];
}

/** Throws a UserError where a walk of so many elements leaves the shape. */
function checkWalk(op: string, x: Tensor, { starts, steps }: Walk, counts: Shape, shape: Shape): void {
  counts.forEach((count, d) => {
    const last = starts[d] + (count - 1) * steps[d];
    const isInside = (i: number) => i >= 0 && i < shape[d];
    if (steps[d] === 0 || !isInside(starts[d]) || !isInside(last))
      shapeError(op, `dimension ${d} has no ${count} elements from ${starts[d]} on, each ${steps[d]} further`, x);
  });
}

const along = (walk: Walk, shape: Shape, counts: Shape) => {
  const strides = stridesOf(shape);
  return {
    first: walk.starts.reduce((sum, start, d) => sum + start * strides[d], 0),
    steps: counts.map((_, d) => walk.steps[d] * strides[d]),
  };
};

// y[i_0, ...] = x[start_0 + i_0·step_0, ...]
const sliceOp: Op<Walk & { counts: Shape }> = defineOp<'x', Walk & { counts: Shape }>({
  name: 'slice',
  inputs: ['x'],
  takes: { x: 'any' },
  cheap: true,
  dtype: ([x]) => x.dtype,
  shape([x], walk) {
    checkWalk('slice', x, walk, walk.counts, x.shape);
    return walk.counts;
  },
  vjp: ({ x }, dy, { starts, steps }) => ({ x: () => placeOp([dy], { starts, steps, shape: x.shape, value: 0 }) }),
  lower: (context) => {
    const { inputs, attrs, output } = context;
    const { first, steps } = along(attrs, inputs[0].shape, output.shape);
    const out = stridesOf(output.shape);
    return copySteps(context, {
      dimensions: output.shape.map((length, d) => ({ length, x: steps[d], out: out[d] })),
      xFirst: first,
      outFirst: 0,
    });
  },
});

// y[start_0 + i_0·step_0, ...] = x[i_0, ...], and `value` elsewhere
const placeOp: Op<Walk & { shape: Shape; value: number }> = defineOp<'x', Walk & { shape: Shape; value: number }>({
  name: 'place',
  inputs: ['x'],
  takes: { x: 'any' },
  called: () => 'pad',
  cheap: true,
  dtype: ([x]) => x.dtype,
  shape([x], walk) {
    checkShape('pad', walk.shape);
    checkWalk('pad', x, walk, x.shape, walk.shape);
    return walk.shape;
  },
  vjp: ({ x }, dy, { starts, steps }) => ({ x: () => sliceOp([dy], { starts, steps, counts: x.shape }) }),
  lower: (context) => {
    const { inputs, attrs, output, out } = context;
    const { first, steps } = along(attrs, output.shape, inputs[0].shape);
    const x = stridesOf(inputs[0].shape);
    return [
      { launch: fill(output.size, attrs.value, output.dtype), buffers: { out: out() } },
      ...copySteps(context, {
        dimensions: inputs[0].shape.map((length, d) => ({ length, x: x[d], out: steps[d] })),
        xFirst: 0,
        outFirst: first,
      }),
    ];
  },
});

/**
 * `counts[d]` elements along each dimension d: those at `starts[d]`, `starts[d] + steps[d]`, ...
 * @param steps 1 when absent; negative ones go backwards
 * @throws UserError where an element is not there
 */
export function slice(
  x: Tensor,
  starts: readonly number[],
  counts: readonly number[],
  steps?: readonly number[],
): Tensor {
  checkTensors('slice', { x });
  checkEach('slice', 'starts', starts, x);
  checkEach('slice', 'counts', counts, x);
  if (steps !== undefined) checkEach('slice', 'steps', steps, x);
  checkShape('slice', counts);
  const walk = { starts: [...starts], steps: steps ? [...steps] : starts.map(() => 1), counts: [...counts] };
  checkWalk('slice', x, walk, counts, x.shape);
  const isWhole = sameShape(counts, x.shape) && walk.steps.every((step, d) => step === 1 || counts[d] === 1);
  return isWhole ? x : sliceOp([x], walk);
}

/**
 * x among places of `value`: from `before[d]` on of a dimension of `lengths[d]`.
 * @param value of dtype u32 a whole number up to 2^24
 */
export function placeAmong(x: Tensor, lengths: Shape, before: readonly number[], value: number): Tensor {
  if (x.dtype === 'u32') checkWhole('pad', 'the value', value, 0, 2 ** 24);
  return sameShape(lengths, x.shape)
    ? x
    : placeOp([x], { starts: [...before], steps: before.map(() => 1), shape: lengths, value });
}

/**
 * Consecutive parts of x along an axis, of these sizes, which must fill it.
 * @param axis a negative one counts from the last
 */
export function split(x: Tensor, sizes: readonly number[], axis: number): Tensor[] {
  checkTensors('split', { x });
  const at = axisOf('split', x, axis);
  if (!Array.isArray(sizes)) throw new UserError(`split: the sizes must be a list, not ${show(sizes)}`);
  checkShape('split', sizes);
  if (sizes.length === 0 || sizes.reduce((a, b) => a + b, 0) !== x.shape[at])
    shapeError('split', `sizes ${show(sizes)} do not fill axis ${axis}`, x);
  let start = 0;
  return sizes.map((size) => {
    const part = slice(
      x,
      x.shape.map((_, d) => (d === at ? start : 0)),
      x.shape.map((length, d) => (d === at ? size : length)),
    );
    start += size;
    return part;
  });
}
