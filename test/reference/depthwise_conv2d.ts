/** Depthwise convolution in float64, written from its formula: x [n, h, w, c], w [r, s, c], y [n, ho, wo, c]. */
export interface Depthwise {
  readonly x: readonly [n: number, h: number, w: number, c: number];
  readonly filter: readonly [r: number, s: number];
  readonly out: readonly [ho: number, wo: number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  /** Zeros above and to the left. */
  readonly pad: readonly [number, number];
}

/** Calls back for every product in the formula with its three indices into y, x and w. */
function eachProduct(
  { x: [N, H, W, C], filter: [R, S], out: [Ho, Wo], stride, dilation, pad }: Depthwise,
  product: (y: number, x: number, w: number) => void,
): void {
  for (let n = 0; n < N; n++)
    for (let ho = 0; ho < Ho; ho++)
      for (let wo = 0; wo < Wo; wo++) {
        for (let r = 0; r < R; r++)
          for (let s = 0; s < S; s++) {
            const h = ho * stride[0] + r * dilation[0] - pad[0];
            const w = wo * stride[1] + s * dilation[1] - pad[1];
            if (h < 0 || h >= H || w < 0 || w >= W) continue;
            for (let c = 0; c < C; c++)
              product(((n * Ho + ho) * Wo + wo) * C + c, ((n * H + h) * W + w) * C + c, (r * S + s) * C + c);
          }
      }
}

export function depthwiseConv2d(d: Depthwise, x: ArrayLike<number>, w: ArrayLike<number>): Float64Array {
  const y = new Float64Array(d.x[0] * d.out[0] * d.out[1] * d.x[3]);
  eachProduct(d, (iy, ix, iw) => (y[iy] += x[ix] * w[iw]));
  return y;
}

export function depthwiseConv2dInputGrad(d: Depthwise, dy: ArrayLike<number>, w: ArrayLike<number>): Float64Array {
  const dx = new Float64Array(d.x[0] * d.x[1] * d.x[2] * d.x[3]);
  eachProduct(d, (iy, ix, iw) => (dx[ix] += dy[iy] * w[iw]));
  return dx;
}

export function depthwiseConv2dFilterGrad(d: Depthwise, x: ArrayLike<number>, dy: ArrayLike<number>): Float64Array {
  const dw = new Float64Array(d.filter[0] * d.filter[1] * d.x[3]);
  eachProduct(d, (iy, ix, iw) => (dw[iw] += x[ix] * dy[iy]));
  return dw;
}
