import type { Tensor } from '../../../../engine/tensor.ts';
import { sizeOf } from '../../fold_arrays.ts';
import { physical } from '../../layout.ts';
import { DATA_TYPES } from '../../proto.ts';
import type { Written } from '../draft.ts';
import type { GraphWriter } from '../writer.ts';
import { keeping } from './shapes.ts';
import { NCHW } from './windows.ts';

/** Sums and means over a run of dimensions, which keep the length 1. */
export function writeSum(w: GraphWriter, t: Tensor): Written {
  const { first, last, scale } = t.attrs as { first: number; last: number; scale: number };
  const x = w.placed(w.of(t.inputs[0]));
  const run = x.shape.map((_, d) => d).slice(first, last + 1);
  const count = sizeOf(run.map((d) => x.shape[d]));
  const isMean = run.length > 0 && Math.abs(scale * count - 1) < 1e-9;
  if (!isMean && scale !== 1 && run.some((d) => w.grows(x.shape[d]))) return w.refuse(t, 'scaled sum over the batch');
  if (isMean && first === 1 && last === 2 && x.shape.length === 4) {
    const dims = physical(t.shape, NCHW);
    return {
      kind: 'placed',
      shape: t.shape,
      order: NCHW,
      ref: w.node('GlobalAveragePool', [w.arranged(x, NCHW)], dims),
    };
  }
  const axes = run.map((d) => x.order.indexOf(d)).sort((a, b) => a - b);
  if (isMean) return keeping(w, t, x, 'ReduceMean', [], { axes, keepdims: 1 });
  const sum = run.length === 0 ? x : keeping(w, t, x, 'ReduceSum', [w.ints(axes)], { keepdims: 1 });
  return scale === 1 ? sum : { ...sum, ref: w.node('Mul', [sum.ref, w.scalar(scale)], sum.ref.dims) };
}

/** Over the last dimension. */
export function writeSoftmax(w: GraphWriter, t: Tensor): Written {
  const { logarithm } = t.attrs as { logarithm: boolean };
  const x = w.placed(w.of(t.inputs[0]));
  const axis = x.order.indexOf(t.shape.length - 1);
  return keeping(w, t, x, logarithm ? 'LogSoftmax' : 'Softmax', [], { axis });
}

const FOLDS = { max: 'ReduceMax', min: 'ReduceMin', prod: 'ReduceProd' } as const;

/** The largest, the smallest or the product over some axes, which keep the length 1. */
export function writeFold(w: GraphWriter, t: Tensor): Written {
  const { how, axes } = t.attrs as { how: keyof typeof FOLDS; axes: readonly number[] };
  const x = w.placed(w.of(t.inputs[0]));
  const places = axes.map((d) => x.order.indexOf(d)).sort((a, b) => a - b);
  return keeping(w, t, x, FOLDS[how], [], { axes: places, keepdims: 1 });
}

/** Where along an axis the largest or the smallest is. */
export function writeArg(w: GraphWriter, t: Tensor): Written {
  const { how, axis, last } = t.attrs as { how: 'max' | 'min'; axis: number; last: boolean };
  const x = w.placed(w.of(t.inputs[0]));
  const attributes = { axis: x.order.indexOf(axis), keepdims: 1, ...(last && { select_last_index: 1 }) };
  return keeping(w, t, x, how === 'max' ? 'ArgMax' : 'ArgMin', [], attributes);
}

/** Whole numbers are int64 in the file. */
export function writeCast(w: GraphWriter, t: Tensor): Written {
  const x = w.placed(w.of(t.inputs[0]));
  if (t.dtype === 'f32') return keeping(w, t, x, 'Cast', [], { to: DATA_TYPES.float });
  const positive = w.node('Relu', [x.ref], x.ref.dims);
  return keeping(w, t, { ...x, ref: positive }, 'Cast', [], { to: DATA_TYPES.int64 });
}
