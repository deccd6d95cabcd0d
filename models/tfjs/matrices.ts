import { backend_util } from '@tensorflow/tfjs-core';
import type * as tfjs from '@tensorflow/tfjs-core';
import { grad } from '../../engine/autodiff.ts';
import { elu, leakyRelu, prelu, relu6 } from '../../engine/ops/activations.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import type { Margins } from '../../engine/ops/conv_geometry.ts';
import { depthwiseConv2d } from '../../engine/ops/depthwise_conv2d.ts';
import { reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, mul, reciprocal, relu, sigmoid, sqrt, sub } from '../../engine/ops/pointwise.ts';
import { avgPool2d, maxPool2d } from '../../engine/ops/pool.ts';
import { transpose } from '../../engine/ops/transpose.ts';
import type { Shape, Tensor } from '../../engine/tensor.ts';
import { refuse, shaped, type Call, type Rows } from './call.ts';

type Four = [number, number, number, number];
const four = (shape: Shape): Four => [...shape] as Four;

/** What follows a fused kernel: the bias, and the activation by tfjs's name. */
function finished(call: Call, y: Tensor, isChannelsFirst = false): Tensor {
  const { activation = 'linear', leakyreluAlpha } = call.attrs<tfjs.FusedConv2DAttrs>();
  // Beside [N, C, H, W] a bias for each channel is a column.
  const beside = (t: Tensor) =>
    isChannelsFirst && t.shape.length === 1 && t.size > 1 ? reshape(t, [t.size, 1, 1]) : t;
  const biased = call.has('bias') ? add(y, beside(call.x('bias'))) : y;
  switch (activation) {
    case 'linear':
      return biased;
    case 'relu':
      return relu(biased);
    case 'relu6':
      return relu6(biased);
    case 'elu':
      return elu(biased);
    case 'sigmoid':
      return sigmoid(biased);
    case 'leakyrelu':
      return leakyRelu(biased, leakyreluAlpha);
    case 'prelu':
      return prelu(biased, beside(call.x('preluActivationWeights')));
    default:
      return refuse('with an activation', `knows no activation ${activation as string}`);
  }
}

interface Window {
  readonly stride: [number, number];
  readonly dilation: [number, number];
  readonly padding: Margins;
}

type WindowInfo = Omit<tfjs.backend_util.Conv2DInfo, 'filterShape'>;

/**
 * How the window slides, with tfjs's own reading of the attributes: a last window that hangs over the margin, where it
 * rounds up, has as much more margin.
 */
function windowOf(info: WindowInfo): Window {
  const { padInfo, strideHeight, strideWidth } = info;
  type Pair = [number, number];
  const margins = (outs: number, stride: number, span: number, size: number, [before, after]: Pair): Pair => [
    before,
    Math.max(after, (outs - 1) * stride + span - size - before),
  ];
  const { effectiveFilterHeight: spanH, effectiveFilterWidth: spanW, top, left } = { ...info, ...padInfo };
  return {
    stride: [strideHeight, strideWidth],
    dilation: [info.dilationHeight, info.dilationWidth],
    padding: [
      margins(info.outHeight, strideHeight, spanH, info.inHeight, [top, padInfo.bottom]),
      margins(info.outWidth, strideWidth, spanW, info.inWidth, [left, padInfo.right]),
    ],
  };
}

const TO_LAST = [0, 2, 3, 1];
const TO_FIRST = [0, 3, 1, 2];

/**
 * A convolution of x with a filter [r, s, C, K], or [r, s, C, M] where it is depthwise, and its gradients: x, w and dy
 * are given, or only their shapes.
 */
function convolution(call: Call, xShape: Shape, wShape: Shape, isDepthwise: boolean) {
  const { strides, pad, dataFormat = 'NHWC', dilations, dimRoundingMode } = call.attrs<tfjs.Conv2DAttrs>();
  const isFirst = dataFormat === 'NCHW';
  const info = backend_util.computeConv2DInfo(
    four(xShape),
    four(wShape),
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    isDepthwise,
    isFirst ? 'channelsFirst' : 'channelsLast',
  );
  const window = windowOf(info);
  const [r, s, channels, multiplier] = wShape;
  const last = (t: Tensor) => (isFirst ? transpose(t, TO_LAST) : t);
  const first = (t: Tensor) => (isFirst ? transpose(t, TO_FIRST) : t);
  const apply = (x: Tensor, w: Tensor): Tensor => {
    if (!isDepthwise) return conv2d(last(x), w, window);
    if (multiplier === 1) return depthwiseConv2d(last(x), reshape(w, [r, s, channels]), window);
    return conv2d(last(x), reshape(w, [r, s, 1, channels * multiplier]), { ...window, groups: channels });
  };
  return { isFirst, apply: (x: Tensor, w: Tensor) => first(apply(x, w)) };
}

