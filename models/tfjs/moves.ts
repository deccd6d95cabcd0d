import { backend_util, slice_util, util } from '@tensorflow/tfjs-core';
import type * as tfjs from '@tensorflow/tfjs-core';
import { grad } from '../../engine/autodiff.ts';
import { cast } from '../../engine/ops/cast.ts';
import { concat } from '../../engine/ops/concat.ts';
import { depthToSpace } from '../../engine/ops/depth_to_space.ts';
import { gather } from '../../engine/ops/gather.ts';
import { constant, reshape } from '../../engine/ops/leaves.ts';
import { equal, less, notEqual, where } from '../../engine/ops/logic.ts';
import { pad } from '../../engine/ops/pad.ts';
import { abs, add, floor, mul, sign } from '../../engine/ops/pointwise.ts';
import { broadcastTo } from '../../engine/ops/reduce.ts';
import { resize, type ResizeOptions } from '../../engine/ops/resize.ts';
import { slice } from '../../engine/ops/slice.ts';
import { transpose } from '../../engine/ops/transpose.ts';
import { sizeOf, type Shape, type Tensor } from '../../engine/tensor.ts';
import { axesOf, refuse, shaped, type Call, type Result, type Rows } from './call.ts';
import { UserError } from '../../engine/user_error.ts';

const empty = (call: Call, shape: Shape, dtype: tfjs.DataType) =>
  call.values(util.getTypedArrayFromDType(dtype as 'float32', 0), shape, dtype);

/** Part of x, which may be empty. */
function part(call: Call, begin: readonly number[], size: readonly number[], steps?: readonly number[]) {
  const dtype = call.dtype();
  if (size.some((n) => n <= 0)) return empty(call, size, dtype);
  return { tensor: slice(call.x(), begin, size, steps), dtype };
}

function stridedSlice(call: Call) {
  const a = call.attrs<tfjs.StridedSliceAttrs>();
  const masks = [a.beginMask, a.endMask, a.ellipsisMask, a.newAxisMask, a.shrinkAxisMask] as const;
  const x = call.info('x');
  const { finalShape, begin, end, strides } = slice_util.sliceInfo(x.shape, a.begin, a.end, a.strides, ...masks);
  if (sizeOf(finalShape) === 0) return empty(call, finalShape, x.dtype);
  const tensor = slice(call.x(), begin, slice_util.computeOutShape(begin, end, strides), strides);
  return { tensor: reshape(tensor, finalShape), dtype: x.dtype };
}

/** Consecutive parts along an axis. */
function split(call: Call, sizes: readonly number[], axis: number) {
  const { shape } = call.info('x');
  let at = 0;
  return sizes.map((size) => {
    const begin = shape.map((_, d) => (d === axis ? at : 0));
    at += size;
    return part(
      call,
      begin,
      shape.map((n, d) => (d === axis ? size : n)),
    );
  });
}

function joined(call: Call, axis: number): Result | tfjs.TensorInfo {
  const full = call.list.filter(({ shape }) => sizeOf(shape) > 0);
  const dtype = call.list[0].dtype;
  return {
    tensor: concat(
      full.map((info) => call.backend.tensorOf(info)),
      axis,
    ),
    dtype,
  };
}

/** x repeated along each axis. */
function tile(x: Tensor, reps: readonly number[]): Tensor {
  const [spread, wide, whole] = [[], [], []] as number[][];
  x.shape.forEach((n, d) => {
    spread.push(1, n);
    wide.push(reps[d], n);
    whole.push(reps[d] * n);
  });
  return reshape(broadcastTo(reshape(x, spread), wide), whole);
}

/** The margins at which what is inside is mirrored, edge included or not. */
function mirrorPad(call: Call): Tensor {
  const { paddings, mode } = call.attrs<tfjs.MirrorPadAttrs>();
  let x = call.x();
  if (mode === 'reflect') return pad(x, paddings, 'reflect');
  paddings.forEach(([before, after], axis) => {
    const n = x.shape[axis];
    const indices = Array.from({ length: n + before + after }, (_, i) => {
      const at = i - before;
      return at < 0 ? -1 - at : at >= n ? 2 * n - 1 - at : at;
    });
    if (before + after > 0) x = gather(x, indices, axis);
  });
  return x;
}

function reverse(call: Call): Tensor {
  const x = call.x();
  const axes = axesOf(call.attrs<tfjs.ReverseAttrs>().dims, x.shape);
  const isReversed = (d: number) => axes.includes(d);
  return slice(
    x,
    x.shape.map((n, d) => (isReversed(d) ? n - 1 : 0)),
    x.shape,
    x.shape.map((_, d) => (isReversed(d) ? -1 : 1)),
  );
}

function oneHot(call: Call): Result {
  const { depth, onValue, offValue, dtype } = call.attrs<tfjs.OneHotAttrs>();
  const indices = call.x('indices');
  const classes = constant(
    Float32Array.from({ length: depth }, (_, i) => i),
    [depth],
  );
  const isOn = equal(reshape(indices, [...indices.shape, 1]), classes);
  return { tensor: add(mul(isOn, onValue - offValue), offValue), dtype };
}

