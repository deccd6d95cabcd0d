import { gradSummed } from '../../kernels/batch_norm/summed.ts';
import * as kernels from '../../kernels/depthwise_conv2d/depthwise_conv2d.ts';
import { checkOneOf, checkOptions, type Known } from '../check.ts';
import { defineOp, type BufferRef, type LowerContext } from '../op.ts';
import { checkTensors, sameShape, shapeError, showShape, type Shape, type Tensor } from '../tensor.ts';
import { chain } from './chain.ts';
import { lastStep, plainly, type Epilogue } from './epilogue.ts';
import { WINDOW_OPTIONS, windowGeometry, type ConvGeometry, type WindowAttributes } from './conv_geometry.ts';

/** The geometry with x and w as shapes: gradients know one of the two only by its shape. */
interface Attributes extends Epilogue {
  readonly geometry: ConvGeometry;
  readonly version?: 1 | 2;
  /**
   * The compiler lets it normalise x as it reads it (engine/program/normalised.ts), by the coefficients that are one
   * more input behind its own.
   */
  readonly normalised?: kernels.Normalised;
}

interface InputGradAttributes extends Attributes {
  /**
   * The compiler wants the sums of the gradient of the batch norm that made x (engine/program/summed.ts): its
   * coefficients and what it read are inputs behind the op's own.
   */
  readonly gradSummed?: kernels.Normalised;
}

/**
 * Whether the fast kernels compute it. Those of a depthwise convolution and its filter gradient can normalise what they
 * read, and those of its input gradient sum what they make for a batch norm.
 */
const isFast = ({ geometry, version }: Attributes): boolean => kernels.fast(sizeFor(geometry), { version });

const normalises = (attrs: Attributes, gated: boolean): boolean => !gated && isFast(attrs);

export interface DepthwiseAttributes extends WindowAttributes {
  /** 1 takes the naive kernels, as a second opinion. */
  readonly version?: 1 | 2;
}

const OPTIONS: Known<DepthwiseAttributes> = { ...WINDOW_OPTIONS, version: true };

const xShape = (g: ConvGeometry): Shape => [g.batch, g.inH, g.inW, g.inChannels];
const wShape = (g: ConvGeometry): Shape => [g.filterH, g.filterW, g.inChannels];
const yShape = (g: ConvGeometry): Shape => [g.batch, g.outH, g.outW, g.inChannels];

const sizeFor = (g: ConvGeometry): kernels.DepthwiseSize => ({
  batch: g.batch,
  inH: g.inH,
  inW: g.inW,
  outH: g.outH,
  outW: g.outW,
  channels: g.inChannels,
  filterH: g.filterH,
  filterW: g.filterW,
  strideH: g.strideH,
  strideW: g.strideW,
  dilationH: g.dilationH,
  dilationW: g.dilationW,
  padTop: g.padTop,
  padLeft: g.padLeft,
});

// y[n, ho, wo, c] = Σ_{r,s} x[n, ho·stride + r·dilation − pad, wo·stride + s·dilation − pad, c] · w[r, s, c]
/** What the choice of a launch depends on. The naive kernels do not normalise what they read. */
const optionsOf = ({ attrs, capabilities }: LowerContext<Attributes>): kernels.DepthwiseOptions => ({
  ...capabilities,
  version: attrs.normalised ? 2 : attrs.version,
});

export const depthwiseConv2dOp = defineOp<'x' | 'w', Attributes>({
  name: 'depthwise_conv2d',
  normalises,
  inputs: ['x', 'w'],
  shape: (_, { geometry }) => yShape(geometry),
  vjp: ({ x, w }, dy, a) => ({ x: () => inputGrad(dy, w, a), w: () => filterGrad(x, dy, a) }),
  takesEpilogue: true,
  lower(ctx) {
    const size = sizeFor(ctx.attrs.geometry);
    const launch = kernels.depthwiseForward(size, ctx.choose(kernels.depthwiseForwardChoices(size, optionsOf(ctx))));
    const of_channel = ctx.in(ctx.attrs.normalised ? 2 : 1);
    const buffers = (out: BufferRef) => ({ x: ctx.in(0), w: ctx.in(1), of_channel, out });
    return lastStep(ctx, kernels.withNormalised(launch, ctx.attrs.normalised), buffers, ctx.in(1));
  },
});

