/** A transposed convolution by its definition: x [n, h, w, c], w [r, s, k within its group, c], y [n, ho, wo, k]. */
export interface Transposed {
  readonly x: readonly [n: number, h: number, w: number, c: number];
  readonly filter: readonly [r: number, s: number];
  readonly y: readonly [n: number, ho: number, wo: number, k: number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly pad: readonly [top: number, left: number];
  readonly groups: number;
}

/** Every triple that is multiplied: places in x, in the filter and in y. */
function meetings(t: Transposed, visit: (x: number, w: number, y: number) => void): void {
  const [[N, H, W, C], [R, S], [, Ho, Wo, K]] = [t.x, t.filter, t.y];
  const [groupIn, groupOut] = [C / t.groups, K / t.groups];
  for (let n = 0; n < N; n++)
    for (let h = 0; h < H; h++)
      for (let w = 0; w < W; w++)
        for (let r = 0; r < R; r++)
          for (let s = 0; s < S; s++) {
            const ho = h * t.stride[0] + r * t.dilation[0] - t.pad[0];
            const wo = w * t.stride[1] + s * t.dilation[1] - t.pad[1];
            if (ho < 0 || ho >= Ho || wo < 0 || wo >= Wo) continue;
            for (let c = 0; c < C; c++)
              for (let k = 0; k < groupOut; k++)
                visit(
                  ((n * H + h) * W + w) * C + c,
                  ((r * S + s) * groupOut + k) * C + c,
                  ((n * Ho + ho) * Wo + wo) * K + Math.floor(c / groupIn) * groupOut + k,
                );
          }
}

const zeros = (dims: readonly number[]) => new Float64Array(dims.reduce((a, b) => a * b, 1));

export function convTranspose2d(t: Transposed, x: ArrayLike<number>, w: ArrayLike<number>): Float64Array {
  const y = zeros(t.y);
  meetings(t, (at, tap, to) => (y[to] += x[at] * w[tap]));
  return y;
}

export function convTransposeGradients(
  t: Transposed,
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  dy: ArrayLike<number>,
): { dx: Float64Array; dw: Float64Array } {
  const [dx, dw] = [zeros(t.x), zeros([...t.filter, t.y[3] / t.groups, t.x[3]])];
  meetings(t, (at, tap, to) => {
    dx[at] += dy[to] * w[tap];
    dw[tap] += dy[to] * x[at];
  });
  return { dx, dw };
}
