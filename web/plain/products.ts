import type { ConvGeometry } from '../../engine/ops/conv_geometry.ts';
import { attrsOf, zerosOf, type Evaluate } from './numbers.ts';

/** What is added up in a convolution or a matrix product: elements of the two factors and of the result. */
type Product = (a: number, b: number, y: number) => void;

/** Calls `visit` for each place of a sliding window that lies on the image: a pixel of x, one of w, one of y. */
export function eachTap(g: ConvGeometry, visit: (pixel: number, tap: number, out: number) => void): void {
  for (let n = 0; n < g.batch; n++)
    for (let ho = 0; ho < g.outH; ho++)
      for (let wo = 0; wo < g.outW; wo++)
        for (let r = 0; r < g.filterH; r++)
          for (let s = 0; s < g.filterW; s++) {
            const h = ho * g.strideH + r * g.dilationH - g.padTop;
            const w = wo * g.strideW + s * g.dilationW - g.padLeft;
            if (h < 0 || h >= g.inH || w < 0 || w >= g.inW) continue; // zeros lie there
            visit((n * g.inH + h) * g.inW + w, r * g.filterW + s, (n * g.outH + ho) * g.outW + wo);
          }
}

/** Each x · w behind a y of a convolution. A filter sees the channels of its group, mostly all of them. */
function eachOfConv(g: ConvGeometry, product: Product): void {
  const [inGroup, outGroup] = [g.inChannels / g.groups, g.outChannels / g.groups];
  eachTap(g, (pixel, tap, out) => {
    for (let k = 0; k < g.outChannels; k++) {
      const first = Math.floor(k / outGroup) * inGroup;
      for (let c = 0; c < inGroup; c++)
        product(pixel * g.inChannels + first + c, (tap * inGroup + c) * g.outChannels + k, out * g.outChannels + k);
    }
  });
}

/** The same where each channel has a filter of its own. */
function eachOfDepthwise({ geometry: g }: { geometry: ConvGeometry }, product: Product): void {
  eachTap(g, (pixel, tap, out) => {
    for (let c = 0; c < g.inChannels; c++)
      product(pixel * g.inChannels + c, tap * g.inChannels + c, out * g.inChannels + c);
  });
}

interface Transposed {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/** Each a · b behind a y of a matrix product; `first` are the elements at which the matrices begin. */
function eachOfMatmul(
  [M, N, K]: readonly [number, number, number],
  first: readonly number[],
  how: Transposed,
  product: Product,
) {
  for (let m = 0; m < M; m++)
    for (let n = 0; n < N; n++)
      for (let k = 0; k < K; k++)
        product(
          first[0] + (how.transposeA ? k * M + m : m * K + k),
          first[1] + (how.transposeB ? n * K + k : k * N + n),
          first[2] + m * N + n,
        );
}

/*
 * Whatever adds up products a · b to y has three ops that go through the same products: y from a and b, and the two
 * gradients. Each y hands its cotangent dy on: a has dy · b for it, and b has dy · a.
 */
type Walk<A> = (attrs: A, product: Product) => void;

const forward =
  <A>(walk: Walk<A>): Evaluate =>
  (t, a, b) => {
    const y = zerosOf(t.shape);
    walk(attrsOf<A>(t), (i, j, k) => (y[k] += a[i] * b[j]));
    return y;
  };
const inputGrad =
  <A>(walk: Walk<A>): Evaluate =>
  (t, dy, b) => {
    const da = zerosOf(t.shape);
    walk(attrsOf<A>(t), (i, j, k) => (da[i] += dy[k] * b[j]));
    return da;
  };
const filterGrad =
  <A>(walk: Walk<A>): Evaluate =>
  (t, a, dy) => {
    const db = zerosOf(t.shape);
    walk(attrsOf<A>(t), (i, j, k) => (db[j] += a[i] * dy[k]));
    return db;
  };

/** Convolutions and matrix products. The gradients of the latter are such products again. */
export const PRODUCTS: Readonly<Record<string, Evaluate>> = {
  conv2d: forward(eachOfConv),
  conv2d_input_grad: inputGrad(eachOfConv),
  conv2d_filter_grad: filterGrad(eachOfConv),
  depthwise_conv2d: forward(eachOfDepthwise),
  depthwise_conv2d_input_grad: inputGrad(eachOfDepthwise),
  depthwise_conv2d_filter_grad: filterGrad(eachOfDepthwise),
  matmul(t, a, b) {
    const y = zerosOf(t.shape);
    const [M, N] = t.shape;
    eachOfMatmul([M, N, a.length / M], [0, 0, 0], attrsOf(t), (i, j, k) => (y[k] += a[i] * b[j]));
    return y;
  },
  batch_matmul(t, a, b) {
    const y = zerosOf(t.shape);
    const [count, M, N] = t.shape;
    const [sizeA, sizeB] = t.inputs.map(({ shape }) => shape[1] * shape[2]);
    for (let z = 0; z < count; z++) {
      // A single matrix is a factor of all.
      const first = [(z * sizeA) % a.length, (z * sizeB) % b.length, z * M * N];
      eachOfMatmul([M, N, sizeA / M], first, attrsOf(t), (i, j, k) => (y[k] += a[i] * b[j]));
    }
    return y;
  },
};
