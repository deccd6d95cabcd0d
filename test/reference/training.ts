/**
 * A small network and whole steps of its training in float64, in plain loops written from the papers: convolution,
 * batch norm (Ioffe & Szegedy 2015), SiLU, depthwise convolution, average pooling, a dense layer, softmax cross
 * entropy, gradients by hand, clipping by the global norm (Pascanu et al. 2013), Adam (Kingma & Ba 2015) with decoupled
 * weight decay (Loshchilov & Hutter 2019), running statistics as PyTorch keeps them. It shares no code with the engine.
 *
 *   x [N, 8, 8, 2] - conv1 3x3 - bn1, SiLU - mean of 2x2 - depthwise 3x3 - bn2, SiLU - conv2 3x3, stride 2 - SiLU
 *   - mean over the pixels - dense - softmax cross entropy, its mean over the samples
 */
export interface Image {
  readonly shape: readonly [n: number, h: number, w: number, c: number];
  readonly data: Float64Array;
}

export const SIDE = 8;
export const CHANNELS = 2;
export const CLASSES = 3;
export const BN_EPSILON = 1e-3;

/** Shapes of all that is trained: filters [r, s, in, out] and [r, s, c], dense [in, out], vectors [c]. */
export const SHAPES = {
  'conv1.w': [3, 3, CHANNELS, 4],
  'bn1.gamma': [4],
  'bn1.beta': [4],
  'depthwise.w': [3, 3, 4],
  'bn2.gamma': [4],
  'bn2.beta': [4],
  'conv2.w': [3, 3, 4, 5],
  'conv2.b': [5],
  'dense.w': [5, CLASSES],
  'dense.b': [CLASSES],
} as const;
export type Name = keyof typeof SHAPES;
export const NAMES = Object.keys(SHAPES) as Name[];
/** What weight decay takes. */
const FILTERS: readonly Name[] = ['conv1.w', 'depthwise.w', 'conv2.w', 'dense.w'];

export type Arrays = Record<Name, Float64Array>;
/** Running mean and variance, one behind the other: [2, C]. */
export type Statistics = Record<'bn1' | 'bn2', Float64Array>;

/**
 * What an arithmetic of fewer digits may make of numbers that went through so many roundings; `pixels` where it keeps
 * one for every channel of every pixel. The reference itself is exact.
 */
export type Rounding = (values: Float64Array, roundings: number, pixels?: 'activation' | 'cotangent') => Float64Array;
const EXACT: Rounding = (values) => values;

interface Window {
  readonly stride: number;
  /** Zeros above and to the left. */
  readonly pad: number;
  /** Side of the output. */
  readonly out: number;
}

/** Calls back for every tap (r, s) of a 3x3 window over every output pixel: flat indices of pixels in x and y. */
function eachTap(
  [n, h, w]: Image['shape'],
  { stride, pad, out }: Window,
  visit: (x: number, tap: number, y: number) => void,
) {
  for (let sample = 0; sample < n; sample++)
    for (let p = 0; p < out; p++)
      for (let q = 0; q < out; q++)
        for (let r = 0; r < 3; r++)
          for (let s = 0; s < 3; s++) {
            const [i, j] = [p * stride + r - pad, q * stride + s - pad];
            if (i < 0 || i >= h || j < 0 || j >= w) continue;
            visit((sample * h + i) * w + j, r * 3 + s, (sample * out + p) * out + q);
          }
}

/**
 * y[p, k] = Σ x[i, c]·w[tap, c, k]; with `dy` also dx[i, c] = Σ dy[p, k]·w[tap, c, k], dw[tap, c, k] = Σ x[i, c]·dy[p,
 * k].
 */
function convolve(x: Image, w: Float64Array, window: Window, dy?: Float64Array) {
  const [n, , , c] = x.shape;
  const k = w.length / (9 * c);
  const y = new Float64Array(n * window.out ** 2 * k);
  const [dx, dw] = [new Float64Array(x.data.length), new Float64Array(w.length)];
  eachTap(x.shape, window, (xp, tap, yp) => {
    for (let a = 0; a < c; a++)
      for (let b = 0; b < k; b++) {
        const [xi, wi, yi] = [xp * c + a, (tap * c + a) * k + b, yp * k + b];
        y[yi] += x.data[xi] * w[wi];
        if (!dy) continue;
        dx[xi] += dy[yi] * w[wi];
        dw[wi] += x.data[xi] * dy[yi];
      }
  });
  return { y, dx, dw };
}

