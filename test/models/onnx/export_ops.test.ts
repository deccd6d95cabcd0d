import { describe, expect, it } from 'vitest';
import { clip, elu, gelu, hardSigmoid, hardSwish, leakyRelu, mish, softplus } from '../../../engine/ops/activations.ts';
import { batchNormInference } from '../../../engine/ops/batch_norm.ts';
import { argMax, argMin, max, min, prod } from '../../../engine/ops/fold.ts';
import { groupNorm, instanceNorm, layerNorm, rmsNorm } from '../../../engine/ops/norm.ts';
import { cast } from '../../../engine/ops/cast.ts';
import { convTranspose2d } from '../../../engine/ops/conv_transpose2d.ts';
import { concat } from '../../../engine/ops/concat.ts';
import { conv2d, conv2dInputGrad } from '../../../engine/ops/conv2d.ts';
import { convGeometry } from '../../../engine/ops/conv_geometry.ts';
import { depthToSpace, spaceToDepth } from '../../../engine/ops/depth_to_space.ts';
import { depthwiseConv2d, depthwiseConv2dInputGrad } from '../../../engine/ops/depthwise_conv2d.ts';
import { gather } from '../../../engine/ops/gather.ts';
import { constant, input, ones, reshape } from '../../../engine/ops/leaves.ts';
import { equal, less, lessEqual, notEqual, where } from '../../../engine/ops/logic.ts';
import { matmul } from '../../../engine/ops/matmul.ts';
import { pad } from '../../../engine/ops/pad.ts';
import {
  abs,
  add,
  ceil,
  div,
  erf,
  exp,
  expm1,
  floor,
  greater,
  greaterEqual,
  log,
  log1p,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  relu,
  round,
  rsub,
  sigmoid,
  sign,
  silu,
  sqrt,
  square,
  sub,
  tanh,
} from '../../../engine/ops/pointwise.ts';
import { adaptiveAvgPool2d, avgPool2d, globalAvgPool, maxPool2d } from '../../../engine/ops/pool.ts';
import { broadcastTo, mean, sum } from '../../../engine/ops/reduce.ts';
import { resize } from '../../../engine/ops/resize.ts';
import { row } from '../../../engine/ops/row.ts';
import { slice, split } from '../../../engine/ops/slice.ts';
import { logSoftmax, softmax } from '../../../engine/ops/softmax_cross_entropy.ts';
import { transpose } from '../../../engine/ops/transpose.ts';
import type { Tensor } from '../../../engine/tensor.ts';
import { HEADS } from '../../../galaxies/challenge/heads.ts';
import type { Network } from '../../../models/network.ts';
import { exportOnnx } from '../../../models/onnx/export/export_onnx.ts';
import { decodeModel } from '../../../models/onnx/proto.ts';
import { randomArray } from '../../random.ts';
import { evaluateGraph } from '../../reference/interpreter.ts';
import { nchw, worst } from './compare.ts';
import { onnxruntime } from './onnxruntime.ts';

const [H, W, C] = [6, 5, 4];
const numbers = (seed: number, ...shape: number[]): Tensor =>
  constant(
    randomArray(
      shape.reduce((a, b) => a * b, 1),
      seed,
    ),
    shape,
  );
const rows = (x: Tensor): Tensor => reshape(x, [x.shape[0], H * W, C]);
const side = { size: [12, 10], method: 'nearest', coordinates: 'asymmetric', rounding: 'floor' } as const;