function forward(call: Call, isDepthwise: boolean): { y: Tensor; isFirst: boolean } {
  const [x, w] = [call.x(), call.x('filter')];
  const { apply, isFirst } = convolution(call, x.shape, w.shape, isDepthwise);
  return { y: apply(x, w), isFirst };
}

function inputGrad(call: Call, isDepthwise: boolean): Tensor {
  const [dy, w] = [call.x('dy'), call.x('filter')];
  const x = shaped(call.attrs<tfjs.Conv2DBackpropInputAttrs>().inputShape);
  return grad(convolution(call, x.shape, w.shape, isDepthwise).apply(x, w), [x], dy)[0];
}

function filterGrad(call: Call, isDepthwise: boolean): Tensor {
  const [x, dy] = [call.x(), call.x('dy')];
  const w = shaped(call.attrs<tfjs.Conv2DBackpropFilterAttrs>().filterShape);
  return grad(convolution(call, x.shape, w.shape, isDepthwise).apply(x, w), [w], dy)[0];
}

function pooled(call: Call, x: Tensor, how: 'max' | 'average'): Tensor {
  const { filterSize, strides, pad, dimRoundingMode } = call.attrs<tfjs.MaxPoolAttrs>();
  const info = backend_util.computePool2DInfo(four(x.shape), filterSize, strides, 1, pad, dimRoundingMode);
  const window = { ...windowOf(info), size: [info.filterHeight, info.filterWidth] as const };
  return how === 'max' ? maxPool2d(x, window) : avgPool2d(x, { ...window, countIncludePad: false });
}

function poolGrad(call: Call, how: 'max' | 'average'): Tensor {
  const x = call.x('input');
  return grad(pooled(call, x, how), [x], call.x('dy'))[0];
}

function product(call: Call): Tensor {
  if (['a', 'b'].some((name) => call.info(name).shape.length < 2)) refuse('BatchMatMul', 'takes matrices');
  const { transposeA = false, transposeB = false } = call.attrs<tfjs.BatchMatMulAttrs>();
  return matmul(call.x('a'), call.x('b'), { transposeA, transposeB });
}

/** Convolutions, products, pooling and normalisation. */
export const MATRICES: Rows = {
  BatchMatMul: (call) => ({ tensor: product(call), dtype: call.common() }),
  _FusedMatMul: (call) => finished(call, product(call)),
  Conv2D: (call) => forward(call, false).y,
  Conv2DBackpropInput: (call) => inputGrad(call, false),
  Conv2DBackpropFilter: (call) => filterGrad(call, false),
  DepthwiseConv2dNative: (call) => forward(call, true).y,
  DepthwiseConv2dNativeBackpropInput: (call) => inputGrad(call, true),
  DepthwiseConv2dNativeBackpropFilter: (call) => filterGrad(call, true),
  FusedConv2D(call) {
    const { y, isFirst } = forward(call, false);
    return finished(call, y, isFirst);
  },
  FusedDepthwiseConv2D: (call) => finished(call, forward(call, true).y),
  MaxPool: (call) => pooled(call, call.x(), 'max'),
  AvgPool: (call) => pooled(call, call.x(), 'average'),
  MaxPoolGrad: (call) => poolGrad(call, 'max'),
  AvgPoolGrad: (call) => poolGrad(call, 'average'),
  FusedBatchNorm(call) {
    const { varianceEpsilon } = call.attrs<tfjs.FusedBatchNormAttrs>();
    const inverse = reciprocal(sqrt(add(call.x('variance'), varianceEpsilon)));
    const scale = call.has('scale') ? mul(inverse, call.x('scale')) : inverse;
    const scaled = mul(sub(call.x(), call.x('mean')), scale);
    return call.has('offset') ? add(scaled, call.x('offset')) : scaled;
  },
};
