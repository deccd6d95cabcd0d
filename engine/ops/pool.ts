import * as kernels from '../../kernels/pool/pool.ts';
import { checkOneOf, checkOptions, type Known } from '../check.ts';
import { defineOp } from '../op.ts';
import { checkTensors, shapeError, type Shape, type Tensor } from '../tensor.ts';
import { VERSION_OPTIONS, type Version } from './conv2d_lower.ts';
import { pair, windowGeometry, type ConvGeometry, type Padding, type Pair } from './conv_geometry.ts';
import { max } from './fold.ts';
import { reshape } from './leaves.ts';
import { mean } from './reduce.ts';

export interface PoolAttributes {
  readonly size: Pair;
  /** The size of the window when absent. */
  readonly stride?: Pair;
  readonly padding?: Padding;
  /** How far apart the pixels of a window are: 1 when absent. */
  readonly dilation?: Pair;
  /**
   * A last window may hang over the end, as long as it does not begin in the padding there (PyTorch's and ONNX's
   * ceil_mode).
   */
  readonly ceilMode?: boolean;
}

export interface AvgPoolAttributes extends PoolAttributes {
  /**
   * Divide by the window's whole size even where it lies in the padding (PyTorch's default, and ours), or only by what
   * lies inside. What hangs over the padding, in `ceilMode`, never counts.
   */
  readonly countIncludePad?: boolean;
}

const OPTIONS: Known<PoolAttributes> = { size: true, stride: true, padding: true, dilation: true, ceilMode: true };
const MAX_OPTIONS: Known<PoolAttributes & Version> = { ...OPTIONS, ...VERSION_OPTIONS };
const AVG_OPTIONS: Known<AvgPoolAttributes> = { ...OPTIONS, countIncludePad: true };

interface Attributes extends Version {
  readonly geometry: ConvGeometry;
  readonly countPadding: boolean;
}

const inputShape = (g: ConvGeometry): Shape => [g.batch, g.inH, g.inW, g.inChannels];
const outputShape = (g: ConvGeometry): Shape => [g.batch, g.outH, g.outW, g.inChannels];

const sizeFor = ({ geometry: g }: Attributes): kernels.PoolSize => ({
  batch: g.batch,
  inH: g.inH,
  inW: g.inW,
  outH: g.outH,
  outW: g.outW,
  channels: g.inChannels,
  sizeH: g.filterH,
  sizeW: g.filterW,
  strideH: g.strideH,
  strideW: g.strideW,
  padTop: g.padTop,
  padLeft: g.padLeft,
  padBottom: g.padBottom,
  padRight: g.padRight,
  dilationH: g.dilationH,
  dilationW: g.dilationW,
});

function attributes(op: string, x: Tensor, a: AvgPoolAttributes): Attributes {
  checkTensors(op, { x });
  const [filterH, filterW] = pair(op, 'size', a.size);
  checkOneOf(op, 'ceilMode', a.ceilMode, [true, false]);
  const channels = x.shape[3];
  const geometry = windowGeometry(
    op,
    [x],
    { filterH, filterW, outChannels: channels, groups: channels },
    { stride: a.stride === undefined ? a.size : a.stride, padding: a.padding, dilation: a.dilation },
    a.ceilMode,
  );
  const { padTop, padLeft, outH, outW, strideH, strideW, inH, inW, dilationH, dilationW } = geometry;
  // A window over zeros alone has no maximum and no average.
  // biome-ignore lint/complexity/useMaxParams: the numbers of one axis
  const empty = (outs: number, stride: number, before: number, size: number, dilation: number, inside: number) =>
    Array.from({ length: outs }, (_, o) => o * stride - before).some((start) => {
      const skipped = Math.max(0, Math.ceil(-start / dilation));
      return skipped >= size || start + skipped * dilation >= inside;
    });
  if (empty(outH, strideH, padTop, filterH, dilationH, inH) || empty(outW, strideW, padLeft, filterW, dilationW, inW)) {
    shapeError(op, `padding must be less than the window of ${filterH} x ${filterW}, and each see the image`, x);
  }
  return { geometry, countPadding: a.countIncludePad ?? true };
}

// y[n, ho, wo, c] = max of x over the window
const maxOp = defineOp<'x', Attributes>({
  name: 'max_pool2d',
  cheap: true,
  inputs: ['x'],
  shape: (_, { geometry }) => outputShape(geometry),
  vjp: ({ x }, dy, a) => ({ x: () => maxInputGradOp([x, dy], a) }),
  lower: ({ attrs, in: from, out }) => [
    { launch: kernels.maxPool(sizeFor(attrs)), buffers: { x: from(0), out: out() } },
  ],
});

const maxInputGradOp = defineOp<'x' | 'dy', Attributes>({
  name: 'max_pool2d_input_grad',
  gradientOf: 'max_pool2d',
  inputs: ['x', 'dy'],
  shape: (_, { geometry }) => inputShape(geometry),
  lower({ attrs, in: from, out }) {
    const size = sizeFor(attrs);
    const isNaive = attrs.version === 1 || kernels.windowsOverlap(size);
    return [
      {
        launch: isNaive ? kernels.maxPoolInputGradV1(size) : kernels.maxPoolInputGradV2(size),
        buffers: { x: from(0), dy: from(1), out: out() },
      },
    ];
  },
});