/** The same with a filter [tap, c] of its own for each channel. */
function convolveDepthwise(x: Image, w: Float64Array, window: Window, dy?: Float64Array) {
  const [n, , , c] = x.shape;
  const y = new Float64Array(n * window.out ** 2 * c);
  const [dx, dw] = [new Float64Array(x.data.length), new Float64Array(w.length)];
  eachTap(x.shape, window, (xp, tap, yp) => {
    for (let a = 0; a < c; a++) {
      y[yp * c + a] += x.data[xp * c + a] * w[tap * c + a];
      if (!dy) continue;
      dx[xp * c + a] += dy[yp * c + a] * w[tap * c + a];
      dw[tap * c + a] += x.data[xp * c + a] * dy[yp * c + a];
    }
  });
  return { y, dx, dw };
}

/** Mean and biased variance of each of `c` channels: [2, C]. */
function statistics(x: Float64Array, c: number): Float64Array {
  const rows = x.length / c;
  const stats = new Float64Array(2 * c);
  x.forEach((v, i) => (stats[i % c] += v / rows));
  x.forEach((v, i) => (stats[c + (i % c)] += (v - stats[i % c]) ** 2 / rows));
  return stats;
}

/** γ·(x − μ)/√(σ² + ε) + β */
const normalise = (x: Float64Array, stats: Float64Array, gamma: Float64Array, beta: Float64Array) =>
  x.map((v, i) => {
    const c = i % gamma.length;
    return (gamma[c] * (v - stats[c])) / Math.sqrt(stats[gamma.length + c] + BN_EPSILON) + beta[c];
  });

