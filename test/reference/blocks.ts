import type { Image } from './layers.ts';

/*
 * The building blocks of published networks in plain float64 loops, on one image. The constants are those of the papers
 * and of the programs that published the weights, written down here.
 */

type Numbers = ArrayLike<number>;

/** What a block's parameters hold, by their names within it. */
export type Values = (name: string) => Numbers;

/** PyTorch's batch norm (torchvision's VGG and ResNet): epsilon 1e-5. */
const TORCH_EPSILON = 1e-5;
/** EfficientNet's (tensorflow/tpu, efficientnet_builder.py): epsilon 1e-3. */
const EFFICIENTNET_EPSILON = 1e-3;

const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
export const map = (x: Image, f: (v: number, channel: number) => number): Image => ({
  ...x,
  values: x.values.map((v, i) => f(v, i % x.c)),
});
export const relu = (x: Image) => map(x, (v) => Math.max(v, 0));
const swish = (x: Image) => map(x, (v) => v * sigmoid(v));

/** How a square window slides over an image. */
interface Window {
  readonly size: number;
  readonly stride: number;
  /** Rows above and columns to the left that lie outside; below and to the right as many as the output needs. */
  readonly before: number;
  /** Side of the output. */
  readonly out: readonly [number, number];
}

/** PyTorch's padding: the same on every side. */
export const symmetric = ({ h, w }: Image, size: number, stride: number, pad: number): Window => {
  const out = (n: number) => Math.floor((n + 2 * pad - size) / stride) + 1;
  return { size, stride, before: pad, out: [out(h), out(w)] };
};

/**
 * TensorFlow's SAME for a square image: ceil(n / stride) outputs, the padding they need split, the odd row at the end.
 */
const same = ({ h, w }: Image, size: number, stride: number): Window => {
  const out = Math.ceil(h / stride);
  const total = Math.max((out - 1) * stride + size - h, 0);
  return { size, stride, before: Math.floor(total / 2), out: [out, Math.ceil(w / stride)] };
};

/** The value at a row and column, or `outside` beyond the edge. */
const pixel = ({ h, w, c, values }: Image, row: number, column: number, channel: number, outside = 0): number =>
  row >= 0 && row < h && column >= 0 && column < w ? values[(row * w + column) * c + channel] : outside;

/** Fills an image of `k` channels: `at` is given the output channel and the first row and column of the window. */
function slide(window: Window, k: number, at: (channel: number, top: number, left: number) => number): Image {
  const [h, w] = window.out;
  const values = new Float64Array(h * w * k);
  for (let i = 0; i < h; i++)
    for (let j = 0; j < w; j++)
      for (let b = 0; b < k; b++)
        values[(i * w + j) * k + b] = at(b, i * window.stride - window.before, j * window.stride - window.before);
  return { h, w, c: k, values };
}

/** A convolution; filter [size, size, c, k]. */
export function conv(x: Image, filter: Numbers, window: Window): Image {
  const { size } = window;
  const k = filter.length / (size * size * x.c);
  return slide(window, k, (b, top, left) => {
    let sum = 0;
    for (let r = 0; r < size; r++)
      for (let s = 0; s < size; s++)
        for (let a = 0; a < x.c; a++)
          sum += pixel(x, top + r, left + s, a) * filter[((r * size + s) * x.c + a) * k + b];
    return sum;
  });
}

/** A filter [size, size, c] that keeps every channel to itself. */
export const depthwise = (x: Image, filter: Numbers, window: Window): Image =>
  slide(window, x.c, (b, top, left) => {
    let sum = 0;
    for (let r = 0; r < window.size; r++)
      for (let s = 0; s < window.size; s++)
        sum += pixel(x, top + r, left + s, b) * filter[(r * window.size + s) * x.c + b];
    return sum;
  });

/** What lies outside is smaller than any number, as in PyTorch. */
const maxPool = (x: Image, window: Window): Image =>
  slide(window, x.c, (b, top, left) => {
    let most = -Infinity;
    for (let r = 0; r < window.size; r++)
      for (let s = 0; s < window.size; s++) most = Math.max(most, pixel(x, top + r, left + s, b, -Infinity));
    return most;
  });

export const pointwiseConv = (x: Image, filter: Numbers): Image => conv(x, filter, symmetric(x, 1, 1, 0));

/** Batch norm by running statistics, `stats` being all means and then all variances. */
export function norm(x: Image, at: string, values: Values, epsilon: number): Image {
  const [stats, gamma, beta] = [values(`${at}.stats`), values(`${at}.gamma`), values(`${at}.beta`)];
  return map(x, (v, c) => (gamma[c] * (v - stats[c])) / Math.sqrt(stats[x.c + c] + epsilon) + beta[c]);
}

export const sum = (x: Image, y: Image): Image => ({ ...x, values: x.values.map((v, i) => v + y.values[i]) });

/** The stem of ResNet: 7x7 of stride 2 with 3 pixels around, then 3x3 max pooling of stride 2 with 1 around. */
export function resnetStem(x: Image, values: Values): Image {
  const y = relu(norm(conv(x, values('conv.w'), symmetric(x, 7, 2, 3)), 'bn', values, TORCH_EPSILON));
  return maxPool(y, symmetric(y, 3, 2, 1));
}

/**
 * A bottleneck block (He et al. 2016, figure 5) as torchvision has it ("v1.5"): the stride in its 3x3 convolution, and
 * in the convolution past it where there is one.
 */
