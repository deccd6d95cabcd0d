import type { ConvGeometry } from '../../engine/ops/conv_geometry.ts';
import type { Shape } from '../../engine/tensor.ts';
import { attrsOf, zerosOf, type Evaluate, type Numbers } from './numbers.ts';
import { eachTap } from './products.ts';

interface Window {
  readonly geometry: ConvGeometry;
  /** Whether an average counts the zeros around the image. */
  readonly countPadding: boolean;
}

/** For each output the element of x that is the largest in its window: the first of equals, and a NaN before all. */
function winners({ geometry: g }: Window, x: Numbers): Int32Array {
  const found = new Int32Array(g.batch * g.outH * g.outW * g.inChannels).fill(-1);
  eachTap(g, (pixel, _, out) => {
    for (let c = 0; c < g.inChannels; c++) {
      const [i, o] = [pixel * g.inChannels + c, out * g.inChannels + c];
      const best = x[found[o]];
      if (found[o] < 0 || x[i] > best || (Number.isNaN(x[i]) && !Number.isNaN(best))) found[o] = i;
    }
  });
  return found;
}

/** What each window's sum is divided by. */
function countsOf({ geometry: g, countPadding }: Window): number[] {
  const counts = Array<number>(g.batch * g.outH * g.outW).fill(0);
  if (!countPadding) eachTap(g, (_, __, out) => counts[out]++);
  else {
    // As if the zeros were a part of the image. What hangs over them never counts.
    const [inH, inW] = [g.inH + g.padTop + g.padBottom, g.inW + g.padLeft + g.padRight];
    eachTap({ ...g, inH, inW, padTop: 0, padLeft: 0 }, (_, __, out) => counts[out]++);
  }
  return counts;
}

/** Each x in the window of each y of an average, and what part of y it is. */
function eachOfAverage(window: Window, visit: (x: number, y: number, part: number) => void): void {
  const counts = countsOf(window);
  const { inChannels } = window.geometry;
  eachTap(window.geometry, (pixel, _, out) => {
    for (let c = 0; c < inChannels; c++) visit(pixel * inChannels + c, out * inChannels + c, 1 / counts[out]);
  });
}

/** The same for windows that divide an image of any size: output o sees the pixels ⌊o·H/Ho⌋ to ⌈(o + 1)·H/Ho⌉ − 1. */
function eachOfAdaptive(x: Shape, y: Shape, visit: (x: number, y: number, part: number) => void): void {
  const [N, H, W, C] = x;
  const [, Ho, Wo] = y;
  const pixelsOf = (o: number, size: number, outs: number) => {
    const [from, to] = [Math.floor((o * size) / outs), Math.ceil(((o + 1) * size) / outs)];
    return Array.from({ length: to - from }, (_, i) => from + i);
  };
  for (let n = 0; n < N; n++)
    for (let ho = 0; ho < Ho; ho++)
      for (let wo = 0; wo < Wo; wo++) {
        const [rows, columns] = [pixelsOf(ho, H, Ho), pixelsOf(wo, W, Wo)];
        for (const h of rows)
          for (const w of columns)
            for (let c = 0; c < C; c++)
              visit(
                ((n * H + h) * W + w) * C + c,
                ((n * Ho + ho) * Wo + wo) * C + c,
                1 / (rows.length * columns.length),
              );
      }
}

export const POOLING: Readonly<Record<string, Evaluate>> = {
  max_pool2d: (t, x) => Float64Array.from(winners(attrsOf(t), x), (i) => x[i]),
  max_pool2d_input_grad(t, x, dy) {
    const dx = zerosOf(t.shape);
    winners(attrsOf(t), x).forEach((i, o) => (dx[i] += dy[o]));
    return dx;
  },
  avg_pool2d(t, x) {
    const y = zerosOf(t.shape);
    eachOfAverage(attrsOf(t), (i, o, part) => (y[o] += x[i] * part));
    return y;
  },
  avg_pool2d_input_grad(t, dy) {
    const dx = zerosOf(t.shape);
    eachOfAverage(attrsOf(t), (i, o, part) => (dx[i] += dy[o] * part));
    return dx;
  },
  adaptive_avg_pool2d(t, x) {
    const y = zerosOf(t.shape);
    eachOfAdaptive(t.inputs[0].shape, t.shape, (i, o, part) => (y[o] += x[i] * part));
    return y;
  },
  adaptive_avg_pool2d_input_grad(t, dy) {
    const dx = zerosOf(t.shape);
    eachOfAdaptive(t.shape, t.inputs[0].shape, (i, o, part) => (dx[i] += dy[o] * part));
    return dx;
  },
};
