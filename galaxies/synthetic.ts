import { UserError } from '../engine/user_error.ts';
import type { RgbImage } from '../vision/data/rgb_image.ts';
import type { Galaxies } from './galaxy.ts';
import { drawGalaxy } from './synthetic_galaxy.ts';
import { renderGalaxy } from './synthetic_render.ts';
import { castVotes } from './synthetic_votes.ts';

/** Side of a cutout of the challenge. */
export const SYNTHETIC_SIZE = 424;

/** Images that stay in memory: 35 MB at the usual size. */
const KEPT = 64;

export interface SyntheticOptions {
  /** Side of the images in pixels, 1..4096. The drawing itself is done on 110 to 220 pixels. */
  readonly size?: number;
}

/**
 * `count` galaxies drawn from `seed`, with the votes that volunteers would give them. A galaxy depends on the seed and
 * its own index alone: `synthetic:100` begins `synthetic:400`. The first images that are asked for are kept; the others
 * are drawn anew at each `load`, with the same bytes on the same JavaScript engine (sin and exp may differ in their
 * last bit between engines).
 */
export function syntheticDataset(count: number, seed = 0, { size = SYNTHETIC_SIZE }: SyntheticOptions = {}): Galaxies {
  if (!Number.isSafeInteger(count) || count < 1) throw new UserError(`${count} is not a number of synthetic galaxies`);
  if (!Number.isInteger(size) || size < 1 || size > 4096)
    throw new UserError(`image size ${size} is not within 1..4096`);
  const galaxies = Array.from({ length: count }, (_, index) => ({
    id: `s${seed}-${index}`,
    votes: castVotes(drawGalaxy(seed, index), seed, index),
  }));
  const kept = new Map<number, RgbImage>();
  return {
    name: seed === 0 ? `synthetic:${count}` : `synthetic:${count}:${seed}`,
    examples: galaxies,
    notes: [],
    load: async (index) => {
      if (!(index in galaxies)) throw new RangeError(`there is no galaxy ${index} among ${count}`);
      const image = kept.get(index) ?? renderGalaxy(drawGalaxy(seed, index), seed, index, size);
      if (kept.size < KEPT) kept.set(index, image);
      return image;
    },
    close: async () => {},
  };
}

/** `synthetic:400` or `synthetic:400:7` as count and seed; null for what does not begin with `synthetic:`. */
export function parseSynthetic(spec: string): { count: number; seed: number } | null {
  if (!spec.startsWith('synthetic:')) return null;
  const match = /^synthetic:([1-9]\d{0,6})(?::(\d{1,9}))?$/.exec(spec);
  if (!match)
    throw new UserError(`"${spec}" is not of the form synthetic:400 or synthetic:400:7 (number of galaxies, seed)`);
  return { count: Number(match[1]), seed: Number(match[2] ?? 0) };
}
