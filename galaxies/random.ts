/** The finaliser of MurmurHash3: every bit of the result depends on every bit of `h`. */
function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** 32 random bits that are a function of the key and the counter alone. */
export const randomBits = (key: number, counter: number): number => mix(key ^ mix(Math.imul(counter + 1, 0x9e3779b1)));

/** One key for (seed, index, purpose): draws for one purpose never shift those for another. */
export const randomKey = (seed: number, index: number, purpose: number): number =>
  randomBits(randomBits(mix(seed ^ 0x5bd1e995), index), purpose);

/** Random numbers counted off from a key. */
export class Random {
  readonly #key: number;
  #counter = 0;

  constructor(seed: number, index: number, purpose: number) {
    this.#key = randomKey(seed, index, purpose);
  }

  /** Uniform in [from, to). */
  uniform(from = 0, to = 1): number {
    return from + (to - from) * (randomBits(this.#key, this.#counter++) / 2 ** 32);
  }

  /** Normal, by Box and Muller (1958). */
  normal(mean = 0, deviation = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** An index drawn in proportion to `weights`, which need not sum to 1. */
  pick(weights: readonly number[]): number {
    let left = this.uniform() * weights.reduce((a, b) => a + b, 0);
    for (let i = 0; i < weights.length - 1; i++) if ((left -= weights[i]) < 0) return i;
    return weights.length - 1;
  }
}

/** Purposes of keys in this room, so that no two share their numbers. */
export const PURPOSE = { shape: 1, field: 2, knots: 3, noise: 4, votes: 5 } as const;