/** Ioffe & Szegedy 2015, section 3: the gradients one after another, through x̂, the variance and the mean. */
function normaliseBackward(x: Float64Array, stats: Float64Array, gamma: Float64Array, dy: Float64Array) {
  const c = gamma.length;
  const rows = x.length / c;
  const sum = (of: (i: number) => number) => {
    const sums = new Float64Array(c);
    x.forEach((_, i) => (sums[i % c] += of(i)));
    return sums;
  };
  const root = Float64Array.from(gamma, (_, k) => Math.sqrt(stats[c + k] + BN_EPSILON));
  const away = (i: number) => x[i] - stats[i % c];
  const dNormal = (i: number) => dy[i] * gamma[i % c];
  const dVariance = sum((i) => (dNormal(i) * away(i) * -0.5) / root[i % c] ** 3);
  const dMean = sum((i) => -dNormal(i) / root[i % c] - (2 * dVariance[i % c] * away(i)) / rows);
  return {
    dx: x.map((_, i) => dNormal(i) / root[i % c] + (dVariance[i % c] * 2 * away(i)) / rows + dMean[i % c] / rows),
    dGamma: sum((i) => (dy[i] * away(i)) / root[i % c]),
    dBeta: sum((i) => dy[i]),
  };
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const silu = (z: number) => z * sigmoid(z);
const siluSlope = (z: number) => sigmoid(z) + z * sigmoid(z) * (1 - sigmoid(z));
const times = (dy: Float64Array, z: Float64Array) => dy.map((d, i) => d * siluSlope(z[i]));

/** The pixel of the mean of 2x2 that a pixel goes into. */
const pooled = (i: number, [, h, w, c]: Image['shape']) => {
  const [channel, column, row, n] = [
    i % c,
    Math.floor(i / c) % w,
    Math.floor(i / c / w) % h,
    Math.floor(i / c / w / h),
  ];
  return ((n * (h / 2) + (row >> 1)) * (w / 2) + (column >> 1)) * c + channel;
};

/** The mean over samples of −Σ t·log softmax(z), and its gradient (softmax(z)·Σt − t)/N. */
function crossEntropy(z: Float64Array, t: Float64Array, n: number) {
  let loss = 0;
  const dz = new Float64Array(z.length);
  for (let s = 0; s < n; s++) {
    const row = [...z.subarray(s * CLASSES, (s + 1) * CLASSES)];
    const total = row.reduce((sum, v) => sum + Math.exp(v), 0);
    const mass = t.subarray(s * CLASSES, (s + 1) * CLASSES).reduce((sum, v) => sum + v, 0);
    row.forEach((v, k) => {
      const i = s * CLASSES + k;
      loss -= (t[i] * (v - Math.log(total))) / n;
      dz[i] = ((Math.exp(v) / total) * mass - t[i]) / n;
    });
  }
  return { loss, dz };
}

const WHOLE: Window = { stride: 1, pad: 1, out: 8 };
const HALF: Window = { stride: 1, pad: 1, out: 4 };
/** SAME with a stride of 2 over 4 pixels: one zero in all, below and to the right. */
const STRIDED: Window = { stride: 2, pad: 0, out: 2 };

/** Roundings of a WGSL function such as exp, of a sum over the samples' pixels, of what a channel is normalised by. */
const FUNCTION = 20;

/** The loss of a batch x [N, 8, 8, 2] against targets t [N, 3], its gradients, and the batch's statistics. */
export function lossAndGradients(w: Arrays, batch: Float64Array, t: Float64Array, rounded: Rounding = EXACT) {
  const n = t.length / CLASSES;
  const image = (data: Float64Array, side: number, c: number): Image => ({ shape: [n, side, side, c], data });
  const pixels = n * SIDE ** 2;

  const x = image(batch, 8, CHANNELS);
  const c1 = rounded(convolve(x, w['conv1.w'], WHOLE).y, 9 * CHANNELS, 'activation');
  const bn1 = statistics(rounded(c1, pixels), 4);
  const z1 = normalise(c1, bn1, w['bn1.gamma'], w['bn1.beta']);
  const a1 = image(rounded(z1.map(silu), FUNCTION, 'activation'), 8, 4);
  const p1 = new Float64Array(n * 4 * 4 * 4);
  a1.data.forEach((v, i) => (p1[pooled(i, a1.shape)] += v / 4));
  const a2 = image(rounded(p1, 4, 'activation'), 4, 4);
  const c2 = rounded(convolveDepthwise(a2, w['depthwise.w'], HALF).y, 9, 'activation');
  const bn2 = statistics(rounded(c2, pixels / 4), 4);
  const z2 = normalise(c2, bn2, w['bn2.gamma'], w['bn2.beta']);
  const a3 = image(rounded(z2.map(silu), FUNCTION, 'activation'), 4, 4);
  const c3 = rounded(convolve(a3, w['conv2.w'], STRIDED).y, 9 * 4, 'activation');
  const z3 = c3.map((v, i) => v + w['conv2.b'][i % 5]);
  const a4 = rounded(z3.map(silu), FUNCTION, 'activation');
  const features = new Float64Array(n * 5);
  a4.forEach((v, i) => (features[Math.floor(i / 20) * 5 + (i % 5)] += v / 4));
  const logits = new Float64Array(n * CLASSES).map((_, i) => {
    const [s, k] = [Math.floor(i / CLASSES), i % CLASSES];
    return w['dense.w'].reduce(
      (sum, v, at) => sum + (at % CLASSES === k ? features[s * 5 + Math.floor(at / CLASSES)] * v : 0),
      w['dense.b'][k],
    );
  });
  const { loss, dz: exact } = crossEntropy(rounded(logits, 5 + FUNCTION), t, n);

  const d = {} as Arrays;
  const dz = rounded(exact, FUNCTION);
  d['dense.b'] = new Float64Array(CLASSES).map((_, k) =>
    dz.reduce((sum, v, i) => sum + (i % CLASSES === k ? v : 0), 0),
  );
  d['dense.w'] = new Float64Array(5 * CLASSES);
  const dFeatures = new Float64Array(n * 5);
  for (let s = 0; s < n; s++)
    for (let f = 0; f < 5; f++)
      for (let k = 0; k < CLASSES; k++) {
        d['dense.w'][f * CLASSES + k] += features[s * 5 + f] * dz[s * CLASSES + k];
        dFeatures[s * 5 + f] += w['dense.w'][f * CLASSES + k] * dz[s * CLASSES + k];
      }
  const da4 = z3.map((_, i) => dFeatures[Math.floor(i / 20) * 5 + (i % 5)] / 4);
  const dz3 = rounded(times(da4, z3), FUNCTION, 'cotangent');
  d['conv2.b'] = new Float64Array(5).map((_, k) => dz3.reduce((sum, v, i) => sum + (i % 5 === k ? v : 0), 0));
  const back3 = convolve(a3, w['conv2.w'], STRIDED, dz3);
  d['conv2.w'] = back3.dw;
  const dz2 = times(rounded(back3.dx, 9 * 5 + FUNCTION, 'cotangent'), z2);
  const back2 = normaliseBackward(c2, bn2, w['bn2.gamma'], rounded(dz2, pixels / 4));
  [d['bn2.gamma'], d['bn2.beta']] = [back2.dGamma, back2.dBeta];
  const dc2 = rounded(back2.dx, FUNCTION, 'cotangent');
  const backDepthwise = convolveDepthwise(a2, w['depthwise.w'], HALF, dc2);
  d['depthwise.w'] = backDepthwise.dw;
  const da2 = rounded(backDepthwise.dx, 9, 'cotangent');
  const da1 = a1.data.map((_, i) => da2[pooled(i, a1.shape)] / 4);
  const dz1 = times(rounded(da1, FUNCTION, 'cotangent'), z1);
  const back1 = normaliseBackward(c1, bn1, w['bn1.gamma'], rounded(dz1, pixels));
  [d['bn1.gamma'], d['bn1.beta']] = [back1.dGamma, back1.dBeta];
  d['conv1.w'] = convolve(x, w['conv1.w'], WHOLE, rounded(back1.dx, FUNCTION, 'cotangent')).dw;
  for (const name of NAMES) d[name] = rounded(d[name], pixels);
  return { loss, gradients: d, stats: { bn1, bn2 } };
}

export interface Settings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly clipNorm?: number;
  /** What a step takes of the batch's statistics into the running ones. */
  readonly momentum: number;
}

