/** Pooling in float64, written from the definitions: x [n, h, w, c], y [n, ho, wo, c]. */
export interface Pool {
  readonly x: readonly [n: number, h: number, w: number, c: number];
  readonly size: readonly [number, number];
  readonly out: readonly [ho: number, wo: number];
  readonly stride: readonly [number, number];
  /** Rows above and columns to the left that are not there. */
  readonly pad: readonly [number, number];
  /** Rows below and columns to the right that are not there, but count for averages; as many as are met when absent. */
  readonly padEnd?: readonly [number, number];
  readonly dilation?: readonly [number, number];
}

interface Seen {
  readonly y: number;
  readonly inside: readonly number[];
  /** Places of the window in the image or its padding. */
  readonly places: number;
}

/** For every output its index and the indices of the inputs its window sees, in reading order. */
function windows({ x: [N, H, W, C], size, out: [Ho, Wo], stride, pad, padEnd, dilation = [1, 1] }: Pool): Seen[] {
  const found: Seen[] = [];
  const [endH, endW] = padEnd ? [H + padEnd[0], W + padEnd[1]] : [Infinity, Infinity];
  for (let n = 0; n < N; n++)
    for (let ho = 0; ho < Ho; ho++)
      for (let wo = 0; wo < Wo; wo++)
        for (let c = 0; c < C; c++) {
          const inside: number[] = [];
          let places = 0;
          for (let r = 0; r < size[0]; r++)
            for (let s = 0; s < size[1]; s++) {
              const [h, w] = [ho * stride[0] + r * dilation[0] - pad[0], wo * stride[1] + s * dilation[1] - pad[1]];
              if (h < endH && w < endW) places++;
              if (h >= 0 && h < H && w >= 0 && w < W) inside.push(((n * H + h) * W + w) * C + c);
            }
          found.push({ y: ((n * Ho + ho) * Wo + wo) * C + c, inside, places });
        }
  return found;
}

const outputs = (p: Pool) => new Float64Array(p.x[0] * p.out[0] * p.out[1] * p.x[3]);
const inputs = (p: Pool) => new Float64Array(p.x[0] * p.x[1] * p.x[2] * p.x[3]);

export function maxPool(p: Pool, x: ArrayLike<number>): Float64Array {
  const y = outputs(p);
  for (const { y: at, inside } of windows(p)) y[at] = Math.max(...inside.map((i) => x[i]));
  return y;
}

/** Of equal values the first has the cotangent. */
export function maxPoolInputGrad(p: Pool, x: ArrayLike<number>, dy: ArrayLike<number>): Float64Array {
  const dx = inputs(p);
  for (const { y, inside } of windows(p)) {
    const largest = Math.max(...inside.map((i) => x[i]));
    dx[inside.find((i) => x[i] === largest)!] += dy[y];
  }
  return dx;
}

const countOf = ({ inside, places }: Seen, countPadding: boolean) => (countPadding ? places : inside.length);

export function averagePool(p: Pool, x: ArrayLike<number>, countPadding: boolean): Float64Array {
  const y = outputs(p);
  for (const seen of windows(p)) for (const i of seen.inside) y[seen.y] += x[i] / countOf(seen, countPadding);
  return y;
}

export function averagePoolInputGrad(p: Pool, dy: ArrayLike<number>, countPadding: boolean): Float64Array {
  const dx = inputs(p);
  for (const seen of windows(p)) for (const i of seen.inside) dx[i] += dy[seen.y] / countOf(seen, countPadding);
  return dx;
}

/** PyTorch's AdaptiveAvgPool2d: output o averages the inputs from floor(o·in/out) to ceil((o + 1)·in/out). */
export function adaptiveAverage(
  [N, H, W, C]: readonly [number, number, number, number],
  [Ho, Wo]: readonly [number, number],
  x: ArrayLike<number>,
): Float64Array {
  const y = new Float64Array(N * Ho * Wo * C);
  eachAdaptive([N, H, W, C], [Ho, Wo], (at, from, count) => (y[at] += x[from] / count));
  return y;
}

export function adaptiveAverageInputGrad(
  x: readonly [number, number, number, number],
  out: readonly [number, number],
  dy: ArrayLike<number>,
): Float64Array {
  const dx = new Float64Array(x[0] * x[1] * x[2] * x[3]);
  eachAdaptive(x, out, (at, from, count) => (dx[from] += dy[at] / count));
  return dx;
}

function eachAdaptive(
  [N, H, W, C]: readonly [number, number, number, number],
  [Ho, Wo]: readonly [number, number],
  visit: (y: number, x: number, count: number) => void,
): void {
  for (let n = 0; n < N; n++)
    for (let ho = 0; ho < Ho; ho++)
      for (let wo = 0; wo < Wo; wo++) {
        const [top, bottom] = [Math.floor((ho * H) / Ho), Math.ceil(((ho + 1) * H) / Ho)];
        const [left, right] = [Math.floor((wo * W) / Wo), Math.ceil(((wo + 1) * W) / Wo)];
        for (let h = top; h < bottom; h++)
          for (let w = left; w < right; w++)
            for (let c = 0; c < C; c++) {
              visit(((n * Ho + ho) * Wo + wo) * C + c, ((n * H + h) * W + w) * C + c, (bottom - top) * (right - left));
            }
      }
}
