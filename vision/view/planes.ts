/** The weights with which one output pixel gathers input pixels `start`, `start + 1`, ... along one axis. */
interface Taps {
  readonly start: number;
  readonly weights: readonly number[];
}

/**
 * Taps of a triangle filter whose half width is one output pixel when shrinking (so that nothing aliases) and one
 * input pixel when enlarging (bilinear). Pixel centres at i + 0.5; weights sum to 1, also at the borders.
 */
function triangleTaps(from: number, to: number): Taps[] {
  const scale = from / to;
  const reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.ceil(centre - reach - 0.5));
    const end = Math.min(from - 1, Math.floor(centre + reach - 0.5));
    const raw = Array.from({ length: end - start + 1 }, (_, k) => 1 - Math.abs(start + k + 0.5 - centre) / reach);
    const sum = raw.reduce((a, b) => a + b, 0);
    return { start, weights: raw.map((weight) => weight / sum) };
  });
}

/** Numbers of an image of any number of channels, interleaved: [h, w, channels]. */
export interface Planes {
  readonly data: ArrayLike<number>;
  readonly w: number;
  readonly h: number;
  readonly channels: number;
}

/** Planes at another size, [height, width, channels]: bilinear when enlarging, averaging when shrinking. */
export function resamplePlanes({ data, w, h, channels }: Planes, width: number, height: number): Float32Array {
  const across = triangleTaps(w, width);
  const down = triangleTaps(h, height);
  const rows = new Float32Array(h * width * channels);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < width; x++) {
      const { start, weights } = across[x];
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * data[(y * w + start + k) * channels + c];
        rows[(y * width + x) * channels + c] = sum;
      }
    }
  }
  const out = new Float32Array(height * width * channels);
  const stride = width * channels;
  // A row at a time, tap after tap, so that memory is read in its order.
  const sums = new Float64Array(stride);
  for (let y = 0; y < height; y++) {
    const { start, weights } = down[y];
    sums.fill(0);
    for (const [k, weight] of weights.entries()) {
      const from = (start + k) * stride;
      for (let i = 0; i < stride; i++) sums[i] += weight * rows[from + i];
    }
    out.set(sums, y * stride);
  }
  return out;
}