function gathered(call: Call): Result | undefined {
  const { axis, batchDims = 0 } = call.attrs<tfjs.GatherV2Attrs>();
  const [at] = axesOf(axis, call.info('x').shape);
  if (batchDims !== 0) return undefined;
  // Of indices that are computed, those that x does not have give NaN.
  const known = call.backend.valuesOf(call.info('indices').dataId) as Int32Array | undefined;
  const length = call.info('x').shape[at];
  const beyond = known?.find((i) => i < 0 || i >= length);
  if (beyond !== undefined)
    throw new UserError(`tuningfork: GatherV2: the index value ${beyond} is not in [0, ${length - 1}]`);
  return { tensor: gather(call.x(), cast(call.x('indices'), 'u32'), at), dtype: call.dtype() };
}

/** The sums of the rows of x by segment: what `gather` is the adjoint of. */
function segmentSum(call: Call): Result {
  const { numSegments } = call.attrs<tfjs.UnsortedSegmentSumAttrs>();
  const [x, ids] = [call.x(), call.x('segmentIds')];
  const into = shaped([numSegments, ...x.shape.slice(ids.shape.length)]);
  // What belongs to no segment is sent behind the last one, where nothing is.
  const places = cast(where(less(ids, 0), numSegments, ids), 'u32');
  return { tensor: grad(gather(into, places, 0), [into], x)[0], dtype: call.dtype() };
}

function casted(call: Call): Result | tfjs.TensorInfo | undefined {
  const { dtype } = call.attrs<tfjs.CastAttrs>();
  const from = call.dtype();
  if (!['float32', 'int32', 'bool'].includes(dtype)) return undefined;
  const x = call.x();
  if (from === dtype || from === 'bool' || dtype === 'float32') return { tensor: x, dtype };
  return dtype === 'bool' ? { tensor: notEqual(x, 0), dtype } : { tensor: truncated(x), dtype };
}

/** As in JavaScript's Int32Array NaN becomes 0. */
const truncated = (x: Tensor): Tensor => where(notEqual(x, x), 0, mul(floor(abs(x)), sign(x)));

type Size = tfjs.ResizeBilinearAttrs;

/** tfjs's two resizings as ONNX names where pixels lie. */
function resized(call: Call, x: Tensor, method: 'linear' | 'nearest'): Tensor {
  const { alignCorners, halfPixelCenters, size } = call.attrs<Size>();
  const coordinates: ResizeOptions['coordinates'] = alignCorners
    ? 'align_corners'
    : halfPixelCenters
      ? 'half_pixel'
      : 'asymmetric';
  return resize(x, { size, method, coordinates, rounding: alignCorners ? 'round_prefer_ceil' : 'floor' });
}

function resizedGrad(call: Call, method: 'linear' | 'nearest'): Tensor {
  const { shape } = call.info('images');
  const x = shaped(shape);
  const y = resized(call, x, method);
  return y === x ? call.x('dy') : grad(y, [x], call.x('dy'))[0];
}

function fill(call: Call) {
  const { shape, value, dtype = 'float32' } = call.attrs<tfjs.FillAttrs>();
  if (typeof value !== 'number') return undefined;
  return sizeOf(shape) === 0 ? empty(call, shape, dtype) : { tensor: constant(value, shape), dtype };
}

/** Images of a batch to blocks of pixels, and back. */
function batchToSpace(call: Call): Tensor {
  const { blockShape, crops } = call.attrs<tfjs.BatchToSpaceNDAttrs>();
  const x = call.x();
  const blocks = blockShape.reduce((a, b) => a * b, 1);
  const apart = backend_util.getReshaped(x.shape as number[], blockShape, blocks);
  const perm = backend_util.getPermuted(apart.length, blockShape.length);
  const whole = backend_util.getReshapedPermuted(x.shape as number[], blockShape, blocks);
  const begin = whole.map((_, d) => crops[d - 1]?.[0] ?? 0);
  const size = whole.map((n, d) => n - (crops[d - 1]?.[0] ?? 0) - (crops[d - 1]?.[1] ?? 0));
  return slice(reshape(transpose(reshape(x, apart), perm), whole), begin, size);
}

function spaceToBatch(call: Call): Tensor {
  const { blockShape, paddings } = call.attrs<tfjs.SpaceToBatchNDAttrs>();
  const x = call.x();
  const blocks = blockShape.reduce((a, b) => a * b, 1);
  const margins = x.shape.map((_, d): [number, number] => (paddings[d - 1] as [number, number]) ?? [0, 0]);
  const padded = pad(x, margins);
  const apart = backend_util.getReshaped(padded.shape as number[], blockShape, blocks, false);
  const perm = backend_util.getPermuted(apart.length, blockShape.length, false);
  const whole = backend_util.getReshapedPermuted(padded.shape as number[], blockShape, blocks, false);
  return reshape(transpose(reshape(padded, apart), perm), whole);
}