/** Of images [N, 6, 5, 4] in -1..1. */
const CASES: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  arithmetic: (x) => sub(div(mul(x, 3), add(square(x), 1)), rsub(x, 0.5)),
  functions: (x) => add(exp(x), add(log(add(abs(x), 1)), add(sqrt(abs(x)), add(sigmoid(x), tanh(x))))),
  'exact functions': (x) => add(expm1(x), add(log1p(abs(x)), erf(x))),
  powers: (x) => add(pow(abs(x), 1.5), pow(add(abs(x), 0.5), abs(x))),
  rounding: (x) => add(floor(mul(x, 4)), add(ceil(mul(x, 4)), add(round(mul(x, 4)), sign(x)))),
  limits: (x) => add(maximum(x, numbers(3, C)), add(minimum(x, 0.3), clip(x, -0.2, 0.4))),
  activations: (x) => add(gelu(x), add(hardSwish(x), add(softplus(x), silu(x)))),
  'more activations': (x) => add(leakyRelu(x, 0.1), add(elu(x), add(mish(x), hardSigmoid(x)))),
  'gelu by tanh': (x) => gelu(x, { approximate: 'tanh' }),
  comparisons: (x) =>
    add(less(x, 0.1), add(mul(lessEqual(x, 0.2), 2), add(mul(greater(x, 0), 4), greaterEqual(x, 0.5)))),
  equality: (x) => add(equal(round(x), 0), mul(notEqual(round(x), 1), 2)),
  where: (x) => where(greater(x, 0), square(x), numbers(4, C)),
  'a bias a channel': (x) => add(x, numbers(3, C)),
  'numbers a row': (x) => mul(x, numbers(3, H, 1, 1)),
  'numbers a sample': (x) => mul(x, sigmoid(mean(x, [1, 2, 3]))),
  'a gate a channel': (x) => mul(sigmoid(mean(x, [1, 2])), x),
  'a smaller one first': (x) => sub(numbers(3, H, W, C), x),
  'two that are both repeated': (x) => add(mean(x, [1]), mean(x, [2])),
  'ones of the batch': (x) => add(x, ones([x.shape[0], 1, 1, 1])),
  'mean over all': (x) => add(x, mean(x, [1, 2, 3])),
  'mean over the batch': (x) => add(x, mean(x, [0])),
  extremes: (x) => add(max(x, [1, 3]), sub(min(x, [2]), prod(x, [3]))),
  'where the largest is': (x) => add(cast(argMax(x, 3), 'f32'), cast(argMin(x, 1, { selectLastIndex: true }), 'f32')),
  'whole numbers': (x) => mul(cast(cast(mul(x, 9), 'u32'), 'f32'), 0.5),
  sums: (x) => add(sum(x, [1], 0.5), sum(x, [3])),
  'softmax of channels': (x) => softmax(x),
  'softmax of rows': (x) => softmax(x, 1),
  'log softmax of pixels': (x) => logSoftmax(reshape(x, [x.shape[0], H * W * C])),
  'layer norm of channels': (x) => layerNorm(x, numbers(3, C), numbers(4, C)),
  'layer norm of images': (x) => layerNorm(x, undefined, numbers(4, C), { axis: 1 }),
  'norm by the mean square': (x) => rmsNorm(x, numbers(3, H, 1, 1), { axes: [1, 3] }),
  'group norm': (x) => groupNorm(x, 2, numbers(3, C), numbers(4, C)),
  'instance norm': (x) => instanceNorm(x, numbers(3, C), numbers(4, C)),
  'batch norm of images': (x) => batchNormInference(x, stats(), numbers(4, C), numbers(5, C), { activation: 'silu' }),
  'batch norm of rows': (x) => batchNormInference(globalAvgPool(x), stats(), numbers(4, C), numbers(5, C)),
  'batch norm of sequences': (x) =>
    batchNormInference(rows(x), stats(), numbers(4, C), numbers(5, C), { activation: 'relu' }),
  convolution: (x) =>
    add(
      conv2d(x, numbers(3, 3, 2, C, 8), {
        stride: [2, 1],
        dilation: [1, 2],
        padding: [
          [1, 0],
          [2, 1],
        ],
      }),
      numbers(4, 8),
    ),
  'convolution in groups': (x) => conv2d(x, numbers(3, 3, 3, 2, 6), { groups: 2, padding: 'same', stride: 2 }),
  'depthwise convolution': (x) => add(depthwiseConv2d(x, numbers(3, 3, 3, C), { padding: 1 }), numbers(4, C)),
  'filters that are computed': (x) => conv2d(x, abs(numbers(3, 3, 3, C, 2))),
  'transposed convolution that pads its output': (x) =>
    convTranspose2d(x, numbers(3, 3, 2, 3, C), { stride: [2, 3], padding: 1, outputPadding: 1, groups: 2 }),
  'transposed convolution': (x) => {
    const big = input('big', [x.shape[0], 12, 11, 6]);
    const w = numbers(3, 3, 3, 6, C);
    return add(
      conv2dInputGrad(
        x,
        w,
        convGeometry('conv2d', big, w, {
          stride: 2,
          padding: [
            [1, 0],
            [0, 0],
          ],
        }),
      ),
      numbers(4, 6),
    );
  },
  'transposed depthwise convolution': (x) =>
    depthwiseConv2dInputGrad(x, numbers(3, 3, 3, C), input('big', [x.shape[0], 12, 10, C]), { stride: 2, padding: 1 }),
  'maximum of windows': (x) => maxPool2d(x, { size: [3, 2], stride: 2, padding: 1 }),
  'maximum of windows with holes': (x) => maxPool2d(x, { size: 2, stride: 2, dilation: 2, ceilMode: true }),
  'average of windows that hang over': (x) => avgPool2d(x, { size: 3, stride: 2, padding: 1, ceilMode: true }),
  'average of windows': (x) => avgPool2d(x, { size: 3, stride: 2, padding: 1 }),
  'average of what is inside': (x) => avgPool2d(x, { size: 3, stride: 2, padding: 1, countIncludePad: false }),
  'averages of equal windows': (x) => adaptiveAvgPool2d(x, [3, 5]),
  'averages of unequal windows': (x) => adaptiveAvgPool2d(x, [4, 7]),
  'one average': (x) => adaptiveAvgPool2d(x, 1),
  'slices in steps': (x) => slice(x, [0, 5, 1, 0], [x.shape[0], 3, 2, 4], [1, -2, 2, 1]),
  'slices to the first': (x) => slice(x, [0, 2, 0, 3], [x.shape[0], 3, W, 4], [1, -1, 1, -1]),
  margins: (x) =>
    pad(
      x,
      [
        [0, 0],
        [1, 2],
        [0, -1],
        [1, 0],
      ],
      'constant',
      0.5,
    ),
  'mirrored margins': (x) =>
    pad(
      x,
      [
        [0, 0],
        [2, 1],
        [1, 3],
        [0, 0],
      ],
      'reflect',
    ),
  'margins like the edge': (x) =>
    pad(
      x,
      [
        [0, 0],
        [0, 0],
        [0, 0],
        [2, 1],
      ],
      'edge',
    ),
  'channels side by side': (x) => concat([x, relu(x), neg(x)], 3),
  'rows one below the other': (x) => concat([x, slice(x, [0, 0, 0, 0], [x.shape[0], 2, W, C])], 1),
  'parts exchanged': (x) => concat(split(x, [1, 3], 3).reverse(), 3),
  'a token before a sequence': (x) => concat([broadcastTo(numbers(3, 1, 1, C), [x.shape[0], 1, C]), rows(x)], 1),
  picked: (x) => gather(x, [3, 0, 0, 2], 3),
  'indices that are known': (x) => gather(rows(x), constant(Uint32Array.of(7, 1, 29, 4), [2, 2]), 1),
  'a row of weights': (x) => add(x, row(numbers(3, 2, C), 1)),
  'resized, nearest': (x) => resize(x, side),
  'resized to odd sides': (x) => resize(x, { ...side, size: [7, 9], coordinates: 'half_pixel', rounding: 'floor' }),
  'resized, linear': (x) => resize(x, { size: [9, 13], method: 'linear', coordinates: 'half_pixel' }),
  'resized, corners kept': (x) => resize(x, { size: [11, 3], method: 'linear', coordinates: 'align_corners' }),
  'resized, cubic': (x) => resize(x, { size: [8, 8], method: 'cubic', coordinates: 'half_pixel' }),
  'resized, cubic of another kind': (x) =>
    resize(x, { size: [8, 8], method: 'cubic', coordinates: 'half_pixel', cubicA: -0.5 }),
  'resized in one direction': (x) => resize(x, { size: [6, 11], method: 'linear', coordinates: 'asymmetric' }),
  'channels become pixels': (x) => depthToSpace(x, 2, 'CRD'),
  'pixels become channels': (x) => spaceToDepth(slice(x, [0, 0, 0, 0], [x.shape[0], 6, 4, C]), 2),
  'flattened and multiplied': (x) =>
    add(matmul(reshape(x, [x.shape[0], H * W * C]), numbers(3, H * W * C, 7)), numbers(4, 7)),
  attention: (x) => {
    const [q, k, v] = [3, 4, 5].map((seed) => matmul(rows(x), numbers(seed, C, 6)));
    return matmul(softmax(mul(matmul(q, k, { transposeB: true }), 0.4)), v);
  },
  'rows of the whole batch': (x) =>
    reshape(matmul(reshape(x, [x.shape[0] * H * W, C]), numbers(3, C, 6)), [x.shape[0], H, W, 6]),
  "the challenge's decision tree": (x) =>
    HEADS.tree(matmul(reshape(x, [x.shape[0], H * W * C]), numbers(3, H * W * C, 37))),
  'a transposed matrix': (x) => matmul(globalAvgPool(x), numbers(3, 6, C), { transposeB: true }),
  'transposed twice': (x) => transpose(relu(transpose(x, [0, 3, 2, 1])), [0, 3, 2, 1]),
  'transposed and mixed': (x) => conv2d(add(transpose(x, [0, 2, 1, 3]), 1), numbers(3, 3, 3, C, 2)),
  'flattened the other way': (x) => reshape(transpose(x, [0, 3, 1, 2]), [x.shape[0], H * W * C]),
};

