import { parameterOf } from '../../engine/device/parameter.ts';
import type { ConvGeometry } from '../../engine/ops/conv_geometry.ts';
import { topologicalOrder, type Tensor } from '../../engine/tensor.ts';
import { augment } from './augment.ts';
import * as moves from './moves.ts';
import * as norm from './batch_norm.ts';
import * as conv from './conv2d.ts';
import * as depthwise from './depthwise_conv2d.ts';
import { FOLDS, argMax, listsAlong } from './fold.ts';
import { matmul } from './matmul.ts';
import { operandAt, pointwise } from './pointwise.ts';
import * as pool from './pool.ts';
import { randomUniform } from './random.ts';
import * as loss from './softmax_cross_entropy.ts';

/** Values of leaves by name: inputs and parameters. */
export type Leaves = ReadonlyMap<string, ArrayLike<number>>;
/** Values of tensors; `evaluateGraph` computes what is missing and adds it. */
export type Values = Map<Tensor, Float64Array>;

/**
 * Evaluates any graph of tensors in float64, op by op as the graph says it, with the references that the ops' own tests
 * prove: no fusion, no planning, no GPU. What a program computes, gradients included, must be this up to rounding.
 *
 * @param round applied to every element that an op gives, with the op's tensor: Math.fround shows what storing values
 * as f32 costs
 */
export function evaluateGraph(
  roots: readonly Tensor[],
  leaves: Leaves,
  values: Values = new Map(),
  round?: (v: number, t: Tensor) => number,
): Values {
  for (const t of topologicalOrder(roots)) {
    if (values.has(t)) continue;
    const make = OPS[t.op.name];
    if (!make) throw new Error(`the interpreter has no op ${t.op.name}`);
    const value = make(
      t,
      t.inputs.map((input) => values.get(input)!),
      leaves,
    );
    if (value.length !== t.size) throw new Error(`${t}: the reference gave ${value.length} elements`);
    values.set(t, round ? value.map((v) => round(v, t)) : value);
  }
  return values;
}

type Evaluate = (t: Tensor, inputs: readonly Float64Array[], leaves: Leaves) => Float64Array;

const attrs = <A>(t: Tensor): A => t.attrs as unknown as A;

const leaf: Evaluate = (t, _, leaves) => {
  const value = leaves.get(parameterOf(t)?.name ?? t.name!);
  if (!value) throw new Error(`the interpreter was given no value for ${t}`);
  return Float64Array.from(value);
};

const windowOf = (t: Tensor): depthwise.Depthwise & pool.Pool => {
  const { geometry: g } = attrs<{ geometry: ConvGeometry }>(t);
  return {
    x: [g.batch, g.inH, g.inW, g.inChannels],
    filter: [g.filterH, g.filterW],
    size: [g.filterH, g.filterW],
    out: [g.outH, g.outW],
    stride: [g.strideH, g.strideW],
    dilation: [g.dilationH, g.dilationW],
    pad: [g.padTop, g.padLeft],
    padEnd: [g.padBottom, g.padRight],
  };
};

type Nhwc = readonly [n: number, h: number, w: number, c: number];

const normCase = (
  t: Tensor,
  x: Float64Array,
  stats: Float64Array,
  gamma: Float64Array,
  beta: Float64Array,
): norm.BatchNormCase => ({
  x,
  stats,
  gamma,
  beta,
  ...attrs<Pick<norm.BatchNormCase, 'epsilon' | 'activation'>>(t),
});

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

/** [outer, length, inner] of the run of dimensions that a sum or a repetition goes over. */
const threeOf = (t: Tensor, shape: readonly number[]) => {
  const { first, last, scale } = attrs<{ first: number; last: number; scale: number }>(t);
  return { length: product(shape.slice(first, last + 1)), inner: product(shape.slice(last + 1)), scale };
};

/** Where element i of the full tensor lies in the one with the run of dimensions summed away. */
const summedIndex = (i: number, length: number, inner: number) =>
  Math.floor(i / (length * inner)) * inner + (i % inner);

