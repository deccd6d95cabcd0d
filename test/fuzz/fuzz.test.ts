import { describe, expect, it } from 'vitest';
import { uniform } from '../random.ts';
import { FORMATS } from './formats.ts';
import { fuzz } from './fuzz.mjs';
import { MUTATIONS, mutated } from './mutate.ts';
import { NAMES } from './names.mjs';

/** Of each format; `npm run fuzz` takes more. */
const CASES = 60;

describe('damaged files', () => {
  it('are of every format that the fuzz knows', () => {
    expect([...NAMES].sort()).toEqual(Object.keys(FORMATS).sort());
  });

  it('are the same for the same seed, and seldom the file that they are made from', () => {
    const sound = [Uint8Array.from({ length: 300 }, (_, i) => i), new Uint8Array(Buffer.from('{"a":1,"b":[2,"c"]}'))];
    const before = sound.map((bytes) => bytes.slice());
    const make = (seed: number) => {
      const random = uniform(seed);
      return mutated(sound, (n) => Math.floor(random() * n));
    };
    const all = Array.from({ length: 500 }, (_, seed) => make(seed));
    expect(Array.from({ length: 500 }, (_, seed) => make(seed))).toEqual(all);
    expect(sound).toEqual(before);
    const isSound = ({ bytes }: { bytes: Uint8Array }) => sound.some((one) => Buffer.from(one).equals(bytes));
    expect(all.filter(isSound).length).toBeLessThan(100);
    for (const name of Object.keys(MUTATIONS)) expect(all.some(({ how }) => how.split(', ').includes(name))).toBe(true);
  });

  it('are read for what they are or refused in a sentence, within seconds and a GiB', async () => {
    const { rows, findings } = await fuzz({ formats: NAMES, cases: CASES, seed: 1 });
    expect(findings).toEqual([]);
    // Not all is refused, and not all is read: the files reach what they are meant for.
    for (const { format, accepted, refused } of rows) {
      expect(accepted + refused, format).toBe(CASES);
      expect(Math.min(accepted, refused), format).toBeGreaterThan(0);
    }
  });
});
