import { conv, depthwise, map, norm, pointwiseConv, relu, sum, symmetric, type Values } from './blocks.ts';
import type { Image } from './layers.ts';
import { erf } from './pointwise.ts';

/*
 * Blocks of MobileNetV3 and ConvNeXt in plain float64 loops, on one image, as torchvision's mobilenetv3.py and
 * convnext.py have them.
 */

/** torchvision's BatchNorm2d(eps=0.001) in mobilenetv3.py. */
const MOBILE_EPSILON = 0.001;
/** LayerNorm2d(eps=1e-6) in convnext.py. */
const LAYER_EPSILON = 1e-6;

/** max(0, min(6, x + 3)) / 6, as PyTorch's documentation has it. */
const gate = (v: number): number => Math.max(0, Math.min(6, v + 3)) / 6;
const hardSwish = (v: number): number => v * gate(v);
const rectified = (v: number): number => Math.max(v, 0);

export interface MobileShape {
  readonly size: number;
  readonly stride: number;
  readonly expands: boolean;
  readonly squeezes: boolean;
  readonly swish: boolean;
  readonly residual: boolean;
}

const biased = (x: Image, bias: ArrayLike<number>): Image => map(x, (v, c) => v + bias[c]);

/** The stem: 3x3 of stride 2 with a pixel around, hard swish. */
export function mobileStem(x: Image, values: Values): Image {
  return map(norm(conv(x, values('conv.w'), symmetric(x, 3, 2, 1)), 'bn', values, MOBILE_EPSILON), hardSwish);
}

/** An inverted residual block (Howard et al. 2019, figure 4). */
export function mobileBlock(x: Image, values: Values, shape: MobileShape): Image {
  const { size, stride, expands, squeezes, residual } = shape;
  const activation = shape.swish ? hardSwish : rectified;
  let y = x;
  if (expands) y = map(norm(pointwiseConv(y, values('expand.w')), 'expand_bn', values, MOBILE_EPSILON), activation);
  y = depthwise(y, values('depthwise.w'), symmetric(y, size, stride, (size - 1) / 2));
  y = map(norm(y, 'depthwise_bn', values, MOBILE_EPSILON), activation);
  if (squeezes) {
    const count = y.h * y.w;
    const means = Float64Array.from({ length: y.c }, (_, c) => {
      let total = 0;
      for (let p = 0; p < count; p++) total += y.values[p * y.c + c];
      return total / count;
    });
    const squeezed = relu(
      biased(pointwiseConv({ h: 1, w: 1, c: y.c, values: means }, values('se_reduce.w')), values('se_reduce.b')),
    );
    const gates = biased(pointwiseConv(squeezed, values('se_expand.w')), values('se_expand.b')).values.map(gate);
    y = map(y, (v, c) => v * gates[c]);
  }
  y = norm(pointwiseConv(y, values('project.w')), 'project_bn', values, MOBILE_EPSILON);
  return residual ? sum(y, x) : y;
}

/** Each pixel's channels by their own mean and variance, which is that of all of them and not a sample's. */
export function layerNorm(x: Image, at: string, values: Values): Image {
  const [gamma, beta] = [values(`${at}.gamma`), values(`${at}.beta`)];
  const out = new Float64Array(x.values.length);
  for (let p = 0; p < x.h * x.w; p++) {
    const channels = x.values.slice(p * x.c, (p + 1) * x.c);
    const mean = channels.reduce((a, v) => a + v, 0) / x.c;
    const variance = channels.reduce((a, v) => a + (v - mean) ** 2, 0) / x.c;
    channels.forEach((v, c) => {
      out[p * x.c + c] = ((v - mean) / Math.sqrt(variance + LAYER_EPSILON)) * gamma[c] + beta[c];
    });
  }
  return { ...x, values: out };
}

/** The stem of ConvNeXt: patches of 4x4. */
export function convNextStem(x: Image, values: Values): Image {
  return layerNorm(biased(conv(x, values('conv.w'), symmetric(x, 4, 4, 0)), values('conv.b')), 'norm', values);
}

/** What halves the image between stages: norm first, then 2x2 of stride 2. */
export function convNextDown(x: Image, values: Values): Image {
  const y = layerNorm(x, 'norm', values);
  return biased(conv(y, values('conv.w'), symmetric(y, 2, 2, 0)), values('conv.b'));
}

/** A block (Liu et al. 2022, figure 4). */
export function convNextBlock(x: Image, values: Values): Image {
  let y = biased(depthwise(x, values('depthwise.w'), symmetric(x, 7, 1, 3)), values('depthwise.b'));
  y = layerNorm(y, 'norm', values);
  y = biased(pointwiseConv(y, values('expand.w')), values('expand.b'));
  y = map(y, (v) => 0.5 * v * (1 + erf(v / Math.SQRT2)));
  y = biased(pointwiseConv(y, values('project.w')), values('project.b'));
  const scale = values('scale');
  return sum(
    map(y, (v, c) => v * scale[c]),
    x,
  );
}
