import { batchNorm, type BatchNormAttributes } from '../../../engine/ops/batch_norm.ts';
import { l1Norm, l2Norm } from '../../../engine/ops/fold.ts';
import { reshape } from '../../../engine/ops/leaves.ts';
import { where } from '../../../engine/ops/logic.ts';
import { add, div, mul, pow, reciprocal, relu, silu, sqrt, square, sub } from '../../../engine/ops/pointwise.ts';
import { avgPool2d } from '../../../engine/ops/pool.ts';
import { mean } from '../../../engine/ops/reduce.ts';
import type { Tensor } from '../../../engine/tensor.ts';
import { normalise } from '../../layers.ts';
import { axisOf } from '../arguments.ts';
import { arranged, computed, settle } from '../layout.ts';
import type { Lowering, OnnxOp } from '../lowering.ts';
import { channelsLast, plainOrder, type Computed, type Constant } from '../value.ts';
import { aligned } from './pointwise.ts';

/** What the layer is called after the name of its scale: `bn1` of `bn1.weight`. */
const stemOf = (scale: string): string => scale.replace(/[./_](weight|gamma|scale|w_0|gamma:0)$/, '');

const KINDS = ['gamma', 'beta', 'mean', 'var'] as const;

/**
 * Batch normalisation as a layer of ours, whose four vectors are `name.gamma` and so on; where some of them are
 * computed, as arithmetic.
 */
function batchNormalisation(l: Lowering): Computed | Computed[] {
  const { node } = l;
  const x = l.computed(0);
  const rank = x.shape.length;
  if (rank < 2) node.fail(`its input [${x.shape.join(', ')}] has no channels`);
  if (node.int('training_mode', 0) === 1) return inTraining(l, x);
  if (node.int('spatial', 1) === 0) node.fail('statistics of every pixel (spatial = 0) are not computed here');
  const activation = node.text('activation', 'none') as BatchNormAttributes['activation'];
  const attrs = { epsilon: node.float('epsilon', 1e-5), activation };
  const images = l.channelsLast(0);
  const channels = x.shape[1];
  const y = asLayer(l, images, channels, attrs) ?? asArithmetic(l, images, attrs);
  return computed(y, x.shape, channelsLast(rank), x.type);
}

function asLayer(l: Lowering, x: Tensor, channels: number, attrs: BatchNormAttributes): Tensor | undefined {
  if (!l.trains(1, 2, 3, 4)) return undefined;
  const name = stemOf((l.value(1) as Constant).name!);
  const claimed = KINDS.map((kind, k) => l.claim(k + 1, { kind, shape: [channels], name: `${name}.${kind}` }));
  return claimed.every(Boolean) ? normalise(x, name, attrs, l.context) : undefined;
}

function asArithmetic(l: Lowering, x: Tensor, attrs: BatchNormAttributes): Tensor {
  const [gamma, beta, mean, variance] = KINDS.map((kind, k) => l.vector(k + 1, kind)!);
  if (l.context.batchNorm === 'batch') return batchNorm(x, gamma, beta, attrs).y;
  const scale = div(gamma, sqrt(add(variance, attrs.epsilon ?? 1e-5)));
  const y = add(mul(sub(x, mean), scale), beta);
  return attrs.activation === 'relu' ? relu(y) : attrs.activation === 'silu' ? silu(y) : y;
}

/**
 * By the statistics of the batch, and what the running ones become. Those of a network are its weights, which a run
 * does not change.
 */
function inTraining(l: Lowering, x: Computed): Computed[] {
  const { node } = l;
  if (l.trains(1, 2, 3, 4))
    node.fail('it is in training mode; export the network in evaluation mode, and train it here');
  const order = channelsLast(x.shape.length);
  const images = arranged(x, order);
  const axes = plainOrder(images.shape.length - 1);
  const [gamma, beta, ...running] = KINDS.map((kind, k) => l.vector(k + 1, kind)!);
  const { y, middle, centred } = standardised(images, axes, node.float('epsilon', 1e-5));
  const momentum = node.float('momentum', 0.9);
  const moved = [middle, mean(mul(centred, centred), axes)].map((now, k) =>
    add(mul(running[k], momentum), mul(reshape(now, running[k].shape), 1 - momentum)),
  );
  const scaled = add(mul(y, gamma), beta);
  return [computed(scaled, x.shape, order, x.type), ...moved.map((t) => computed(t, t.shape, undefined, x.type))];
}

/** x less its mean over these dimensions, over its deviation; and those. */
function standardised(x: Tensor, dimensions: readonly number[], epsilon: number) {
  const middle = mean(x, dimensions);
  const centred = sub(x, middle);
  // A product of two, not a square: the compiler sums it without writing it.
  const deviation = sqrt(add(mean(mul(centred, centred), dimensions), epsilon));
  return { y: div(centred, deviation), middle, centred, deviation };
}

