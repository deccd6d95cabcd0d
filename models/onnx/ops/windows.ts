import { conv2d } from '../../../engine/ops/conv2d.ts';
import { convTranspose2d } from '../../../engine/ops/conv_transpose2d.ts';
import type { Margins } from '../../../engine/ops/conv_geometry.ts';
import { depthwiseConv2d } from '../../../engine/ops/depthwise_conv2d.ts';
import { max } from '../../../engine/ops/fold.ts';
import { reshape } from '../../../engine/ops/leaves.ts';
import { add } from '../../../engine/ops/pointwise.ts';
import { avgPool2d, maxPool2d, type PoolAttributes } from '../../../engine/ops/pool.ts';
import { mean } from '../../../engine/ops/reduce.ts';
import type { Tensor } from '../../../engine/tensor.ts';
import { hwcFromC1hw, hwioFromOihw } from '../../weight_layouts.ts';
import { arranged, computed } from '../layout.ts';
import type { Lowering, OnnxOp } from '../lowering.ts';
import { channelsLast, plainOrder, type Computed } from '../value.ts';

/** Of one axis of length 1 and the other, where the images are rows: 1-D windows are 2-D ones of height 1. */
const two = (list: readonly number[], one: number): [number, number] =>
  list.length === 1 ? [one, list[0]] : [list[0], list[1]];

interface Window {
  readonly size: [number, number];
  readonly stride: [number, number];
  readonly dilation: [number, number];
  readonly padding: Margins;
}

/** How a window slides along one axis. */
interface Sliding {
  readonly size: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: readonly [number, number];
}
/** Along an axis that the images do not have. */
const STILL: Sliding = { size: 1, stride: 1, dilation: 1, padding: [0, 0] };

/** How the node's window slides along each axis of images [N, C, ...]. */
function slidings({ node }: Lowering, shape: readonly number[], kernel: readonly number[]): Sliding[] {
  const lengths = shape.slice(2);
  const rank = lengths.length;
  const each = (name: string, absent: number, count = rank) => {
    const list = node.ints(name) ?? Array<number>(count).fill(absent);
    if (list.length !== count) node.fail(`its ${name} ${list.join(', ')} do not fit [${shape.join(', ')}]`);
    return list;
  };
  if (rank < 1 || kernel.length !== rank)
    node.fail(`its kernel_shape ${kernel.join(', ')} does not fit [${shape.join(', ')}]`);
  const [strides, dilations, pads] = [each('strides', 1), each('dilations', 1), each('pads', 0, 2 * rank)];
  const auto = node.text('auto_pad', 'NOTSET');
  return lengths.map((length, axis) => {
    const [size, stride, dilation] = [kernel[axis], strides[axis], dilations[axis]];
    const sliding = (before: number, after: number): Sliding => ({ size, stride, dilation, padding: [before, after] });
    if (auto === 'NOTSET' || auto === '') return sliding(pads[axis], pads[axis + rank]);
    if (auto === 'VALID') return sliding(0, 0);
    const span = (size - 1) * dilation + 1;
    const total = Math.max((Math.ceil(length / stride) - 1) * stride + span - length, 0);
    const less = Math.floor(total / 2);
    if (auto === 'SAME_UPPER') return sliding(less, total - less);
    if (auto === 'SAME_LOWER') return sliding(total - less, less);
    return node.fail(`there is no auto_pad ${auto}`);
  });
}

const windowAlong = (down: Sliding, across: Sliding): Window => ({
  size: [down.size, across.size],
  stride: [down.stride, across.stride],
  dilation: [down.dilation, across.dilation],
  padding: [down.padding, across.padding],
});

/** How the node's window slides over images [N, C, H, W] or rows [N, C, L]. */
function windowOf(l: Lowering, shape: readonly number[], kernel: readonly number[]): Window {
  if (shape.length !== 3 && shape.length !== 4)
    l.node.fail(`its input is [${shape.join(', ')}]; only images [N, C, H, W] and rows [N, C, L] are computed here`);
  const [first, second] = slidings(l, shape, kernel);
  return second ? windowAlong(first, second) : windowAlong(STILL, first);
}

