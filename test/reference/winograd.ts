import { PASSAGES } from '../../bench/kernels/winograd_passages.ts';
import type { ConvGeometry } from '../../engine/ops/conv_geometry.ts';

/*
 * How large the numbers are that Winograd's kernels add up on the way to an element: the magnitude that rounding errors
 * are relative to. Results are those of reference/conv2d.ts.
 */

type Numbers = ArrayLike<number>;

/** Calls `visit` with the flat indices into x, w and y of all products, and how often each passes through the sums. */
function eachPassage(g: ConvGeometry, visit: (x: number, w: number, y: number, share: number) => void): void {
  for (let n = 0; n < g.batch; n++)
    for (let top = 0; top < g.outH; top += 2)
      for (let left = 0; left < g.outW; left += 2) {
        for (const {
          output: [i, j],
          tap: [r, s],
          pixel: [d, e],
          share,
        } of PASSAGES) {
          const [ho, wo, h, v] = [top + i, left + j, top + d - g.padTop, left + e - g.padLeft];
          if (ho >= g.outH || wo >= g.outW || h < 0 || h >= g.inH || v < 0 || v >= g.inW) continue;
          const [x, w, y] = [
            ((n * g.inH + h) * g.inW + v) * g.inChannels,
            (r * 3 + s) * g.inChannels,
            ((n * g.outH + ho) * g.outW + wo) * g.outChannels,
          ];
          for (let c = 0; c < g.inChannels; c++)
            for (let k = 0; k < g.outChannels; k++) visit(x + c, (w + c) * g.outChannels + k, y + k, share);
        }
      }
}

/** Of y. */
export function conv2dMagnitude(x: Numbers, w: Numbers, g: ConvGeometry): Float64Array {
  const y = new Float64Array(g.batch * g.outH * g.outW * g.outChannels);
  eachPassage(g, (xi, wi, yi, share) => (y[yi] += share * Math.abs(x[xi] * w[wi])));
  return y;
}

/** Of dx: a convolution of dy with the filter turned by half a turn, its channels transposed. */
export function conv2dInputGradMagnitude(dy: Numbers, w: Numbers, g: ConvGeometry): Float64Array {
  const turned = {
    ...g,
    inH: g.outH,
    inW: g.outW,
    outH: g.inH,
    outW: g.inW,
    inChannels: g.outChannels,
    outChannels: g.inChannels,
    padTop: 2 - g.padTop,
    padLeft: 2 - g.padLeft,
  };
  const from = (i: number) => {
    const [tap, k, c] = [
      Math.floor(i / (g.inChannels * g.outChannels)),
      Math.floor(i / g.inChannels) % g.outChannels,
      i % g.inChannels,
    ];
    return ((8 - tap) * g.inChannels + c) * g.outChannels + k;
  };
  return conv2dMagnitude(
    dy,
    Float64Array.from(w, (_, i) => w[from(i)]),
    turned,
  );
}

/** Of dw. */
export function conv2dFilterGradMagnitude(x: Numbers, dy: Numbers, g: ConvGeometry): Float64Array {
  const dw = new Float64Array(9 * g.inChannels * g.outChannels);
  eachPassage(g, (xi, wi, yi, share) => (dw[wi] += share * Math.abs(x[xi] * dy[yi])));
  return dw;
}
