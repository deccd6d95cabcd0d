/**
 * Random numbers on the CPU that depend on what they are for and not on what was drawn before: a stream is named by a
 * seed and any further numbers (epoch, sample, purpose), so that a resumed run draws what an uninterrupted one would
 * have drawn. Mixing by MurmurHash3's 32-bit finaliser (Appleby 2011), stepping by splitmix's odd constant.
 */
export class RandomStream {
  private state: number;

  constructor(...name: readonly number[]) {
    this.state = name.reduce((h, n) => mix((h ^ (n >>> 0)) + 0x9e3779b9), 0x51ed270b);
  }

  /** The next number in [0, 1). */
  uniform(): number {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    return mix(this.state) / 2 ** 32;
  }

  /** The next number of a normal distribution with mean 0 and deviation 1 (Box & Muller 1958). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }
}

function mix(value: number): number {
  let h = value >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The numbers 0..n−1 in a random order (Fisher & Yates; Durstenfeld 1964). */
export function permutation(n: number, random: RandomStream): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = Math.floor(random.uniform() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** A number from a text, to name a stream by it: FNV-1a (Fowler, Noll, Vo). */
export function hashText(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
