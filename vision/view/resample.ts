import { UserError } from '../../engine/user_error.ts';
import type { RgbImage } from '../data/rgb_image.ts';

/** Which part of an image is kept, and how large it becomes. */
export interface CropResize {
  /** Side of the central square that is kept, as a fraction of the shorter side: 0 < crop <= 1. */
  readonly crop: number;
  /** Side of the result in pixels, at least 1. */
  readonly size: number;
}

/** For each output pixel the first input pixel it reads and `taps` weights that sum to 1. */
interface Filter {
  readonly taps: number;
  readonly first: Int32Array;
  readonly weights: Float32Array;
}

/**
 * Triangle filter for resampling `from` pixels to `to`: as wide as two input pixels when enlarging (which is bilinear
 * interpolation) and as two output pixels when shrinking, so that nothing above the new Nyquist frequency folds back.
 */
function triangle(from: number, to: number): Filter {
  const scale = from / to;
  const radius = Math.max(1, scale);
  const taps = Math.min(from, Math.ceil(2 * radius) + 1);
  const first = new Int32Array(to);
  const weights = new Float32Array(to * taps);
  for (let o = 0; o < to; o++) {
    const centre = (o + 0.5) * scale - 0.5;
    const start = Math.max(0, Math.min(from - taps, Math.ceil(centre - radius)));
    first[o] = start;
    const raw = Array.from({ length: taps }, (_, t) => Math.max(0, 1 - Math.abs(start + t - centre) / radius));
    const sum = raw.reduce((a, b) => a + b, 0);
    raw.forEach((w, t) => (weights[o * taps + t] = w / sum));
  }
  return { taps, first, weights };
}

/**
 * The central square of `image`, resampled to `size` x `size`: antialiased when shrinking, bilinear when enlarging.
 * A crop that already has that size is copied unchanged.
 */
export function cropResize(image: RgbImage, { crop, size }: CropResize): RgbImage {
  if (!(crop > 0 && crop <= 1)) throw new UserError(`crop is ${crop}; it must be more than 0 and at most 1`);
  if (!Number.isInteger(size) || size < 1) throw new UserError(`image size ${size} is not a whole number of pixels`);
  const { width, height, data: pixels } = image;
  const side = Math.max(1, Math.round(crop * Math.min(width, height)));
  const left = (width - side) >> 1;
  const top = (height - side) >> 1;
  const { taps, first, weights } = triangle(side, size);

  const rows = new Float32Array(side * size * 3);
  let to = 0;
  for (let y = 0; y < side; y++) {
    const row = ((top + y) * width + left) * 3;
    for (let x = 0; x < size; x++) {
      let [r, g, b] = [0, 0, 0];
      let at = row + first[x] * 3;
      for (let t = x * taps; t < (x + 1) * taps; t++, at += 3) {
        r += weights[t] * pixels[at];
        g += weights[t] * pixels[at + 1];
        b += weights[t] * pixels[at + 2];
      }
      rows[to++] = r;
      rows[to++] = g;
      rows[to++] = b;
    }
  }

  const stride = size * 3;
  const data = new Uint8Array(size * stride);
  // A row at a time, tap after tap, so that memory is read in its order: twice as fast, to the same bits.
  const sums = new Float64Array(stride);
  for (let y = 0; y < size; y++) {
    sums.fill(0.5);
    for (let t = 0; t < taps; t++) {
      const w = weights[y * taps + t];
      const from = (first[y] + t) * stride;
      for (let x = 0; x < stride; x++) sums[x] += w * rows[from + x];
    }
    data.set(sums, y * stride);
  }
  return { width: size, height: size, data };
}
