import { ADAM, EPSILON, FMA_COUNT, outputShape, type Case, type Operands } from './cases.ts';
import type { Layer } from './layer.ts';
import { PASSAGES, TRANSFORM_ROUNDINGS } from './winograd_passages.ts';

/*
 * Single elements of a layer's results in float64, written from the formulas and sharing nothing with the engine, the
 * test of which they are: whole results would take minutes at the sizes of real layers.
 */

/** The value of one element and how far a float32 result may be from it. */
export interface Expected {
  readonly value: number;
  readonly bound: number;
  /** How much farther where the products' operands are rounded to f16 before. */
  readonly halves?: number;
}

/** The unit roundoff of float32. */
const UNIT = 2 ** -24;

/**
 * How far a sum of `length` products may be off, in whatever order (Higham 2002, section 3.1):
 * γ·Σ|aᵢbᵢ| with γ = (length + 2)·u/(1 − (length + 2)·u).
 */
function sumBound(length: number, magnitude: number): number {
  const n = (length + 2) * UNIT;
  return (n / (1 - n)) * magnitude;
}

class Products {
  private value = 0;
  private magnitude = 0;
  private count = 0;
  /** What is lost where a number too small for f16's normal ones is taken for zero. */
  private flushed = 0;

  add(a: number, b: number): void {
    this.value += a * b;
    this.magnitude += Math.abs(a * b);
    this.count++;
    if (Math.min(Math.abs(a), Math.abs(b)) < 2 ** -14) this.flushed += Math.abs(a * b);
  }

  get expected(): Expected {
    const bound = sumBound(this.count, this.magnitude);
    // WGSL may take either neighbour, a unit of the last of 11 digits away.
    return { value: this.value, bound, halves: (2 * 2 ** -10 + 2 ** -20) * this.magnitude + 2 * this.flushed };
  }
}

/** WGSL allows functions like exp and division a few ulp each; 40·u covers a short chain of them. */
const near = (value: number, magnitude = Math.abs(value)): Expected => ({ value, bound: 40 * UNIT * magnitude });
const exactly = (value: number): Expected => ({ value, bound: 0 });

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
const ACTIVATIONS = {
  none: [(z: number) => z, () => 1],
  relu: [(z: number) => Math.max(z, 0), (z: number) => Number(z > 0)],
  silu: [(z: number) => z * sigmoid(z), (z: number) => sigmoid(z) * (1 + z * (1 - sigmoid(z)))],
} as const;

/** The four coordinates of element i of a tensor of this shape. */
function coordinates(i: number, shape: readonly number[]): number[] {
  const at: number[] = [];
  for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
    at.unshift(rest % shape[axis]);
    rest = Math.floor(rest / shape[axis]);
  }
  return at;
}

/** A sliding window padded as SAME: ceil(size / stride) outputs, the odd zero after the last pixel. */
function slidingWindow({ x, w, stride = 1 }: Layer) {
  const y = outputShape({ kind: 'max_pool2d', x, w, stride, group: 'pool', name: '' });
  const before = (axis: 1 | 2) => Math.floor(Math.max((y[axis] - 1) * stride + w![axis - 1] - x[axis], 0) / 2);
  const pad = [before(1), before(2)];
  return {
    outH: y[1],
    outW: y[2],
    /** The pixel under tap (r, s) of output (ho, wo) as an index without channels, or -1 outside of the image. */
    pixel(n: number, ho: number, wo: number, r: number, s: number): number {
      const [h, v] = [ho * stride + r - pad[0], wo * stride + s - pad[1]];
      return h < 0 || h >= x[1] || v < 0 || v >= x[2] ? -1 : (n * x[1] + h) * x[2] + v;
    },
    /** The output that sees pixel (h, v) under tap (r, s) as an index without channels, or -1 where none does. */
    output(n: number, h: number, v: number, r: number, s: number): number {
      const [ho, wo] = [(h + pad[0] - r) / stride, (v + pad[1] - s) / stride];
      return Number.isInteger(ho) && Number.isInteger(wo) && ho >= 0 && ho < y[1] && wo >= 0 && wo < y[2]
        ? (n * y[1] + ho) * y[2] + wo
        : -1;
    },
  };
}