// y[n, ho, wo, c] = Σ x over the window / count
const averageOp = defineOp<'x', Attributes>({
  name: 'avg_pool2d',
  cheap: true,
  inputs: ['x'],
  shape: (_, { geometry }) => outputShape(geometry),
  vjp: (_, dy, a) => ({ x: () => averageInputGrad(dy, a) }),
  lower: ({ attrs, in: from, out }) => [
    { launch: kernels.averagePool(sizeFor(attrs), attrs.countPadding), buffers: { x: from(0), out: out() } },
  ],
});

const averageInputGradOp = defineOp<'dy', Attributes>({
  name: 'avg_pool2d_input_grad',
  inputs: ['dy'],
  shape: (_, { geometry }) => inputShape(geometry),
  vjp: (_, ddx, a) => ({ dy: () => averageOp([ddx], a) }),
  lower: ({ attrs, in: from, out }) => [
    { launch: kernels.averagePoolInputGrad(sizeFor(attrs), attrs.countPadding), buffers: { dy: from(0), out: out() } },
  ],
});
const averageInputGrad = (dy: Tensor, a: Attributes): Tensor => averageInputGradOp([dy], a);

interface AdaptiveAttributes {
  readonly shape: Shape;
}

const adaptiveSize = ([batch, inH, inW, channels]: Shape, [, outH, outW]: Shape): kernels.AdaptivePoolSize => ({
  batch,
  inH,
  inW,
  outH,
  outW,
  channels,
});

// y[n, ho, wo, c] = mean of x from ⌊ho·H/Ho⌋ to ⌈(ho + 1)·H/Ho⌉, and likewise across
const adaptiveOp = defineOp<'x', AdaptiveAttributes>({
  name: 'adaptive_avg_pool2d',
  inputs: ['x'],
  shape: (_, { shape }) => shape,
  vjp: ({ x }, dy) => ({ x: () => adaptiveInputGrad(dy, x.shape) }),
  lower: ({ inputs: [x], attrs, in: from, out }) => [
    { launch: kernels.adaptiveAveragePool(adaptiveSize(x.shape, attrs.shape)), buffers: { x: from(0), out: out() } },
  ],
});

const adaptiveInputGradOp = defineOp<'dy', AdaptiveAttributes>({
  name: 'adaptive_avg_pool2d_input_grad',
  inputs: ['dy'],
  shape: (_, { shape }) => shape,
  vjp: ({ dy }, ddx) => ({ dy: () => adaptiveOp([ddx], { shape: dy.shape }) }),
  lower: ({ inputs: [dy], attrs, in: from, out }) => [
    {
      launch: kernels.adaptiveAveragePoolInputGrad(adaptiveSize(attrs.shape, dy.shape)),
      buffers: { dy: from(0), out: out() },
    },
  ],
});
const adaptiveInputGrad = (dy: Tensor, shape: Shape): Tensor => adaptiveInputGradOp([dy], { shape });

/**
 * The maximum of each window of x [N, H, W, C], channel by channel. Of equal values the first in the window gets the
 * cotangent.
 * @throws UserError where the window does not fit or could lie outside the image altogether
 */
export function maxPool2d(x: Tensor, attrs: PoolAttributes & Version): Tensor {
  checkOptions('max_pool2d', attrs, MAX_OPTIONS);
  const { version } = attrs;
  checkOneOf('max_pool2d', 'version', version, [1, 2, 3]);
  return maxOp([x], { ...attributes('max_pool2d', x, attrs), version });
}

/**
 * The average of each window of x [N, H, W, C], channel by channel.
 * @throws UserError as maxPool2d
 */
export function avgPool2d(x: Tensor, attrs: AvgPoolAttributes): Tensor {
  checkOptions('avg_pool2d', attrs, AVG_OPTIONS);
  checkOneOf('avg_pool2d', 'countIncludePad', attrs.countIncludePad, [true, false]);
  return averageOp([x], attributes('avg_pool2d', x, attrs));
}

/** The maximum over all pixels: [N, H, W, C] to [N, C]. Equals share the cotangent. */
export function globalMaxPool(x: Tensor): Tensor {
  checkTensors('global_max_pool', { x });
  if (x.shape.length !== 4) shapeError('global_max_pool', 'the input must be [N, H, W, C]', x);
  return reshape(max(x, [1, 2]), [x.shape[0], x.shape[3]]);
}

/** The average over all pixels: [N, H, W, C] to [N, C]. */
export function globalAvgPool(x: Tensor): Tensor {
  checkTensors('global_avg_pool', { x });
  if (x.shape.length !== 4) shapeError('global_avg_pool', 'the input must be [N, H, W, C]', x);
  return reshape(mean(x, [1, 2]), [x.shape[0], x.shape[3]]);
}

/**
 * Averages that bring x [N, H, W, C] to [N, outH, outW, C] whatever its size, as PyTorch's AdaptiveAvgPool2d: VGG's way
 * to its classifier.
 */
export function adaptiveAvgPool2d(x: Tensor, size: Pair): Tensor {
  checkTensors('adaptive_avg_pool2d', { x });
  const [outH, outW] = pair('adaptive_avg_pool2d', 'size', size);
  if (x.shape.length !== 4) shapeError('adaptive_avg_pool2d', 'the input must be [N, H, W, C]', x);
  for (const n of [outH, outW])
    if (!Number.isInteger(n) || n < 1)
      shapeError('adaptive_avg_pool2d', `the output must be at least 1 x 1 pixels, not ${outH} x ${outW}`, x);
  return adaptiveOp([x], { shape: [x.shape[0], outH, outW, x.shape[3]] });
}
