import type { ConvGeometry } from '../../engine/ops/conv_geometry.ts';

type Matrix = readonly (readonly number[])[];

/** The matrices of F(2x2, 3x3): y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ d B)]A, Lavin & Gray 2016, section 4.1. Rows are the four places along one dimension. */
const A: Matrix = [[1, 0], [1, 1], [1, -1], [0, -1]];
const G: Matrix = [[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]];
const B: Matrix = [[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]];

/**
 * [i][t][d]: how much of the product of tap t with pixel d of a tile is in output i, along one dimension: Σ_z A[z][i]·G[z][t]·B[z][d], 1 where
 * d = i + t and else 0.
 */
export const TENSOR = tensor((v) => v);
/** The same of the matrices' absolute values: how much of that product passes through the sums, by which what rounding does is bounded. */
const PASSES = tensor(Math.abs);

function tensor(of: (v: number) => number): number[][][] {
  return [0, 1].map((i) => [0, 1, 2].map((t) => [0, 1, 2, 3].map((d) => A.reduce((sum, _, z) => sum + of(A[z][i]) * of(G[z][t]) * of(B[z][d]), 0))));
}

type Numbers = ArrayLike<number>;

/** Calls `visit` with the flat indices into x, w and y of every product of which tiles make `share` pass on its way from x and w to y, or from x and dy to dw. */
function eachPassage(g: ConvGeometry, visit: (x: number, w: number, y: number, share: number) => void): void {
  const [tilesH, tilesW] = [Math.ceil(g.outH / 2), Math.ceil(g.outW / 2)];
  for (let tile = 0; tile < g.batch * tilesH * tilesW; tile++) {
    const [n, ty, tx] = [Math.floor(tile / (tilesH * tilesW)), Math.floor(tile / tilesW) % tilesH, tile % tilesW];
    for (let a = 0; a < 2 * 3 * 4; a++) for (let b = 0; b < 2 * 3 * 4; b++) {
      const [i, r, d] = [a % 2, (a >> 1) % 3, Math.floor(a / 6)];
      const [j, s, e] = [b % 2, (b >> 1) % 3, Math.floor(b / 6)];
      const share = PASSES[i][r][d] * PASSES[j][s][e];
      const [ho, wo, h, v] = [2 * ty + i, 2 * tx + j, 2 * ty + d - g.padTop, 2 * tx + e - g.padLeft];
      if (share === 0 || ho >= g.outH || wo >= g.outW || h < 0 || h >= g.inH || v < 0 || v >= g.inW) continue;
      const [x, w, y] = [((n * g.inH + h) * g.inW + v) * g.inChannels, (r * 3 + s) * g.inChannels, ((n * g.outH + ho) * g.outW + wo) * g.outChannels];
      for (let c = 0; c < g.inChannels; c++) for (let k = 0; k < g.outChannels; k++) visit(x + c, (w + c) * g.outChannels + k, y + k, share);
    }
  }
}

/** For every element of y the sum of the magnitudes that its rounding errors are relative to: that of the direct sum, and all that cancels. */
export function conv2dMagnitude(x: Numbers, w: Numbers, g: ConvGeometry): Float64Array {
  const y = new Float64Array(g.batch * g.outH * g.outW * g.outChannels);
  eachPassage(g, (xi, wi, yi, share) => (y[yi] += share * Math.abs(x[xi] * w[wi])));
  return y;
}

/** The same of dx: a convolution of dy with the filter turned by half a turn, its channels transposed. */
export function conv2dInputGradMagnitude(dy: Numbers, w: Numbers, g: ConvGeometry): Float64Array {
  const turned = {
    ...g, inH: g.outH, inW: g.outW, outH: g.inH, outW: g.inW, inChannels: g.outChannels, outChannels: g.inChannels, padTop: 2 - g.padTop, padLeft: 2 - g.padLeft,
  };
  const from = (i: number) => {
    const [tap, k, c] = [Math.floor(i / (g.inChannels * g.outChannels)), Math.floor(i / g.inChannels) % g.outChannels, i % g.inChannels];
    return ((8 - tap) * g.inChannels + c) * g.outChannels + k;
  };
  return conv2dMagnitude(dy, Float64Array.from(w, (_, i) => w[from(i)]), turned);
}

/** The same of dw. */
export function conv2dFilterGradMagnitude(x: Numbers, dy: Numbers, g: ConvGeometry): Float64Array {
  const dw = new Float64Array(9 * g.inChannels * g.outChannels);
  eachPassage(g, (xi, wi, yi, share) => (dw[wi] += share * Math.abs(x[xi] * dy[yi])));
  return dw;
}