/** Images or rows [N, C, ...] as the engine's images. */
function imagesOf(value: Computed): Tensor {
  const x = arranged(value, channelsLast(value.shape.length));
  const [n, l, c] = x.shape;
  return x.shape.length === 3 ? reshape(x, [n, 1, l, c]) : x;
}

/** The engine's images as a value of as many axes as `like` has. */
function asValue(y: Tensor, like: Computed): Computed {
  const [n, h, w, c] = y.shape;
  return like.shape.length === 3
    ? computed(reshape(y, [n, w, c]), [n, c, w], channelsLast(3), like.type)
    : computed(y, [n, c, h, w], channelsLast(4), like.type);
}

function conv(l: Lowering): Computed {
  const { node } = l;
  const x = l.computed(0);
  const { shape } = l.value(1);
  const window = windowOf(l, x.shape, node.ints('kernel_shape') ?? shape.slice(2));
  const groups = node.int('group', 1);
  const [k, c] = shape;
  if (shape.slice(2).join() !== (shape.length === 3 ? window.size.slice(1) : window.size).join())
    node.fail(`its kernel_shape ${window.size.join(', ')} is not that of its weights [${shape.join(', ')}]`);
  if (c * groups !== x.shape[1] || k % groups !== 0)
    node.fail(`its weights [${shape.join(', ')}] in ${groups} groups do not fit ${x.shape[1]} channels`);
  const { size, ...sliding } = window;
  const isDepthwise = groups > 1 && c === 1 && k === groups;
  const oihw = [k, c, ...size];
  const images = imagesOf(x);
  const filter =
    l.weightsAs(1, () =>
      isDepthwise
        ? { kind: 'depthwise', shape: [...size, k], arrange: (w) => hwcFromC1hw(w, oihw) }
        : { kind: 'filter', shape: [...size, c, k], arrange: (w) => hwioFromOihw(w, oihw) },
    ) ?? computedFilter(l.computed(1), isDepthwise);
  const y = isDepthwise ? depthwiseConv2d(images, filter, sliding) : conv2d(images, filter, { ...sliding, groups });
  const bias = l.vector(2, 'bias');
  return asValue(bias ? add(y, bias) : y, x);
}

/** A filter [K, C, r, s] that is computed, in the engine's layout. */
function computedFilter(value: Computed, isDepthwise: boolean): Tensor {
  const { shape } = value;
  const w = shape.length === 3 ? arranged(value, [2, 1, 0]) : arranged(value, [2, 3, 1, 0]);
  const [r, s] = two(shape.slice(2), 1);
  return reshape(w, isDepthwise ? [r, s, shape[0]] : [r, s, shape[1], shape[0]]);
}

