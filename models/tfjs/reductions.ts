import type * as tfjs from '@tensorflow/tfjs-core';
import { cast } from '../../engine/ops/cast.ts';
import { argMax, argMin, max, min, prod } from '../../engine/ops/fold.ts';
import { constant, reshape } from '../../engine/ops/leaves.ts';
import { notEqual, where } from '../../engine/ops/logic.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { mean, sum } from '../../engine/ops/reduce.ts';
import { logSoftmax, softmax } from '../../engine/ops/softmax_cross_entropy.ts';
import { transpose } from '../../engine/ops/transpose.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { axesOf, dropped, type Call, type Result, type Row, type Rows } from './call.ts';

type Over = (x: Tensor, axes: readonly number[]) => Tensor;

/** A kernel over the axes of an attribute; `dtypeOf` tells what the result holds from what the input does. */
const reduction =
  (over: Over, dtypeOf: (dtype: tfjs.DataType) => tfjs.DataType): Row =>
  (call) => {
    const { axis, reductionIndices, keepDims } = call.attrs<tfjs.SumAttrs & tfjs.MaxAttrs>();
    const x = call.x();
    const axes = axesOf(reductionIndices ?? axis, x.shape);
    const y = over(x, axes);
    return { tensor: keepDims ? y : dropped(y, axes), dtype: dtypeOf(call.dtype()) };
  };

const same = (dtype: tfjs.DataType): tfjs.DataType => dtype;
const counted = (dtype: tfjs.DataType): tfjs.DataType => (dtype === 'bool' ? 'int32' : dtype);
const truth = (): tfjs.DataType => 'bool';

/** NaN is passed over: `least` is taken for it. */
const position =
  (find: typeof argMax, least: number): Row =>
  (call) => {
    const x = call.x();
    const [axis] = axesOf(call.attrs<tfjs.ArgMaxAttrs>().axis, x.shape);
    // Of one number the first is the largest.
    const y =
      x.shape.length === 0
        ? constant(0)
        : cast(find(where(notEqual(x, x), least, x), axis, { keepDims: false }), 'f32');
    return { tensor: y, dtype: 'int32' };
  };

/** The most numbers along an axis that `cumsum` takes: it is a product with a triangle of ones. */
const MOST_SUMMED = 1024;

function cumsum(call: Call): Result | undefined {
  const { axis, exclusive, reverse } = call.attrs<tfjs.CumsumAttrs>();
  const x = call.x();
  const [at] = axesOf(axis, x.shape);
  const n = x.shape[at];
  if (n > MOST_SUMMED) return undefined;
  const isAdded = (from: number, to: number) => (reverse ? from >= to : from <= to) && !(exclusive && from === to);
  const triangle = Float32Array.from({ length: n * n }, (_, i) => Number(isAdded(Math.floor(i / n), i % n)));
  const perm = x.shape.map((_, d) => d).filter((d) => d !== at);
  const moved = transpose(x, [...perm, at]);
  const sums = matmul(reshape(moved, [x.size / n, n]), constant(triangle, [n, n]));
  const back = [...perm, at].map((_, d) => [...perm, at].indexOf(d));
  return { tensor: transpose(reshape(sums, moved.shape), back), dtype: call.dtype() };
}

/** Kernels that make one number of many. */
export const REDUCTIONS: Rows = {
  Sum: reduction((x, axes) => sum(x, axes), counted),
  Mean: reduction(mean, () => 'float32'),
  Max: reduction(max, same),
  Min: reduction(min, same),
  Prod: reduction(prod, counted),
  All: reduction(min, truth),
  Any: reduction(max, truth),
  ArgMax: position(argMax, -Infinity),
  ArgMin: position(argMin, Infinity),
  Softmax: (call) => softmax(call.x('logits'), call.attrs<tfjs.SoftmaxAttrs>().dim),
  LogSoftmax: (call) => logSoftmax(call.x('logits'), call.attrs<tfjs.LogSoftmaxAttrs>().axis),
  Cumsum: cumsum,
};