/** The square root of the sum of all squares of all gradients. */
export const globalNorm = (gradients: Arrays): number =>
  Math.sqrt(NAMES.reduce((sum, name) => gradients[name].reduce((s, g) => s + g * g, sum), 0));

/** A network in training. */
export class Training {
  readonly m: Arrays;
  readonly v: Arrays;
  private t = 0;

  constructor(
    readonly w: Arrays,
    readonly running: Statistics,
    private readonly settings: Settings,
    private readonly rounded: Rounding = EXACT,
  ) {
    const zeros = () => Object.fromEntries(NAMES.map((name) => [name, new Float64Array(w[name].length)])) as Arrays;
    [this.m, this.v] = [zeros(), zeros()];
  }

  /** Takes a step on a batch at a learning rate; gives the loss before it and the norm of its gradients. */
  step(batch: Float64Array, targets: Float64Array, rate: number): { loss: number; norm: number } {
    const { beta1, beta2, epsilon, weightDecay, clipNorm } = this.settings;
    const { loss, gradients, stats } = lossAndGradients(this.w, batch, targets, this.rounded);
    const norm = globalNorm(gradients);
    const shrunk = clipNorm !== undefined && norm > clipNorm ? clipNorm / norm : 1;
    this.t++;
    for (const name of NAMES) {
      const [w, m, v] = [this.w[name], this.m[name], this.v[name]];
      const g = this.rounded(gradients[name], FUNCTION);
      const decay = FILTERS.includes(name) ? weightDecay : 0;
      const step = w.map((weight, i) => {
        m[i] = beta1 * m[i] + (1 - beta1) * shrunk * g[i];
        v[i] = beta2 * v[i] + (1 - beta2) * (shrunk * g[i]) ** 2;
        const [mHat, vHat] = [m[i] / (1 - beta1 ** this.t), v[i] / (1 - beta2 ** this.t)];
        return rate * (mHat / (Math.sqrt(vHat) + epsilon) + decay * weight);
      });
      this.rounded(step, FUNCTION).forEach((by, i) => (w[i] -= by));
      for (const state of [w, m, v]) state.set(this.rounded(state, 4));
    }
    this.average(stats, batch.length / CHANNELS);
    return { loss, norm };
  }

  /** The running statistics move towards the batch's; its variance is the unbiased one there. */
  private average(stats: Statistics, pixels: number): void {
    for (const [name, count] of [
      ['bn1', pixels],
      ['bn2', pixels / 4],
    ] as const) {
      const [running, { momentum }] = [this.running[name], this.settings];
      const channels = running.length / 2;
      for (let i = 0; i < running.length; i++) {
        const value = i < channels ? stats[name][i] : (stats[name][i] * count) / (count - 1);
        running[i] = (1 - momentum) * running[i] + momentum * value;
      }
      running.set(this.rounded(running, 4));
    }
  }
}

/** The rate of a step, counted from 0: `warmup` equal steps up to the height, then half a cosine down to 0. */
export const rateAt = (height: number, warmup: number, total: number, step: number): number =>
  step < warmup
    ? height * ((step + 1) / warmup)
    : (height * (1 + Math.cos((Math.PI * (step - warmup)) / (total - warmup)))) / 2;