/** [N, C, r, s] filters, as many in each group, scatter what convolutions gather. */
function convTransposed(l: Lowering): Computed {
  const { node } = l;
  const x = l.computed(0);
  const { shape } = l.value(1);
  const [c, k] = shape;
  const { size, stride, dilation, padding } = windowOf(l, x.shape, node.ints('kernel_shape') ?? shape.slice(2));
  if (c !== x.shape[1]) node.fail(`its weights [${shape.join(', ')}] do not fit ${x.shape[1]} channels`);
  const sides = two(x.shape.slice(2), 1);
  const more = two(node.ints('output_padding') ?? sides.slice(2 - (x.shape.length - 2)).map(() => 0), 0);
  const told = node.ints('output_shape')?.slice(2 - x.shape.length);
  const auto = node.text('auto_pad', 'NOTSET');
  const isSame = auto === 'SAME_UPPER' || auto === 'SAME_LOWER';
  const wanted = told ? two(told, 1) : isSame ? sides.map((n, i) => n * stride[i]) : undefined;
  // Of what the output is wanted shorter, the odd pixel goes before, with SAME_UPPER behind.
  const margins = sides.map((n, i): readonly [number, number] => {
    if (!wanted) return padding[i];
    const total = Math.max(0, stride[i] * (n - 1) + more[i] + (size[i] - 1) * dilation[i] + 1 - wanted[i]);
    const less = Math.floor(total / 2);
    return auto === 'SAME_UPPER' ? [less, total - less] : [total - less, less];
  });
  const oihw = [c, k, ...size];
  const filter =
    l.weightsAs(1, () => ({ kind: 'filter', shape: [...size, k, c], arrange: (w) => hwioFromOihw(w, oihw) })) ??
    computedFilter(l.computed(1), false);
  const y = convTranspose2d(imagesOf(x), filter, {
    stride,
    dilation,
    padding: [margins[0], margins[1]],
    groups: node.int('group', 1),
    ...(wanted ? { size: [wanted[0], wanted[1]] } : { outputPadding: more }),
  });
  const bias = l.vector(2, 'bias');
  return asValue(bias ? add(y, bias) : y, x);
}

/** Volumes [N, C, D, H, W]: what a box holds is what its layers hold. */
function pooledVolumes(
  x: Computed,
  [deep, down, across]: readonly Sliding[],
  pool: (y: Tensor, window: Window) => Tensor,
): Computed {
  const volumes = arranged(x, channelsLast(5));
  const [n, d, h, w, c] = volumes.shape;
  const layers = pool(reshape(volumes, [n * d, h, w, c]), windowAlong(down, across));
  const [, rows, columns] = layers.shape;
  const y = pool(reshape(layers, [n, d, rows * columns, c]), windowAlong(deep, STILL));
  const lengths = [y.shape[1], rows, columns];
  return computed(reshape(y, [n, ...lengths, c]), [n, c, ...lengths], channelsLast(5), x.type);
}

const poolOf = (make: (x: Tensor, window: PoolAttributes, l: Lowering) => Tensor): OnnxOp => ({
  lower(l) {
    const { node } = l;
    if (node.outputs[1]) node.fail('its second output, the indices, is not computed here');
    const x = l.computed(0);
    const kernel = node.ints('kernel_shape') ?? node.fail('it has no kernel_shape');
    // With automatic margins the outputs are as many as whole strides.
    const ceilMode = node.int('ceil_mode', 0) === 1 && ['NOTSET', ''].includes(node.text('auto_pad', ''));
    const pool = (y: Tensor, window: Window) => make(y, { ...window, ceilMode }, l);
    if (x.shape.length === 5) return pooledVolumes(x, slidings(l, x.shape, kernel), pool);
    return asValue(pool(imagesOf(x), windowOf(l, x.shape, kernel)), x);
  },
});

const averaged = (x: Tensor, window: PoolAttributes, { node }: Lowering): Tensor =>
  avgPool2d(x, { ...window, countIncludePad: node.int('count_include_pad', 0) === 1 });

/** f over all pixels, channel by channel. */
const overPixels = (f: (x: Tensor, axes: readonly number[]) => Tensor): OnnxOp => ({
  lower(l) {
    const x = l.computed(0);
    const rank = x.shape.length;
    if (rank < 3) l.node.fail(`its input is [${x.shape.join(', ')}] and has no pixels`);
    const order = channelsLast(rank);
    const y = f(arranged(x, order), plainOrder(rank).slice(1, -1));
    return computed(y, [x.shape[0], x.shape[1], ...x.shape.slice(2).map(() => 1)], order, x.type);
  },
});

export const windowOps = (): Readonly<Record<string, OnnxOp>> => ({
  Conv: { lower: conv },
  ConvTranspose: { lower: convTransposed },
  MaxPool: poolOf(maxPool2d),
  AveragePool: poolOf(averaged),
  GlobalAveragePool: overPixels(mean),
  GlobalMaxPool: overPixels(max),
});