/** Over the axes from the given one on; scale and shift have the shape of those. The mean and 1/deviation too. */
function layerNormalisation(l: Lowering): Computed[] {
  const { node } = l;
  const x = settle(l.computed(0));
  const rank = x.shape.length;
  const axis = axisOf(node, node.int('axis', -1), rank);
  const dimensions = plainOrder(rank).filter((d) => x.order[d] >= axis);
  const { y, middle, deviation } = standardised(x.tensor, dimensions, node.float('epsilon', 1e-5));
  const kept = x.shape.map((n, d) => (d < axis ? n : 1));
  const told = [middle, reciprocal(deviation)].map((tensor) => ({ ...x, shape: kept, tensor }));
  return [scaled(l, { ...x, tensor: y }), ...told];
}

/** y · scale + shift, which broadcast to it, and are weights where they are vectors. */
function scaled(l: Lowering, y: Computed): Computed {
  const { order } = y;
  const { operands } = aligned(l, [y, l.value(1)], true);
  const product = mul(y.tensor, operands[1].tensor);
  if (l.inputs[2] === undefined) return { ...y, tensor: product };
  const shift = aligned(l, [y, l.value(2)], true).operands[1];
  return computed(add(product, shift.tensor), y.shape, order, y.type);
}

/** Each channel of each sample by itself. */
function instanceNormalisation(l: Lowering): Computed {
  const x = l.computed(0);
  const rank = x.shape.length;
  const images = l.channelsLast(0);
  const { y } = standardised(images, plainOrder(rank).slice(1, -1), l.node.float('epsilon', 1e-5));
  return computed(add(mul(y, l.vector(1, 'gamma')!), l.vector(2, 'beta')!), x.shape, channelsLast(rank), x.type);
}

/** Groups of channels; before opset 21 scale and shift have a number for each group, since then for each channel. */
function groupNormalisation(l: Lowering): Computed {
  const { node } = l;
  const x = l.computed(0);
  const [batch, channels] = x.shape;
  const groups = node.int('num_groups', 0);
  if (groups < 1 || channels % groups !== 0) node.fail(`${channels} channels do not divide into ${groups} groups`);
  const images = l.channelsLast(0);
  const perGroup = channels / groups;
  const apart = reshape(images, [batch, images.size / batch / channels, groups, perGroup]);
  const { y } = standardised(apart, [1, 3], node.float('epsilon', 1e-5));
  // [groups, 1] beside [..., groups, per group], or [C] beside the whole.
  const isPerGroup = node.opset < 21;
  const whole = isPerGroup ? y : reshape(y, images.shape);
  const each = (v: Tensor) => (isPerGroup ? reshape(v, [groups, 1]) : v);
  const shifted = add(mul(whole, each(l.vector(1, 'gamma')!)), each(l.vector(2, 'beta')!));
  return computed(reshape(shifted, images.shape), x.shape, channelsLast(x.shape.length), x.type);
}

/** Local response normalisation over `size` neighbouring channels (Krizhevsky et al. 2012), as ONNX counts them. */
function localResponse(l: Lowering): Computed {
  const { node } = l;
  const x = l.computed(0);
  const images = l.channelsLast(0);
  const channels = x.shape[1];
  const size = node.int('size', 1);
  const before = Math.floor((size - 1) / 2);
  const rows = reshape(square(images), [images.size / channels, 1, channels, 1]);
  const means = avgPool2d(rows, {
    size: [1, size],
    stride: 1,
    padding: [
      [0, 0],
      [before, size - 1 - before],
    ],
  });
  const base = add(mul(reshape(means, images.shape), node.float('alpha', 1e-4)), node.float('bias', 1));
  const y = div(images, pow(base, node.float('beta', 0.75)));
  return computed(y, x.shape, channelsLast(x.shape.length), x.type);
}

/** x less its mean over some axes, over its deviation, as MeanVarianceNormalization is defined. */
function meanVariance(l: Lowering): Computed {
  const x = settle(l.computed(0));
  const axes = l.node.ints('axes') ?? [0, 2, 3];
  const dimensions = axes.map((axis) => x.order.indexOf(axisOf(l.node, axis, x.shape.length)));
  const { centred, deviation } = standardised(x.tensor, dimensions, 0);
  return { ...x, tensor: div(centred, add(deviation, 1e-9)) };
}

/** x over its 1-norm or 2-norm along an axis; where that is 0, 0. */
function lengthNormalised(l: Lowering): Computed {
  const { node } = l;
  const x = settle(l.computed(0));
  const p = node.int('p', 2);
  if (p !== 1 && p !== 2) node.fail(`there is no norm of ${p}`);
  const at = [x.order.indexOf(axisOf(node, node.int('axis', -1), x.shape.length))];
  const length = (p === 1 ? l1Norm : l2Norm)(x.tensor, at);
  return { ...x, tensor: div(x.tensor, where(length, length, 1)) };
}

export const normOps = (): Readonly<Record<string, OnnxOp>> => ({
  BatchNormalization: { lower: batchNormalisation },
  LayerNormalization: { lower: layerNormalisation },
  InstanceNormalization: { lower: instanceNormalisation },
  GroupNormalization: { lower: groupNormalisation },
  LRN: { lower: localResponse },
  MeanVarianceNormalization: { lower: meanVariance },
  LpNormalization: { lower: lengthNormalised },
});
