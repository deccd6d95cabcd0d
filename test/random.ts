/** A seeded stream of numbers in [0, 1): mulberry32 (public domain), enough for test data. */
export function uniform(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `size` f32 numbers evenly spread over [low, high). */
export function randomArray(size: number, seed: number, low = -1, high = 1): Float32Array {
  const next = uniform(seed);
  return Float32Array.from({ length: size }, () => low + (high - low) * next());
}
