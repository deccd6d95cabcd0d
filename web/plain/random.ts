import { attrsOf, type Evaluate, type Numbers } from './numbers.ts';

/** The high and the low 32 bits of a product. */
function wideProduct(a: number, b: number): [high: number, low: number] {
  const product = BigInt(a) * BigInt(b);
  return [Number(product >> 32n), Number(product & 0xffffffffn)];
}

/** Four numbers of 32 random bits from a counter and a key: Philox4x32-10 (Salmon et al. 2011, section 4.3). */
function philox(counter: readonly number[], key: readonly number[]): number[] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = wideProduct(0xd2511f53, c0);
    const [high1, low1] = wideProduct(0xcd9e8d57, c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    [k0, k1] = [(k0 + 0x9e3779b9) >>> 0, (k1 + 0xbb67ae85) >>> 0];
  }
  return [c0, c1, c2, c3];
}

/** The same numbers in [0, 1) as on every GPU: a function of the seed, the step, the stream and the element alone. */
function uniform(size: number, [seed, step]: Numbers, stream: number): Numbers {
  const y = new Float64Array(size);
  for (let i = 0; i < size; i += 4)
    philox([i / 4, step, 0, 0], [seed, stream]).forEach((bits, k) => {
      if (i + k < size) y[i + k] = (bits >>> 8) / 2 ** 24;
    });
  return y;
}

export const RANDOM: Readonly<Record<string, Evaluate>> = {
  random_uniform: (t, seed) => uniform(t.size, seed, attrsOf<{ stream: number }>(t).stream),
  dropout(t, x, seed) {
    const { rate, stream } = attrsOf<{ rate: number; stream: number }>(t);
    const random = uniform(t.size, seed, stream);
    // The rate as the GPU has it, so that the same elements are dropped.
    return x.map((v, i) => (random[i] < Math.fround(rate) ? 0 : v / (1 - rate)));
  },
};