/** Kernels that move numbers and compute none. */
export const MOVES: Rows = {
  Identity: (call) => call.view(call.info('x'), call.info('x').shape),
  Reshape(call) {
    const x = call.info('x');
    const shape = util.inferFromImplicitShape(call.attrs<tfjs.ReshapeAttrs>().shape, sizeOf(x.shape));
    if (sizeOf(shape) !== sizeOf(x.shape)) refuse('Reshape', `cannot make [${shape}] of [${x.shape}]`);
    return call.view(x, shape);
  },
  ExpandDims(call) {
    const x = call.info('input');
    const { dim } = call.attrs<tfjs.ExpandDimsAttrs>();
    const shape = [...x.shape];
    const at = dim < 0 ? shape.length + dim + 1 : dim;
    if (at < 0 || at > shape.length) refuse('ExpandDims', `has no place ${dim} in [${shape}]`);
    shape.splice(at, 0, 1);
    return call.view(x, shape);
  },
  Cast: casted,
  Transpose: (call) => ({
    tensor: transpose(call.x(), call.attrs<tfjs.TransposeAttrs>().perm),
    dtype: call.dtype(),
  }),
  Slice(call) {
    const { begin, size } = call.attrs<tfjs.SliceAttrs>();
    const [starts, counts] = slice_util.parseSliceParams(
      call.info('x') as tfjs.Tensor,
      begin as number | number[],
      size as number | number[],
    );
    return part(call, starts, counts);
  },
  StridedSlice: stridedSlice,
  SplitV(call) {
    const { numOrSizeSplits, axis } = call.attrs<tfjs.SplitVAttrs>();
    const { shape } = call.info('x');
    const [at] = axesOf(axis, shape);
    const sizes = backend_util.prepareSplitSize(call.info('x') as tfjs.Tensor, numOrSizeSplits, at);
    return split(call, sizes, at);
  },
  Unpack(call) {
    const { axis } = call.attrs<tfjs.UnpackAttrs>();
    const { shape } = call.info('value');
    const [at] = axesOf(axis, shape);
    const x = call.x('value');
    const one = shape.map((n, d) => (d === at ? 1 : n));
    return Array.from({ length: shape[at] }, (_, i) => {
      const entry = slice(
        x,
        shape.map((_, d) => (d === at ? i : 0)),
        one,
      );
      return {
        tensor: reshape(
          entry,
          shape.filter((_, d) => d !== at),
        ),
        dtype: call.dtype('value'),
      };
    });
  },
  Concat(call) {
    const [axis] = axesOf(call.attrs<tfjs.ConcatAttrs>().axis, call.list[0].shape);
    return joined(call, axis);
  },
  Pack(call) {
    const { axis } = call.attrs<tfjs.PackAttrs>();
    const parts = call.list.map((info) => call.backend.tensorOf(info));
    const [{ shape, dtype }] = call.list;
    if (call.list.some((other) => other.dtype !== dtype || !util.arraysEqual(other.shape, shape)))
      refuse('Pack', 'takes tensors of one shape and dtype');
    const at = axis < 0 ? shape.length + 1 + axis : axis;
    const grown = [...shape.slice(0, at), 1, ...shape.slice(at)];
    return {
      tensor: concat(
        parts.map((t) => reshape(t, grown)),
        at,
      ),
      dtype,
    };
  },
  Tile: (call) => ({ tensor: tile(call.x(), call.attrs<tfjs.TileAttrs>().reps), dtype: call.dtype() }),
  PadV2(call) {
    const { paddings, constantValue } = call.attrs<tfjs.PadV2Attrs>();
    return { tensor: pad(call.x(), paddings, 'constant', constantValue), dtype: call.dtype() };
  },
  MirrorPad: (call) => ({ tensor: mirrorPad(call), dtype: call.dtype() }),
  Reverse: (call) => ({ tensor: reverse(call), dtype: call.dtype() }),
  OneHot: oneHot,
  GatherV2: gathered,
  UnsortedSegmentSum: segmentSum,
  Fill: fill,
  DepthToSpace(call) {
    const { blockSize, dataFormat } = call.attrs<tfjs.DepthToSpaceAttrs>();
    if (dataFormat !== 'NHWC') return undefined;
    return { tensor: depthToSpace(call.x(), blockSize), dtype: call.dtype() };
  },
  BatchToSpaceND: (call) => ({ tensor: batchToSpace(call), dtype: call.dtype() }),
  SpaceToBatchND: (call) => ({ tensor: spaceToBatch(call), dtype: call.dtype() }),
  ResizeBilinear: (call) => resized(call, call.x('images'), 'linear'),
  ResizeBilinearGrad: (call) => resizedGrad(call, 'linear'),
  ResizeNearestNeighbor: (call) => ({
    tensor: resized(call, call.x('images'), 'nearest'),
    dtype: call.dtype('images'),
  }),
  ResizeNearestNeighborGrad: (call) => resizedGrad(call, 'nearest'),
};