const OPS: Readonly<Record<string, Evaluate>> = {
  input: leaf,
  parameter: leaf,
  constant: (t) => {
    const { value } = attrs<{ value: number | ArrayLike<number> }>(t);
    return typeof value === 'number' ? new Float64Array(t.size).fill(value) : Float64Array.from(value);
  },
  reshape: (_, [x]) => x,
  transpose: (t, [x]) => moves.transpose(x, t.inputs[0].shape, attrs<{ perm: number[] }>(t).perm),
  slice: (t, [x]) => {
    const { starts, steps } = attrs<{ starts: number[]; steps: number[] }>(t);
    return moves.slice(x, t.inputs[0].shape, starts, t.shape, steps);
  },
  place: (t, [x]) => {
    const { starts, steps, value } = attrs<{ starts: number[]; steps: number[]; value: number }>(t);
    return moves.place(x, t.inputs[0].shape, t.shape, starts, steps, value);
  },
  resample: (t, [x, down, across]) => {
    const { axis, matrices } = attrs<{ axis: number; matrices: readonly unknown[] }>(t);
    const tables = matrices.length === 1 ? [down] : [down, across];
    return moves.resample(x, t.inputs[0].shape, t.shape, axis, tables);
  },
  gather: (t, [x, indices]) => moves.gather(x, t.inputs[0].shape, indices, attrs<{ axis: number }>(t).axis),
  gather_input_grad: (t, [dy, indices]) => moves.gatherInputGrad(dy, t.shape, indices, attrs<{ axis: number }>(t).axis),
  cast: (t, [x]) => (t.dtype === 'f32' ? x : x.map((v) => (v > 0 ? Math.min(Math.trunc(v), 2 ** 32 - 1) : 0))),
  concat: (t, parts) =>
    moves.concat(
      parts,
      t.inputs.map(({ shape }) => shape),
      attrs<{ axis: number }>(t).axis,
    ),
  stop_gradient: (_, [x]) => x,
  row: (t, [x]) =>
    x.slice(attrs<{ index: number }>(t).index * t.size, (attrs<{ index: number }>(t).index + 1) * t.size),
  place_row: (t, [x]) => {
    const y = new Float64Array(t.size);
    y.set(x, attrs<{ index: number }>(t).index * x.length);
    return y;
  },
  pointwise: (t, [x, ...operands]) => {
    let y = x;
    let next = 0;
    for (const stage of attrs<{ stages: readonly { op: string; mode: string; immediate?: number }[] }>(t).stages) {
      const operand = stage.mode === 'immediate' ? undefined : next++;
      y = y.map((v, i) =>
        pointwise(
          stage.op,
          v,
          operand === undefined
            ? (stage.immediate ?? NaN)
            : operands[operand][operandAt(i, t.inputs[operand + 1].shape, t.shape)],
        ),
      );
    }
    return y;
  },
  sum: (t, [x]) => {
    const { length, inner, scale } = threeOf(t, t.inputs[0].shape);
    const y = new Float64Array(t.size);
    x.forEach((v, i) => (y[summedIndex(i, length, inner)] += v));
    return y.map((v) => v * scale);
  },
  sum_of_products: (t, [x, y]) => {
    const { length, inner, scale } = threeOf(t, t.inputs[0].shape);
    const sums = new Float64Array(t.size);
    x.forEach((v, i) => (sums[summedIndex(i, length, inner)] += v * y[i]));
    return sums.map((v) => v * scale);
  },
  fold: (t, [x]) => {
    const { how, axes } = attrs<{ how: string; axes: number[] }>(t);
    return Float64Array.from(listsAlong(t.inputs[0].shape, axes), (list) => FOLDS[how](list.map((i) => x[i])));
  },
  arg: (t, [x]) => {
    const { how, axis, last } = attrs<{ how: string; axis: number; last: boolean }>(t);
    const sign = how === 'max' ? 1 : -1;
    return Float64Array.from(listsAlong(t.inputs[0].shape, [axis]), (list) =>
      argMax(
        list.map((i) => sign * x[i]),
        last,
      ),
    );
  },
  broadcast: (t, [x]) => {
    const { length, inner, scale } = threeOf(t, t.shape);
    return Float64Array.from({ length: t.size }, (_, i) => scale * x[summedIndex(i, length, inner)]);
  },
  matmul: (t, [a, b]) => {
    const { transposeA = false, transposeB = false } = attrs<{ transposeA?: boolean; transposeB?: boolean }>(t);
    return matmul(a, b, t.shape[0], t.shape[1], t.inputs[0].shape[transposeA ? 0 : 1], transposeA, transposeB);
  },
  batch_matmul: (t, [a, b]) => {
    const { transposeA = false, transposeB = false } = attrs<{ transposeA?: boolean; transposeB?: boolean }>(t);
    const [products, M, N] = t.shape;
    const [sizeA, sizeB] = t.inputs.map(({ shape }) => shape[1] * shape[2]);
    const y = new Float64Array(t.size);
    for (let z = 0; z < products; z++) {
      const [p, q] = [(z * sizeA) % a.length, (z * sizeB) % b.length];
      const [left, right] = [a.subarray(p, p + sizeA), b.subarray(q, q + sizeB)];
      y.set(matmul(left, right, M, N, sizeA / M, transposeA, transposeB), z * M * N);
    }
    return y;
  },
  conv2d: (t, [x, w]) => conv.conv2d(x, w, attrs<ConvGeometry>(t)),
  conv2d_input_grad: (t, [dy, w]) => conv.conv2dInputGrad(dy, w, attrs<ConvGeometry>(t)),
  conv2d_filter_grad: (t, [x, dy]) => conv.conv2dFilterGrad(x, dy, attrs<ConvGeometry>(t)),
  depthwise_conv2d: (t, [x, w]) => depthwise.depthwiseConv2d(windowOf(t), x, w),
  depthwise_conv2d_input_grad: (t, [dy, w]) => depthwise.depthwiseConv2dInputGrad(windowOf(t), dy, w),
  depthwise_conv2d_filter_grad: (t, [x, dy]) => depthwise.depthwiseConv2dFilterGrad(windowOf(t), x, dy),
  batch_norm_stats: (t, [x]) => norm.batchNormStats(x, t.shape[1]),
  batch_norm_apply: (t, [x, stats, gamma, beta]) => norm.batchNormApply(normCase(t, x, stats, gamma, beta)),
  batch_norm_sums: (t, [dy, x, stats, gamma, beta]) => {
    const { dGamma, dBeta } = norm.batchNormGradients(normCase(t, x, stats, gamma, beta), dy, true);
    return Float64Array.from([...dGamma, ...dBeta]);
  },
  batch_norm_input_grad: (t, [dy, x, stats, , gamma, beta]) =>
    norm.batchNormGradients(normCase(t, x, stats, gamma, beta), dy, attrs<{ frozen: boolean }>(t).frozen).dx,
  max_pool2d: (t, [x]) => pool.maxPool(windowOf(t), x),
  max_pool2d_input_grad: (t, [x, dy]) => pool.maxPoolInputGrad(windowOf(t), x, dy),
  avg_pool2d: (t, [x]) => pool.averagePool(windowOf(t), x, attrs<{ countPadding: boolean }>(t).countPadding),
  avg_pool2d_input_grad: (t, [dy]) =>
    pool.averagePoolInputGrad(windowOf(t), dy, attrs<{ countPadding: boolean }>(t).countPadding),
  adaptive_avg_pool2d: (t, [x]) =>
    pool.adaptiveAverage(t.inputs[0].shape as unknown as Nhwc, [t.shape[1], t.shape[2]], x),
  adaptive_avg_pool2d_input_grad: (t, [dy]) =>
    pool.adaptiveAverageInputGrad(t.shape as unknown as Nhwc, [t.inputs[0].shape[1], t.inputs[0].shape[2]], dy),
  augment: (t, [x, view, colour]) => {
    const { size, taps = 1 } = attrs<{ size: number; taps?: number }>(t);
    return augment(x, t.inputs[0].shape as readonly [number, number, number], size, taps, view, colour);
  },
  random_uniform: (t, [seed]) =>
    Float64Array.from(randomUniform(t.size, seed[0], seed[1], attrs<{ stream: number }>(t).stream)),
  dropout: (t, [x, seed]) => {
    const { rate, stream } = attrs<{ rate: number; stream: number }>(t);
    const random = randomUniform(t.size, seed[0], seed[1], stream);
    return x.map((v, i) => (random[i] >= Math.fround(rate) ? v / (1 - rate) : 0));
  },
  softmax: (t, [x]) =>
    (attrs<{ logarithm: boolean }>(t).logarithm ? loss.logSoftmax : loss.softmax)(x, t.shape[t.shape.length - 1]),
  softmax_cross_entropy: (t, [x, targets]) => loss.crossEntropy(x, targets, t.inputs[0].shape[1]),
  softmax_cross_entropy_logits_grad: (t, [x, targets, dLoss]) =>
    loss.crossEntropyGradients(x, targets, dLoss, t.shape[1]).dx,
};
