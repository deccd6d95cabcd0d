import { show, type Known } from '../check.ts';
import { checkTensors, sameShape, shapeError, showShape, type Shape, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';

/** One number for both directions, or [vertical, horizontal]. */
export type Pair = number | readonly [number, number];

/** Zero rows and columns around an image: [[top, bottom], [left, right]]. */
export type Margins = readonly [readonly [number, number], readonly [number, number]];

/**
 * 'same': as many outputs as ceil(input / stride), the odd zero at the bottom and right (TensorFlow's SAME); 'valid':
 * no zeros; a number: as many zeros on all four sides; or explicit margins, which may differ from side to side.
 */
export type Padding = 'same' | 'valid' | number | Margins;

/** How a window slides: what convolutions, depthwise convolutions and pooling have in common. */
export interface WindowAttributes {
  readonly stride?: Pair;
  readonly padding?: Padding;
  readonly dilation?: Pair;
}

export const WINDOW_OPTIONS: Known<WindowAttributes> = { stride: true, padding: true, dilation: true };

/**
 * A sliding window made explicit, as numbers only: output (ho, wo) sees the inputs
 * h = ho·strideH + r·dilationH − padTop for 0 <= r < filterH,
 * w = wo·strideW + s·dilationW − padLeft for 0 <= s < filterW; where h or w lies outside, zeros.
 */
export interface ConvGeometry {
  readonly batch: number;
  readonly inH: number;
  readonly inW: number;
  readonly inChannels: number;
  readonly filterH: number;
  readonly filterW: number;
  readonly outH: number;
  readonly outW: number;
  readonly outChannels: number;
  readonly strideH: number;
  readonly strideW: number;
  readonly dilationH: number;
  readonly dilationW: number;
  readonly padTop: number;
  readonly padLeft: number;
  readonly padBottom: number;
  readonly padRight: number;
  readonly groups: number;
}

const isPair = (value: unknown): value is readonly [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every((n) => typeof n === 'number');

/** Both directions of a pair, vertical first. @throws UserError where it is neither one number nor two */
export function pair(op: string, name: string, value: Pair): readonly [number, number] {
  if (typeof value === 'number') return [value, value];
  if (isPair(value)) return value;
  throw new UserError(`${op}: ${name} must be a number or [vertical, horizontal], not ${show(value)}`);
}

const isMargins = (value: unknown): value is Margins =>
  Array.isArray(value) && value.length === 2 && value.every(isPair);

const isCount = (n: number, least: number) => Number.isInteger(n) && n >= least;

/** Zeros before and after a dimension of `size`, for a window that spans `span` inputs. */
export function margins(
  padding: Padding,
  axis: 0 | 1,
  size: number,
  span: number,
  stride: number,
): readonly [number, number] {
  if (padding === 'valid') return [0, 0];
  if (typeof padding === 'number') return [padding, padding];
  if (padding !== 'same') return padding[axis];
  const total = Math.max((Math.ceil(size / stride) - 1) * stride + span - size, 0);
  const low = Math.floor(total / 2);
  return [low, total - low];
}

/** Both directions of a window's strides and dilations, and how many pixels it reaches over. */
interface Sliding {
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly spans: readonly [number, number];
}

/** @throws UserError where an attribute is no count, or the window [filterH, filterW] has no pixel */
export function checkWindow(
  op: string,
  operands: readonly Tensor[],
  [filterH, filterW]: readonly [number, number],
  { stride = 1, dilation = 1, padding = 'valid' }: WindowAttributes,
): Sliding {
  const fail = (problem: string): never => shapeError(op, problem, ...operands);
  const [strideH, strideW] = pair(op, 'stride', stride);
  const [dilationH, dilationW] = pair(op, 'dilation', dilation);
  if (typeof padding !== 'number' && !['same', 'valid'].includes(padding as string) && !isMargins(padding))
    fail(`padding must be 'same', 'valid', a number or [[top, bottom], [left, right]], not ${show(padding)}`);
  if (![strideH, strideW].every((n) => isCount(n, 1)))
    fail(`stride must be a whole number of at least 1, not ${strideH}, ${strideW}`);
  if (![dilationH, dilationW].every((n) => isCount(n, 1)))
    fail(`dilation must be a whole number of at least 1, not ${dilationH}, ${dilationW}`);
  if (!isCount(filterH, 1) || !isCount(filterW, 1))
    fail(`the window must be at least 1 x 1, not ${filterH} x ${filterW}`);
  if (typeof padding !== 'string' && ![padding].flat(2).every((n) => isCount(n, 0)))
    fail(`padding must be 'same', 'valid' or whole numbers, not ${show(padding)}`);
  return {
    strides: [strideH, strideW],
    dilations: [dilationH, dilationW],
    spans: [(filterH - 1) * dilationH + 1, (filterW - 1) * dilationW + 1],
  };
}

/**
 * The geometry of a window [filterH, filterW] over x [N, H, W, C] that makes `outChannels` channels from `groups`
 * separate groups. `op` and `operands` are named in errors.
 * @param roundUp a last window may hang over the padded image, but not begin behind the image and its padding before
 * it (PyTorch's and ONNX's ceil_mode)
 *
 * @throws UserError where x has not four dimensions, an attribute is no count, or the window is larger than the padded
 * image
 */
export function windowGeometry(
  op: string,
  operands: readonly Tensor[],
  window: { filterH: number; filterW: number; outChannels: number; groups: number },
  attrs: WindowAttributes,
  roundUp = false,
): ConvGeometry {
  const [x] = operands;
  checkTensors(op, { x });
  const fail = (problem: string): never => shapeError(op, problem, ...operands);
  if (x.shape.length !== 4) fail('the input must be [N, H, W, C]');
  const [batch, inH, inW, inChannels] = x.shape;
  const { padding = 'valid' } = attrs;
  const { strides, dilations, spans } = checkWindow(op, operands, [window.filterH, window.filterW], attrs);
  const [strideH, strideW] = strides;
  const [dilationH, dilationW] = dilations;
  const [spanH, spanW] = spans;
  const [padTop, padBottom] = margins(padding, 0, inH, spanH, strideH);
  const [padLeft, padRight] = margins(padding, 1, inW, spanW, strideW);
  const windows = (inside: number, before: number, after: number, span: number, stride: number): number => {
    const steps = (inside + before + after - span) / stride;
    if (!roundUp) return Math.floor(steps) + 1;
    return Math.ceil(steps) * stride >= inside + before ? Math.ceil(steps) : Math.ceil(steps) + 1;
  };
  const outH = windows(inH, padTop, padBottom, spanH, strideH);
  const outW = windows(inW, padLeft, padRight, spanW, strideW);
  if (outH < 1 || outW < 1) {
    fail(
      `the window spans ${spanH} x ${spanW} pixels and the padded image has only ${inH + padTop + padBottom} x ${inW + padLeft + padRight}`,
    );
  }
  return {
    batch,
    inH,
    inW,
    inChannels,
    ...window,
    outH,
    outW,
    strideH,
    strideW,
    dilationH,
    dilationW,
    padTop,
    padLeft,
    padBottom,
    padRight,
  };
}

/** How a convolution's window slides, and into how many groups its channels are divided. */
export interface ConvAttributes extends WindowAttributes {
  readonly groups?: number;
}

/** The least that each number of a geometry can be. */
export const LEAST_OF_GEOMETRY: Readonly<Record<keyof ConvGeometry, number>> = {
  batch: 0,
  inH: 0,
  inW: 0,
  inChannels: 0,
  filterH: 1,
  filterW: 1,
  outH: 1,
  outW: 1,
  outChannels: 0,
  strideH: 1,
  strideW: 1,
  dilationH: 1,
  dilationW: 1,
  padTop: 0,
  padLeft: 0,
  padBottom: 0,
  padRight: 0,
  groups: 1,
};

/**
 * The geometry of a convolution of x [N, H, W, C] with w [r, s, C/groups, K].
 * @throws UserError where the shapes or attributes do not fit
 */
export function convGeometry(op: string, x: Tensor, w: Tensor, attrs: ConvAttributes = {}): ConvGeometry {
  checkTensors(op, { x, w });
  const { groups = 1 } = attrs;
  if (x.shape.length !== 4) shapeError(op, 'the input must be [N, H, W, C]', x, w);
  if (w.shape.length !== 4) shapeError(op, 'the filter must be [r, s, C/groups, K]', x, w);
  const [filterH, filterW, groupChannels, outChannels] = w.shape;
  if (!isCount(groups, 1)) shapeError(op, `groups must be a whole number of at least 1, not ${show(groups)}`, x, w);
  if (groupChannels * groups !== x.shape[3]) {
    shapeError(
      op,
      `the input has ${x.shape[3]} channels and the filter takes ${groupChannels}${groups > 1 ? ` in each of ${groups} groups` : ''}`,
      x,
      w,
    );
  }
  if (outChannels % groups !== 0)
    shapeError(op, `${outChannels} output channels do not divide into ${groups} groups`, x, w);
  return windowGeometry(op, [x, w], { filterH, filterW, outChannels, groups }, attrs);
}

export const inputShape = (g: ConvGeometry): Shape => [g.batch, g.inH, g.inW, g.inChannels];
export const filterShape = (g: ConvGeometry): Shape => [g.filterH, g.filterW, g.inChannels / g.groups, g.outChannels];
export const outputShape = (g: ConvGeometry): Shape => [g.batch, g.outH, g.outW, g.outChannels];

/** Throws where a tensor has not the shape that the geometry gives it. */
export function expectShape(op: string, what: string, t: Tensor, want: Shape): void {
  if (!sameShape(t.shape, want)) shapeError(op, `${what} must be ${showShape(want)}`, t);
}
