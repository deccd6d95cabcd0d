/** Philox4x32-10 from Salmon et al. 2011, section 4.3, with BigInt for the wide products. */
export function philox(counter: readonly number[], key: readonly number[]): number[] {
  let c = counter.map(BigInt);
  let [k0, k1] = key.map(BigInt);
  const mask = 0xffffffffn;
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c[0];
    const p1 = 0xcd9e8d57n * c[2];
    c = [(p1 >> 32n) ^ c[1] ^ k0, p1 & mask, (p0 >> 32n) ^ c[3] ^ k1, p0 & mask];
    k0 = (k0 + 0x9e3779b9n) & mask;
    k1 = (k1 + 0xbb67ae85n) & mask;
  }
  return c.map(Number);
}

/**
 * The first `size` numbers in [0, 1) of a stream: 24 bits of each word, counter (i, step, 0, 0), key (seed, stream).
 */
export function randomUniform(size: number, seed: number, step: number, stream: number): Float32Array {
  return Float32Array.from(
    { length: size },
    (_, i) => (philox([Math.floor(i / 4), step, 0, 0], [seed, stream])[i % 4] >>> 8) / 2 ** 24,
  );
}
