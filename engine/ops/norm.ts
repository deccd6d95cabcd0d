import { checkNumber, checkOptions, checkWhole, type Known } from '../check.ts';
import { checkDType, checkTensors, sizeOf, shapeError, type Tensor } from '../tensor.ts';
import { UserError } from '../user_error.ts';
import { axisOf } from './axis.ts';
import { reshape } from './leaves.ts';
import { add, div, mul, sqrt, square, sub } from './pointwise.ts';
import { axesOf, broadcastTo, mean } from './reduce.ts';

/*
 * Norms whose statistics are those of a sample, the same in training and afterwards: compositions. The variance is the
 * mean square of what is left without the mean, so nothing cancels.
 */

/** Which axes `layerNorm` and `rmsNorm` normalise over. */
export interface LayerNormOptions {
  /** What each mean and variance are taken over. */
  readonly axes?: readonly number[];
  /** All axes from this one on instead; the last alone where neither is said. */
  readonly axis?: number;
  /** Added to the variance: 1e-5 when absent. */
  readonly epsilon?: number;
}
const OPTIONS: Known<LayerNormOptions> = { axes: true, axis: true, epsilon: true };

/** Throws a UserError unless all that are given are tensors of f32. */
function checkGiven(op: string, tensors: Readonly<Record<string, Tensor | undefined>>): void {
  for (const [name, t] of Object.entries(tensors)) {
    if (t === undefined && name !== 'x') continue;
    checkTensors(op, { [name]: t });
    checkDType(op, name, t!, 'f32');
  }
}

function checkEpsilon(op: string, epsilon: number): void {
  checkNumber(op, 'epsilon', epsilon);
  if (!(epsilon >= 0)) throw new UserError(`${op}: epsilon must not be negative, and is ${epsilon}`);
}

/** The axes that a norm goes over. */
function normAxes(op: string, x: Tensor, { axes, axis }: LayerNormOptions): number[] {
  if (axes !== undefined && axis !== undefined) throw new UserError(`${op}: axes or axis is given, not both`);
  if (x.shape.length === 0) shapeError(op, 'a scalar has no axes', x);
  if (axes === undefined) {
    const first = axisOf(op, x, axis === undefined ? -1 : axis);
    return x.shape.flatMap((_, d) => (d >= first ? [d] : []));
  }
  const counted = axesOf(op, x, axes);
  if (counted.length === 0) throw new UserError(`${op}: it needs an axis`);
  return counted.sort((a, b) => a - b);
}

/**
 * x and what it is scaled by, as matrices where the last axes are normed: a number for each row is then read in place,
 * where otherwise it would be repeated.
 */
function rows(x: Tensor, axes: readonly number[], operands: readonly (Tensor | undefined)[]) {
  const inner = x.shape.slice(-axes.length);
  const areLast = axes[0] === x.shape.length - axes.length;
  const isRow = (t: Tensor | undefined) => t === undefined || t.size === sizeOf(inner);
  if (!areLast || !operands.every(isRow)) return { x, axes, operands };
  const flat = operands.map((t) => t && reshape(t, [t.size]));
  return { x: reshape(x, [x.size / sizeOf(inner), sizeOf(inner)]), axes: [1], operands: flat };
}

const scaledAndShifted = (x: Tensor, gamma?: Tensor, beta?: Tensor): Tensor => {
  const scaled = gamma ? mul(x, gamma) : x;
  return beta ? add(scaled, beta) : scaled;
};

/**
 * Layer norm (Ba et al. 2016): gamma · (x − mean) / √(variance + epsilon) + beta, mean and variance being those over
 * the axes. gamma and beta, where given, broadcast to x: in most networks they have the shape of the normed axes.
 * @throws UserError where there is no such axis, or the shapes do not fit
 */
export function layerNorm(x: Tensor, gamma?: Tensor, beta?: Tensor, options: LayerNormOptions = {}): Tensor {
  checkGiven('layer_norm', { x, gamma, beta });
  checkOptions('layer_norm', options, OPTIONS);
  const { epsilon = 1e-5 } = options;
  checkEpsilon('layer_norm', epsilon);
  const seen = rows(x, normAxes('layer_norm', x, options), [gamma, beta]);
  const centred = sub(seen.x, mean(seen.x, seen.axes));
  // A product of two, not a square: the compiler sums it without writing it.
  const deviation = sqrt(add(mean(mul(centred, centred), seen.axes), epsilon));
  return reshape(scaledAndShifted(div(centred, deviation), ...seen.operands), x.shape);
}

/** gamma · x / √(mean of x² + epsilon) (Zhang & Sennrich 2019); axes as those of layerNorm. */
export function rmsNorm(x: Tensor, gamma?: Tensor, options: LayerNormOptions = {}): Tensor {
  checkGiven('rms_norm', { x, gamma });
  checkOptions('rms_norm', options, OPTIONS);
  const { epsilon = 1e-5 } = options;
  checkEpsilon('rms_norm', epsilon);
  const seen = rows(x, normAxes('rms_norm', x, options), [gamma]);
  const size = sqrt(add(mean(square(seen.x), seen.axes), epsilon));
  return reshape(scaledAndShifted(div(seen.x, size), ...seen.operands), x.shape);
}

/**
 * Group norm (Wu & He 2018) of x [N, H, W, C]: layer norm over the pixels and channels of each of the groups that
 * neighbouring channels make; gamma and beta are [C].
 * @throws UserError where the channels do not divide into the groups, or the shapes do not fit
 */
export function groupNorm(x: Tensor, groups: number, gamma: Tensor, beta: Tensor, epsilon = 1e-5): Tensor {
  return normOfGroups('group_norm', x, groups, [gamma, beta], epsilon);
}

/** Instance norm (Ulyanov et al. 2016) of x [N, H, W, C]: group norm with a group for each channel. */
export function instanceNorm(x: Tensor, gamma: Tensor, beta: Tensor, epsilon = 1e-5): Tensor {
  checkTensors('instance_norm', { x });
  return normOfGroups('instance_norm', x, x.shape[x.shape.length - 1] ?? 1, [gamma, beta], epsilon);
}

function normOfGroups(
  op: string,
  x: Tensor,
  groups: number,
  [gamma, beta]: readonly [Tensor, Tensor],
  epsilon: number,
): Tensor {
  checkTensors(op, { x, gamma, beta });
  checkGiven(op, { x, gamma, beta });
  checkWhole(op, 'groups', groups, 1);
  checkEpsilon(op, epsilon);
  if (x.shape.length !== 4) shapeError(op, 'the input must be [N, H, W, C]', x);
  const [batch, , , channels] = x.shape;
  if (channels % groups !== 0) shapeError(op, `${channels} channels do not divide into ${groups} groups`, x);
  for (const t of [gamma, beta])
    if (t.shape.length !== 1 || t.size !== channels) shapeError(op, `gamma and beta must be [${channels}]`, x, t);
  // The mean of a group is that of its channels' means. A number for each sample and channel is read in place.
  const meanOfGroup = (t: Tensor): Tensor => {
    const each = mean(t, [1, 2]);
    if (groups === channels) return each;
    const grouped = [batch, groups, channels / groups];
    return reshape(broadcastTo(mean(reshape(each, grouped), [2]), grouped), each.shape);
  };
  const centred = sub(x, meanOfGroup(x));
  const deviation = sqrt(add(meanOfGroup(mul(centred, centred)), epsilon));
  return add(mul(centred, div(gamma, deviation)), beta);
}