// The adjoint of the above in x. Bilinear in dy and w, as the others are in their inputs, so each one's vjp is made of
// the other two.
const depthwiseInputGradOp = defineOp<'dy' | 'w', InputGradAttributes>({
  name: 'depthwise_conv2d_input_grad',
  sums: isFast,
  inputs: ['dy', 'w'],
  shape: (_, { geometry }) => xShape(geometry),
  vjp: ({ dy, w }, ddx, a) => ({ dy: () => forward(ddx, w, a), w: () => filterGrad(ddx, dy, a) }),
  lower(ctx) {
    const { geometry, gradSummed: sums } = ctx.attrs;
    const size = sizeFor(geometry);
    const { launch, dyName } = kernels.depthwiseInputGrad(
      size,
      ctx.choose(kernels.depthwiseInputGradChoices(size, optionsOf(ctx))),
    );
    const [dy, w] = [ctx.in(0), ctx.in(1)];
    const buffers = { [dyName]: dy, w, of_channel: w, out: ctx.out() };
    const own = sums && gradSummed(launch, sums.activation);
    if (!own) return [plainly({ launch, buffers }, w)];
    const partial = ctx.temp(own.parts * 2 * geometry.inChannels);
    ctx.leave({ partial, parts: own.parts });
    return [{ launch: own.launch, buffers: { ...buffers, of_channel: ctx.in(2), normed: ctx.in(3), partial } }];
  },
});

// The adjoint in w.
export const depthwiseFilterGradOp = defineOp<'x' | 'dy', Attributes>({
  name: 'depthwise_conv2d_filter_grad',
  normalises,
  inputs: ['x', 'dy'],
  shape: (_, { geometry }) => wShape(geometry),
  isWeightGradient: true,
  vjp: ({ x, dy }, ddw, a) => ({ x: () => inputGrad(dy, ddw, a), dy: () => forward(x, ddw, a) }),
  lower(ctx) {
    const size = sizeFor(ctx.attrs.geometry);
    const { normalised } = ctx.attrs;
    const cut = ctx.choose(kernels.depthwiseFilterGradChoices(size, optionsOf(ctx)));
    const [first, ...sums] = kernels.depthwiseFilterGrad(size, cut, ctx.capabilities);
    // Where it is not read, a buffer of f32 of its own: bound in its place, x would have to be stored as f32.
    const of_channel = normalised ? ctx.in(2) : ctx.temp(4);
    return chain(ctx, { x: ctx.in(0), dy: ctx.in(1), of_channel }, [
      { ...first, launch: kernels.withNormalised(first.launch, normalised) },
      ...sums,
    ]);
  },
});

const forward = (x: Tensor, w: Tensor, a: Attributes): Tensor => depthwiseConv2dOp([x, w], a);
const inputGrad = (dy: Tensor, w: Tensor, a: Attributes): Tensor => depthwiseInputGradOp([dy, w], a);
const filterGrad = (x: Tensor, dy: Tensor, a: Attributes): Tensor => depthwiseFilterGradOp([x, dy], a);

/**
 * Depthwise convolution: each channel of x [N, H, W, C] with its own filter from w [r, s, C], giving [N, Ho, Wo, C].
 * @throws UserError where the shapes, stride, padding or dilation do not fit
 */
export function depthwiseConv2d(x: Tensor, w: Tensor, attrs: DepthwiseAttributes = {}): Tensor {
  checkOptions('depthwise_conv2d', attrs, OPTIONS);
  checkOneOf('depthwise_conv2d', 'version', attrs.version, [1, 2]);
  checkTensors('depthwise_conv2d', { x, w });
  const channels = x.shape[3];
  if (w.shape.length !== 3 || w.shape[2] !== channels)
    shapeError('depthwise_conv2d', 'x must be [N, H, W, C] and the filter [r, s, C]', x, w);
  const [filterH, filterW] = w.shape;
  const geometry = windowGeometry(
    'depthwise_conv2d',
    [x, w],
    { filterH, filterW, outChannels: channels, groups: channels },
    attrs,
  );
  return forward(x, w, { geometry, version: attrs.version });
}

/** The cotangent of x, given dy [N, Ho, Wo, C] and w [r, s, C]. The tensor `x` is asked for its shape only. */
export function depthwiseConv2dInputGrad(dy: Tensor, w: Tensor, x: Tensor, attrs: DepthwiseAttributes = {}): Tensor {
  const a = attributesOf(depthwiseConv2d(x, w, attrs), dy);
  return inputGrad(dy, w, a);
}

/** The cotangent of w, given x [N, H, W, C] and dy [N, Ho, Wo, C]. The tensor `w` is asked for its shape only. */
export function depthwiseConv2dFilterGrad(x: Tensor, dy: Tensor, w: Tensor, attrs: DepthwiseAttributes = {}): Tensor {
  const a = attributesOf(depthwiseConv2d(x, w, attrs), dy);
  return filterGrad(x, dy, a);
}

function attributesOf(y: Tensor, dy: Tensor): Attributes {
  checkTensors('depthwise_conv2d', { dy });
  if (!sameShape(dy.shape, y.shape)) shapeError('depthwise_conv2d', `the cotangent must be ${showShape(y.shape)}`, dy);
  return y.attrs as unknown as Attributes;
}
