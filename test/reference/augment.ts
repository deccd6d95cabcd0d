/**
 * Views of images whose pixels are R, G, B, A bytes in 32 bits, R lowest: bilinear between pixel centres, the edge
 * going on outside, `taps` x `taps` samples to a pixel.
 */
export function augment(
  x: ArrayLike<number>,
  [n, h, w]: readonly [number, number, number],
  size: number,
  taps: number,
  view: ArrayLike<number>,
  colour: ArrayLike<number>,
): Float64Array {
  const clamp = (v: number, high: number) => Math.min(Math.max(v, 0), high);
  const sample = (k: number, row: number, column: number, c: number) => {
    const [r, s] = [clamp(row, h - 1), clamp(column, w - 1)];
    const [r0, s0] = [Math.floor(r), Math.floor(s)];
    const pixel = (i: number, j: number) =>
      ((x[(k * h + Math.min(i, h - 1)) * w + Math.min(j, w - 1)] >>> (8 * c)) & 255) / 255;
    const across = (i: number) => pixel(i, s0) * (1 - (s - s0)) + pixel(i, s0 + 1) * (s - s0);
    return across(r0) * (1 - (r - r0)) + across(r0 + 1) * (r - r0);
  };
  const out = new Float64Array(n * size * size * 3);
  for (let k = 0; k < n; k++)
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++) {
        const rgb = [0, 1, 2].map((c) => {
          let sum = 0;
          for (let a = 0; a < taps; a++)
            for (let b = 0; b < taps; b++) {
              const [y, z] = [i + (a + 0.5) / taps - 0.5, j + (b + 0.5) / taps - 0.5];
              sum += sample(
                k,
                view[k * 6 + 3] * z + view[k * 6 + 4] * y + view[k * 6 + 5],
                view[k * 6] * z + view[k * 6 + 1] * y + view[k * 6 + 2],
                c,
              );
            }
          return sum / taps ** 2;
        });
        for (let c = 0; c < 3; c++) {
          const m = k * 12 + c * 4;
          out[((k * size + i) * size + j) * 3 + c] =
            colour[m] * rgb[0] + colour[m + 1] * rgb[1] + colour[m + 2] * rgb[2] + colour[m + 3];
        }
      }
  return out;
}
