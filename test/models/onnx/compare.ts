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
  const scale = Math.max(...Array.from(b, Math.abs));
  expect(scale).toBeGreaterThan(1e-3);
  return Math.max(...Array.from(a, (v, i) => Math.abs(v - b[i]))) / scale;
}
