import { expect } from 'vitest';

/** [N, H, W, C] as [N, C, H, W]. */
export function nchw(data: ArrayLike<number>, [n, h, w, c]: readonly number[]): Float32Array {
  expect(data.length).toBe(n * h * w * c);
  const out = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const [channel, pixel, sample] = [i % c, Math.floor(i / c) % (h * w), Math.floor(i / (c * h * w))];
    out[(sample * c + channel) * h * w + pixel] = data[i];
  }
  return out;
}

/** The largest difference, as a share of the largest number of b. */
export function worst(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let [difference, scale] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    if (!Number.isFinite(a[i]) || !Number.isFinite(b[i])) return NaN;
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
    scale = Math.max(scale, Math.abs(b[i]));
  }
  expect(scale).toBeGreaterThan(1e-3);
  return difference / scale;
}