function convolution(layer: Layer, { x, w, dy }: Operands, result: string): (i: number) => Expected {
  const depthwise = layer.kind === 'depthwise_conv2d';
  const [R, S] = layer.w!;
  const C = layer.x[3];
  const K = depthwise ? C : layer.w![3];
  // A group's own channels: c of the filter and k of the output belong to the group k / ownK, whose first channel is
  // its number times ownC.
  const { groups = 1 } = layer;
  const [ownC, ownK] = [C / groups, K / groups];
  const window = slidingWindow(layer);
  return (i) => {
    const sum = new Products();
    if (result === 'dw') {
      // An image's sum runs over N·Ho·Wo places. Depthwise filters are [r, s, c].
      const [r, s, c, k = c] = coordinates(i, layer.w!);
      for (let n = 0; n < layer.x[0]; n++)
        for (let ho = 0; ho < window.outH; ho++)
          for (let wo = 0; wo < window.outW; wo++) {
            const pixel = window.pixel(n, ho, wo, r, s);
            if (pixel >= 0)
              sum.add(
                x[pixel * C + (depthwise ? c : Math.floor(k / ownK) * ownC + c)],
                dy[((n * window.outH + ho) * window.outW + wo) * K + k],
              );
          }
      return sum.expected;
    }
    const [n, h, v, channel] = coordinates(i, result === 'y' ? outputShape(layer) : layer.x);
    for (let r = 0; r < R; r++)
      for (let s = 0; s < S; s++) {
        const tap = r * S + s;
        const from = result === 'y' ? window.pixel(n, h, v, r, s) : window.output(n, h, v, r, s);
        if (from < 0) continue;
        if (depthwise) sum.add((result === 'y' ? x : dy)[from * C + channel], w[tap * C + channel]);
        else if (result === 'y')
          for (let c = 0; c < ownC; c++)
            sum.add(x[from * C + Math.floor(channel / ownK) * ownC + c], w[(tap * ownC + c) * K + channel]);
        else {
          const first = Math.floor(channel / ownC) * ownK;
          for (let k = first; k < first + ownK; k++)
            sum.add(dy[from * K + k], w[(tap * ownC + (channel % ownC)) * K + k]);
        }
      }
    return sum.expected;
  };
}

/**
 * How far an element may be off if Winograd's F(2x2, 3x3) computed it: the sum is over channels or, for dw, tiles, and
 * what is rounded is what the transforms make of absolute values. Which kernels an engine takes is its own affair: an
 * element may be off by this or by the bound of the direct sum.
 */
function winogradBound(layer: Layer, { x, w, dy }: Operands, result: string): (i: number) => number {
  const [C, K] = layer.w!.slice(2);
  const window = slidingWindow(layer);
  const tileOf = (place: number) => place - (place % 2);
  return (i) => {
    let magnitude = 0;
    if (result === 'dw') {
      const [r, s, c, k] = coordinates(i, layer.w!);
      const passages = PASSAGES.filter(({ tap }) => tap[0] === r && tap[1] === s);
      for (let n = 0; n < layer.x[0]; n++)
        for (let ho = 0; ho < window.outH; ho += 2)
          for (let wo = 0; wo < window.outW; wo += 2) {
            for (const { output, pixel, share } of passages) {
              const from = window.pixel(n, ho, wo, ...pixel);
              if (from < 0 || ho + output[0] >= window.outH || wo + output[1] >= window.outW) continue;
              magnitude +=
                share *
                Math.abs(
                  x[from * C + c] * dy[((n * window.outH + ho + output[0]) * window.outW + wo + output[1]) * K + k],
                );
            }
          }
      return sumBound(
        layer.x[0] * Math.ceil(window.outH / 2) * Math.ceil(window.outW / 2) + TRANSFORM_ROUNDINGS,
        magnitude,
      );
    }
    const [n, h, v, channel] = coordinates(i, result === 'y' ? outputShape(layer) : layer.x);
    for (const {
      output,
      tap: [r, s],
      pixel: [d, e],
      share,
    } of PASSAGES) {
      if (output[0] !== h % 2 || output[1] !== v % 2) continue;
      // The gradient of the input is the convolution of dy with the filter turned by half a turn.
      const from =
        result === 'y'
          ? window.pixel(n, tileOf(h), tileOf(v), d, e)
          : window.output(n, tileOf(h), tileOf(v), 2 - d, 2 - e);
      if (from < 0) continue;
      if (result === 'y')
        for (let c = 0; c < C; c++)
          magnitude += share * Math.abs(x[from * C + c] * w[((r * 3 + s) * C + c) * K + channel]);
      else
        for (let k = 0; k < K; k++)
          magnitude += share * Math.abs(dy[from * K + k] * w[((8 - r * 3 - s) * C + channel) * K + k]);
    }
    return sumBound((result === 'y' ? C : K) + TRANSFORM_ROUNDINGS, magnitude);
  };
}