export function bottleneck(
  x: Image,
  values: Values,
  { stride, projects }: { stride: number; projects: boolean },
): Image {
  const layer = (from: Image, at: string, window: Window) =>
    norm(conv(from, values(`${at}.conv.w`), window), `${at}.bn`, values, TORCH_EPSILON);
  let y = relu(layer(x, 'reduce', symmetric(x, 1, 1, 0)));
  y = relu(layer(y, 'middle', symmetric(y, 3, stride, 1)));
  y = layer(y, 'expand', symmetric(y, 1, 1, 0));
  return relu(sum(y, projects ? layer(x, 'shortcut', symmetric(x, 1, stride, 0)) : x));
}

/** A block of two 3x3 convolutions (He et al. 2016, figure 5, left) as torchvision has it. */
export function basicBlock(
  x: Image,
  values: Values,
  { stride, projects }: { stride: number; projects: boolean },
): Image {
  const layer = (from: Image, at: string, window: Window) =>
    norm(conv(from, values(`${at}.conv.w`), window), `${at}.bn`, values, TORCH_EPSILON);
  let y = relu(layer(x, 'first', symmetric(x, 3, stride, 1)));
  y = layer(y, 'second', symmetric(y, 3, 1, 1));
  return relu(sum(y, projects ? layer(x, 'shortcut', symmetric(x, 1, stride, 0)) : x));
}

/** A block of VGG (Simonyan & Zisserman 2015, section 2.1), 2x2 max pooling first where another block stands before. */
export function vggBlock(
  x: Image,
  values: Values,
  { convs, pooled, normed }: { convs: number; pooled: boolean; normed: boolean },
): Image {
  let y = pooled ? maxPool(x, symmetric(x, 2, 2, 0)) : x;
  for (let i = 0; i < convs; i++) {
    y = conv(y, values(`${i}.conv.w`), symmetric(y, 3, 1, 1));
    const bias = values(`${i}.conv.b`);
    y = map(y, (v, c) => v + bias[c]);
    if (normed) y = norm(y, `${i}.bn`, values, TORCH_EPSILON);
    y = relu(y);
  }
  return y;
}

/** The stem of EfficientNet, SAME or as torchvision pads it, with that one's epsilon. */
export function efficientNetStem(x: Image, values: Values, tensorflow: boolean): Image {
  const y = conv(x, values('conv.w'), tensorflow ? same(x, 3, 2) : symmetric(x, 3, 2, 1));
  return swish(norm(y, 'bn', values, tensorflow ? EFFICIENTNET_EPSILON : TORCH_EPSILON));
}

export interface MbConvShape {
  readonly size: number;
  readonly stride: number;
  readonly expands: boolean;
  readonly residual: boolean;
  /** Padding and epsilon of TensorFlow's checkpoints, or of torchvision's. */
  readonly tensorflow: boolean;
  /** What stochastic depth multiplies the branch by: 0, or one over the share that is kept. */
  readonly kept?: number;
}

/** MBConv (Tan & Le 2019, section 4; squeeze and excite: Hu et al. 2018, section 3), swish throughout. */
export function mbConv(x: Image, values: Values, shape: MbConvShape): Image {
  const { size, stride, expands, residual, tensorflow, kept = 1 } = shape;
  const epsilon = tensorflow ? EFFICIENTNET_EPSILON : TORCH_EPSILON;
  let y = expands ? swish(norm(pointwiseConv(x, values('expand.w')), 'expand_bn', values, epsilon)) : x;
  const window = tensorflow ? same(y, size, stride) : symmetric(y, size, stride, (size - 1) / 2);
  y = swish(norm(depthwise(y, values('depthwise.w'), window), 'depthwise_bn', values, epsilon));
  const gates = squeezeExcite(y, values);
  y = map(y, (v, c) => v * gates[c]);
  y = norm(pointwiseConv(y, values('project.w')), 'project_bn', values, epsilon);
  return residual
    ? sum(
        map(y, (v) => v * kept),
        x,
      )
    : y;
}

/** A gate in 0..1 for every channel, from the channels' means. */
function squeezeExcite(x: Image, values: Values): Float64Array {
  const means = Float64Array.from({ length: x.c }, (_, c) => {
    let total = 0;
    for (let p = 0; p < x.h * x.w; p++) total += x.values[p * x.c + c];
    return total / (x.h * x.w);
  });
  const biased = (from: Image, at: string) => {
    const bias = values(`${at}.b`);
    return map(pointwiseConv(from, values(`${at}.w`)), (v, c) => v + bias[c]);
  };
  const squeezed = swish(biased({ h: 1, w: 1, c: x.c, values: means }, 'se_reduce'));
  return biased(squeezed, 'se_expand').values.map(sigmoid);
}

/**
 * A fully connected layer on a row of numbers: as an image [n, 1, 1].
 *
 * @param kept what dropout multiplies each number by before the layer: 0, or one over the share that is kept
 */
export function dense(x: Image, values: Values, kept: (i: number) => number = () => 1): Image {
  const [w, b] = [values('w'), values('b')];
  const out = Float64Array.from(b, (bias, k) =>
    x.values.reduce((sum, v, i) => sum + v * kept(i) * w[i * b.length + k], bias),
  );
  return { h: out.length, w: 1, c: 1, values: out };
}
