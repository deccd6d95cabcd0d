import type { ConvGeometry } from '../../engine/ops/conv_geometry.ts';

type Numbers = ArrayLike<number>;

/** Calls `visit` with the flat indices into x, w and y of every product that the convolution sums. */
function eachProduct(g: ConvGeometry, visit: (x: number, w: number, y: number) => void): void {
  const groupIn = g.inChannels / g.groups;
  const groupOut = g.outChannels / g.groups;
  for (let n = 0; n < g.batch; n++) {
    for (let ho = 0; ho < g.outH; ho++) {
      for (let wo = 0; wo < g.outW; wo++) {
        for (let r = 0; r < g.filterH; r++) {
          for (let s = 0; s < g.filterW; s++) {
            const h = ho * g.strideH + r * g.dilationH - g.padTop;
            const v = wo * g.strideW + s * g.dilationW - g.padLeft;
            if (h < 0 || h >= g.inH || v < 0 || v >= g.inW) continue;
            for (let c = 0; c < groupIn; c++) {
              for (let k = 0; k < g.outChannels; k++) {
                const group = Math.floor(k / groupOut);
                visit(
                  ((n * g.inH + h) * g.inW + v) * g.inChannels + group * groupIn + c,
                  ((r * g.filterW + s) * groupIn + c) * g.outChannels + k,
                  ((n * g.outH + ho) * g.outW + wo) * g.outChannels + k,
                );
              }
            }
          }
        }
      }
    }
  }
}

/** y in float64, from x [N, H, W, C] and w [r, s, C/groups, K]. */
export function conv2d(x: Numbers, w: Numbers, g: ConvGeometry): Float64Array {
  const y = new Float64Array(g.batch * g.outH * g.outW * g.outChannels);
  eachProduct(g, (xi, wi, yi) => (y[yi] += x[xi] * w[wi]));
  return y;
}

/** dx in float64: every product x·w in y hands dy·w back to its x. */
export function conv2dInputGrad(dy: Numbers, w: Numbers, g: ConvGeometry): Float64Array {
  const dx = new Float64Array(g.batch * g.inH * g.inW * g.inChannels);
  eachProduct(g, (xi, wi, yi) => (dx[xi] += dy[yi] * w[wi]));
  return dx;
}

/** dw in float64: every product x·w in y hands x·dy back to its w. */
export function conv2dFilterGrad(x: Numbers, dy: Numbers, g: ConvGeometry): Float64Array {
  const dw = new Float64Array((g.filterH * g.filterW * g.inChannels * g.outChannels) / g.groups);
  eachProduct(g, (xi, wi, yi) => (dw[wi] += x[xi] * dy[yi]));
  return dw;
}