/** Means, and variances above 0. */
function stats(): Tensor {
  const data = randomArray(2 * C, 9);
  data.forEach((v, i) => i >= C && (data[i] = 1 + 0.5 * v));
  return constant(data, [2, C]);
}

const networkOf = (apply: (x: Tensor) => Tensor): Network => ({
  name: 'test',
  config: {},
  specs: [],
  segments: [{ name: 'op', prefixes: [], apply }],
  lastConv: 'op',
  features: 'op',
});

describe('ops as ONNX nodes', () => {
  it.each(Object.keys(CASES))('%s', async (name) => {
    const model = { network: networkOf(CASES[name]), weights: new Map() };
    const bytes = exportOnnx(model, { size: [H, W], channels: C });
    for (const batch of [1, 3]) {
      const images = randomArray(batch * H * W * C, 11);
      const y = CASES[name](input('x', [batch, H, W, C]));
      const { shape } = y;
      const expected = evaluateGraph([y], new Map([['x', images]])).get(y)!;
      const data = nchw(images, [batch, H, W, C]);
      const { logits } = await onnxruntime(bytes, { input: { shape: [batch, C, H, W], data } });
      const isImage = shape.length === 4;
      expect(logits.shape).toEqual(isImage ? [0, 3, 1, 2].map((axis) => shape[axis]) : shape);
      expect(worst(logits.data, isImage ? nchw(expected, shape) : expected)).toBeLessThan(1e-5);
    }
  });

  it.each(['transposed twice', 'a gate a channel', 'flattened and multiplied', 'resized, linear'])(
    'of %s moves no images',
    (name) => {
      const bytes = exportOnnx({ network: networkOf(CASES[name]), weights: new Map() }, { size: [H, W], channels: C });
      expect(decodeModel(bytes, name).graph!.node.filter(({ opType }) => opType === 'Transpose')).toEqual([]);
    },
  );
});
