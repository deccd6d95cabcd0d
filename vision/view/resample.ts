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
  const side = Math.max(1, Math.round(crop * Math.min(image.width, image.height)));
  const left = (image.width - side) >> 1;
  const top = (image.height - side) >> 1;
  const { taps, first, weights } = triangle(side, size);

  const rows = new Float32Array(side * size * 3);
  for (let y = 0; y < side; y++) {
    const row = ((top + y) * image.width + left) * 3;
    for (let x = 0; x < size; x++) {
      let [r, g, b] = [0, 0, 0];
      let at = row + first[x] * 3;
      for (let t = 0; t < taps; t++, at += 3) {
        const w = weights[x * taps + t];
        r += w * image.data[at];
        g += w * image.data[at + 1];
        b += w * image.data[at + 2];
      }
      const to = (y * size + x) * 3;
      rows[to] = r;
      rows[to + 1] = g;
      rows[to + 2] = b;
    }
  }

  const data = new Uint8Array(size * size * 3);
  const stride = size * 3;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < stride; x++) {
      let sum = 0.5;
      for (let t = 0; t < taps; t++) sum += weights[y * taps + t] * rows[(first[y] + t) * stride + x];
      data[y * stride + x] = sum;
    }
  }
  return { width: size, height: size, data };
}