function matrixProduct(
  { x: [M, K], w: wShape }: Layer,
  { x, w, dy }: Operands,
  result: string,
): (i: number) => Expected {
  const N = wShape![1];
  return (i) => {
    const sum = new Products();
    const [row, column] = coordinates(i, result === 'y' ? [M, N] : result === 'dx' ? [M, K] : [K, N]);
    if (result === 'y') for (let k = 0; k < K; k++) sum.add(x[row * K + k], w[k * N + column]);
    else if (result === 'dx') for (let n = 0; n < N; n++) sum.add(dy[row * N + n], w[column * N + n]);
    else for (let m = 0; m < M; m++) sum.add(x[m * K + row], dy[m * N + column]);
    return sum.expected;
  };
}

/**
 * Ioffe & Szegedy 2015, section 3. A number takes part in at most 75 additions one after another on its way into a sum
 * over the batch, and in less than 40 roundings besides; each may be wrong by a unit of the magnitudes of what is
 * added.
 */
function batchNorm(
  { x: shape, activation = 'none' }: Layer,
  { x, gamma, beta, dy }: Operands,
  result: string,
): (i: number) => Expected {
  const C = shape[shape.length - 1];
  const rows = x.length / C;
  const error = 2 * (Math.min(rows, 75) + 40) * UNIT;
  const [activate, slope] = ACTIVATIONS[activation];
  const channel = (c: number) => {
    let [mean, variance] = [0, 0];
    for (let i = c; i < x.length; i += C) mean += x[i] / rows;
    for (let i = c; i < x.length; i += C) variance += (x[i] - mean) ** 2 / rows;
    const deviation = Math.sqrt(variance + EPSILON);
    const normal = (i: number) => (x[i] - mean) / deviation;
    const dz = (i: number) => dy[i] * slope(gamma[c] * normal(i) + beta[c]);
    const sums = { dbeta: 0, dgamma: 0, size: 0, normalSize: 0 };
    if (dy)
      for (let i = c; i < x.length; i += C) {
        sums.dbeta += dz(i);
        sums.dgamma += dz(i) * normal(i);
        sums.size += Math.abs(dy[i]);
        sums.normalSize += Math.abs(dy[i] * normal(i));
      }
    return { deviation, normal, dz, sums };
  };
  const known = new Map<number, ReturnType<typeof channel>>();
  return (i) => {
    const c = i % C;
    if (!known.has(c)) known.set(c, channel(c));
    const { deviation, normal, dz, sums } = known.get(c)!;
    if (result === 'dbeta') return { value: sums.dbeta, bound: 4 * error * sums.size };
    if (result === 'dgamma') return { value: sums.dgamma, bound: 4 * error * (sums.normalSize + sums.size) };
    const z = gamma[c] * normal(i) + beta[c];
    const sizeOfZ = gamma[c] * (Math.abs(normal(i)) + 1) + Math.abs(beta[c]);
    if (result === 'y') return { value: activate(z), bound: error * sizeOfZ };
    const through = (sums.dbeta + normal(i) * sums.dgamma) / rows;
    // Where rounding decides on which side of its corner an activation is, either slope is right.
    if (activation === 'relu' && Math.abs(z) <= error * sizeOfZ)
      return { value: (gamma[c] / deviation) * (dz(i) - through), bound: 2 * (gamma[c] / deviation) * Math.abs(dy[i]) };
    const size =
      Math.abs(dy[i]) * (1 + sizeOfZ) + (sums.size + Math.abs(normal(i)) * (sums.normalSize + sums.size)) / rows;
    return { value: (gamma[c] / deviation) * (dz(i) - through), bound: 4 * error * (gamma[c] / deviation) * size };
  };
}

