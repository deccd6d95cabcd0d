import { cast } from '../../../engine/ops/cast.ts';
import { argMax, argMin, l1Norm, l2Norm, logSumExp, max, min, prod } from '../../../engine/ops/fold.ts';
import { log, square } from '../../../engine/ops/pointwise.ts';
import { mean, sum } from '../../../engine/ops/reduce.ts';
import { softmax, logSoftmax } from '../../../engine/ops/softmax_cross_entropy.ts';
import type { Tensor } from '../../../engine/tensor.ts';
import { axesOf, axisOf } from '../arguments.ts';
import { sizeOf } from '../fold_arrays.ts';
import { computed, dropped, plain, settle } from '../layout.ts';
import type { OnnxOp } from '../lowering.ts';
import { isWhole, plainOrder, type Computed } from '../value.ts';
import { truncated } from './pointwise.ts';
import { reshape } from '../../../engine/ops/leaves.ts';

/** f over some axes, which keep the length 1, in whatever order they lie. */
const reduction = (f: (x: Tensor, axes: readonly number[]) => Tensor): OnnxOp => ({
  lower(l) {
    const x = settle(l.computed(0));
    const rank = x.shape.length;
    const told = axesOf(l.node, l.inputs, 1, rank);
    const isNone = told === undefined || told.length === 0;
    // Of no axes each number is reduced by itself: ReduceSumSquare squares it all the same.
    const isEach = l.node.int('noop_with_empty_axes', 0) === 1;
    const axes = isNone ? (isEach ? [] : plainOrder(rank)) : told;
    const reduced = f(
      x.tensor,
      axes.map((axis) => x.order.indexOf(axis)),
    );
    // A mean of whole numbers is one.
    const y = isWhole(x.type) ? truncated(reduced) : reduced;
    const kept = computed(
      y,
      x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n)),
      x.order,
      x.type,
    );
    return l.node.int('keepdims', 1) === 1 ? kept : dropped(kept, axes);
  },
});

/** Before opset 13 over all axes from the given one on, taken together; since then over that axis alone. */
const overClasses = (f: (x: Tensor, dimension?: number) => Tensor): OnnxOp => ({
  lower(l) {
    const x = settle(l.computed(0));
    const rank = x.shape.length;
    const isTogether = l.node.opset < 13;
    const axis = axisOf(l.node, l.node.int('axis', isTogether ? 1 : -1), rank);
    const isLast = sizeOf(x.shape.slice(axis + 1)) === 1;
    if (isTogether && !isLast) return together(x, axis, f);
    return along(x, axis, f);
  },
});

function together(x: Computed, axis: number, f: (x: Tensor) => Tensor): Computed {
  const rows = [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))];
  return computed(reshape(f(reshape(plain(x), rows)), x.shape), x.shape, undefined, x.type);
}

const along = (x: Computed, axis: number, f: (x: Tensor, dimension: number) => Tensor): Computed =>
  computed(f(x.tensor, x.order.indexOf(axis)), x.shape, x.order, x.type);

/** Where the largest or smallest is: whole numbers, as f32. */
const place = (f: typeof argMax): OnnxOp => ({
  lower(l) {
    const { node } = l;
    const x = settle(l.computed(0));
    const axis = axisOf(node, node.int('axis', 0), x.shape.length);
    const at = x.order.indexOf(axis);
    const last = node.int('select_last_index', 0) === 1;
    const y = cast(f(x.tensor, at, { selectLastIndex: last }), 'f32');
    const shape = x.shape.map((n, i) => (i === axis ? 1 : n));
    const value = computed(y, shape, x.order, 'int64');
    return node.int('keepdims', 1) === 1 ? value : dropped(value, [axis]);
  },
});

export const reductionOps = (): Readonly<Record<string, OnnxOp>> => ({
  ReduceL1: reduction(l1Norm),
  ReduceL2: reduction(l2Norm),
  ReduceLogSum: reduction((x, axes) => log(sum(x, axes))),
  ReduceLogSumExp: reduction(logSumExp),
  ReduceMax: reduction(max),
  ReduceMean: reduction(mean),
  ReduceMin: reduction(min),
  ReduceProd: reduction(prod),
  ReduceSum: reduction(sum),
  ReduceSumSquare: reduction((x, axes) => sum(square(x), axes)),
  ArgMax: place(argMax),
  ArgMin: place(argMin),
  Softmax: overClasses(softmax),
  LogSoftmax: overClasses(logSoftmax),
});
