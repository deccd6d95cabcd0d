import { checkOneOf, checkOptions, checkWhole, type Known } from '../check.ts';
import { checkTensors, shapeError, type Tensor } from '../tensor.ts';
import { conv2dInputGrad } from './conv2d.ts';
import { VERSION_OPTIONS, type Version } from './conv2d_lower.ts';
import { checkWindow, margins, pair, WINDOW_OPTIONS, type ConvAttributes, type Pair } from './conv_geometry.ts';

export interface ConvTransposeAttributes extends ConvAttributes {
  /** Rows and columns that are added at the bottom and on the right: 0 when absent. */
  readonly outputPadding?: Pair;
  /** The output's [height, width] instead: at least what it is without output padding. */
  readonly size?: Pair;
}

const OPTIONS: Known<ConvTransposeAttributes & Version> = {
  ...WINDOW_OPTIONS,
  ...VERSION_OPTIONS,
  groups: true,
  outputPadding: true,
  size: true,
};

/** One dimension of the output: its length, and what is cut off before and behind. */
interface Extent {
  readonly length: number;
  readonly before: number;
  readonly after: number;
}

/**
 * The transposed convolution of x [N, H, W, C] with w [r, s, K/groups, C]: y [N, Ho, Wo, K] is what a convolution with
 * the filter w, of K channels to C, gives as the gradient of its input (Dumoulin & Visin 2016, chapter 4). Channel c of
 * x at (h, w) adds w[r, s, k, c] to y at (h·stride + r·dilation − pad, ...). The filter is that of PyTorch and ONNX
 * [C, K/groups, r, s] with its axes in the order 2, 3, 1, 0.
 *
 * Ho = (H − 1)·stride − pads + (r − 1)·dilation + 1 + outputPadding; with padding 'same' it is H·stride.
 * @throws UserError where the shapes or attributes do not fit
 */
export function convTranspose2d(x: Tensor, w: Tensor, options: ConvTransposeAttributes & Version = {}): Tensor {
  const op = 'conv_transpose2d';
  checkTensors(op, { x, w });
  checkOptions(op, options, OPTIONS);
  const { stride = 1, dilation = 1, padding = 'valid', groups = 1, outputPadding, size, version } = options;
  checkOneOf(op, 'version', version, [1, 2, 3]);
  const fail = (problem: string): never => shapeError(op, problem, x, w);
  if (x.shape.length !== 4) fail('the input must be [N, H, W, C]');
  if (w.shape.length !== 4) fail('the filter must be [r, s, K/groups, C]');
  const [batch, outH, outW, channels] = x.shape;
  const [filterH, filterW, groupChannels, taken] = w.shape;
  checkWhole(op, 'groups', groups, 1);
  if (taken !== channels) fail(`the input has ${channels} channels and the filter takes ${taken}`);
  if (channels % groups !== 0) fail(`${channels} channels do not divide into ${groups} groups`);
  if (size !== undefined && outputPadding !== undefined) fail('the size or the output padding is given, not both');
  const sliding = checkWindow(op, [x, w], [filterH, filterW], { stride, dilation, padding });
  const more = pair(op, 'outputPadding', outputPadding === undefined ? 0 : outputPadding);
  const wanted = size === undefined ? undefined : pair(op, 'size', size);
  for (const n of more) checkWhole(op, 'outputPadding', n, 0);
  for (const n of wanted ?? []) checkWhole(op, 'size', n, 1);
  const [down, across] = ([0, 1] as const).map((axis): Extent => {
    const [inside, step, span] = [x.shape[1 + axis], sliding.strides[axis], sliding.spans[axis]];
    const [before, after] = margins(padding, axis, inside * step, span, step);
    const least = (inside - 1) * step + span - before - after;
    const length = wanted?.[axis] ?? Math.max(least, padding === 'same' ? inside * step : 0) + more[axis];
    if (length < Math.max(1, least)) fail(`of the output ${length} pixels would be left, and it has at least ${least}`);
    return { length, before, after };
  });
  return conv2dInputGrad(x, w, {
    batch,
    inH: down.length,
    inW: across.length,
    inChannels: groupChannels * groups,
    filterH,
    filterW,
    outH,
    outW,
    outChannels: channels,
    strideH: sliding.strides[0],
    strideW: sliding.strides[1],
    dilationH: sliding.dilations[0],
    dilationW: sliding.dilations[1],
    padTop: down.before,
    padLeft: across.before,
    padBottom: down.after,
    padRight: across.after,
    groups,
    version,
  });
}