/**
 * Of equal values the first in reading order has the cotangent; windows do not overlap in the layers measured, but may
 * here.
 */
function maxPool(layer: Layer, { x, dy }: Operands, result: string): (i: number) => Expected {
  const [R, S] = layer.w!;
  const C = layer.x[3];
  const window = slidingWindow(layer);
  /** The index in x of the largest value that an output (an index without channels) sees. */
  const largest = (out: number, c: number): number => {
    const [n, ho, wo] = coordinates(out, [layer.x[0], window.outH, window.outW]);
    let best = -1;
    for (let r = 0; r < R; r++)
      for (let s = 0; s < S; s++) {
        const pixel = window.pixel(n, ho, wo, r, s);
        if (pixel >= 0 && (best < 0 || x[pixel * C + c] > x[best])) best = pixel * C + c;
      }
    return best;
  };
  if (result === 'y') return (i) => exactly(x[largest(Math.floor(i / C), i % C)]);
  return (i) => {
    const [n, h, v, c] = coordinates(i, layer.x);
    const sum = new Products();
    for (let r = 0; r < R; r++)
      for (let s = 0; s < S; s++) {
        const out = window.output(n, h, v, r, s);
        if (out >= 0 && largest(out, c) === i) sum.add(dy[out * C + c], 1);
      }
    return sum.expected;
  };
}

/** Kingma & Ba 2015, algorithm 1, step 1. */
function adam({ w, m, v, g }: Operands, result: string): (i: number) => Expected {
  return (i) => {
    const first = ADAM.beta1 * m[i] + (1 - ADAM.beta1) * g[i];
    const second = ADAM.beta2 * v[i] + (1 - ADAM.beta2) * g[i] ** 2;
    if (result === 'm') return near(first, Math.abs(m[i]) + Math.abs(g[i]));
    if (result === 'v') return near(second);
    const change = (ADAM.rate * (first / (1 - ADAM.beta1))) / (Math.sqrt(second / (1 - ADAM.beta2)) + ADAM.epsilon);
    return near(
      w[i] - change,
      Math.abs(w[i]) + (ADAM.rate * (Math.abs(m[i]) + Math.abs(g[i]))) / (1 - ADAM.beta1) / Math.sqrt(second),
    );
  };
}

/** The elements of one of a case's results. */
export function reference({ layer }: Case, operands: Operands, result: string): (i: number) => Expected {
  const { x, b, dy } = operands;
  switch (layer.kind) {
    case 'conv2d': {
      const direct = convolution(layer, operands, result);
      if (layer.w![0] !== 3 || layer.w![1] !== 3 || (layer.stride ?? 1) !== 1 || (layer.groups ?? 1) > 1) return direct;
      const bound = winogradBound(layer, operands, result);
      return (i) => {
        const expected = direct(i);
        return { ...expected, bound: Math.max(expected.bound, bound(i)) };
      };
    }
    case 'depthwise_conv2d':
      return convolution(layer, operands, result);
    case 'matmul':
      return matrixProduct(layer, operands, result);
    case 'batch_norm':
      return batchNorm(layer, operands, result);
    case 'max_pool2d':
      return maxPool(layer, operands, result);
    case 'silu': {
      const [value, slope] = ACTIVATIONS.silu;
      return result === 'y'
        ? (i) => near(value(x[i]))
        : (i) => near(dy[i] * slope(x[i]), Math.abs(dy[i]) * (1 + Math.abs(x[i])));
    }
    case 'add':
      return (i) => ({ value: x[i] + b[i], bound: UNIT * Math.abs(x[i] + b[i]) });
    case 'adam':
      return adam(operands, result);
    case 'copy':
      return (i) => exactly(x[i]);
    case 'network':
      throw new Error('a whole network has no reference: engines are held against each other');
    case 'fma':
      return (i) => ({ value: x[i] + FMA_COUNT, bound: FMA_COUNT * UNIT * (Math.abs(x[i]) + FMA_COUNT) });
  }
}
