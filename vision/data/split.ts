import { UserError } from '../../engine/user_error.ts';

/**
 * 32 bits that depend on every character of `id` and on `seed`: FNV-1a (Fowler, Noll and Vo) over the UTF-16 code
 * units, then the finaliser of MurmurHash3, because FNV-1a alone leaves the high bits of short, similar strings alike.
 */
export function hashId(id: string, seed = 0): number {
  let h = (0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1)) >>> 0;
  for (let i = 0; i < id.length; i++) h = Math.imul(h ^ id.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * A number that tells one set of images from another, in whatever order: the sum of the hashes of their ids, modulo
 * 2^32.
 */
export const hashIds = (ids: readonly string[]): number => ids.reduce((sum, id) => (sum + hashId(id)) >>> 0, 0);

export interface SplitOptions {
  /** Share of the images kept apart, 0 <= valFraction < 1. */
  readonly valFraction: number;
  readonly seed?: number;
  /** True for images that must never be used for validation: those picked by hand, say. */
  readonly trainOnly?: (id: string) => boolean;
}

/** Not the seed by which validation images are chosen, or those would be the first to be kept. */
const TEST_SEED = 2;

/** Whether an image is kept for a test, of which the share is given: by its id alone, as in `split`. */
export const isKeptForTest = (id: string, share: number): boolean => hashId(id, TEST_SEED) < share * 2 ** 32;

/** Indices into the ids that were given, in their order. */
export interface Split {
  readonly train: number[];
  readonly validation: number[];
}

/**
 * Divides labelled images (`labels[i]` not null) into training and validation.
 *
 * An image is kept for validation when hash(id, seed) / 2^32 < valFraction. Nothing but its own id decides, so the
 * split does not change when images are added, taken away, relabelled or reordered. It is stratified in expectation:
 * the hash knows nothing of the class, so every class gives the same share, but for binomial chance (of 1,000 images,
 * 200 +- 13). Exact strata would need a quota, and with it an image could change sides when others arrive.
 */
export function split(ids: readonly string[], labels: readonly (string | null)[], options: SplitOptions): Split {
  const { valFraction, seed = 0, trainOnly } = options;
  if (!(valFraction >= 0 && valFraction < 1)) {
    throw new UserError(`the validation fraction is ${valFraction}; it must be at least 0 and less than 1`);
  }
  const train: number[] = [];
  const validation: number[] = [];
  ids.forEach((id, i) => {
    if (labels[i] === null) return;
    const kept = hashId(id, seed) < valFraction * 2 ** 32 && !trainOnly?.(id);
    (kept ? validation : train).push(i);
  });
  return { train, validation };
}

/** The name of a file without its folders and its ending; of an id that is no path the id itself. */
const stemOf = (id: string): string => id.slice(id.lastIndexOf('/') + 1).replace(/\.[^.]*$/, '');

/**
 * From `100008-108649,945990-999967` a test whether an id is a whole number within one of the ranges, ends included; of
 * an id that is a path, such as `cats/12.jpg`, the name of the file. Compared as BigInt: Image Zoo's object ids have 18
 * digits.
 */
export function parseIdRanges(text: string): (id: string) => boolean {
  const ranges = text.split(',').map((part) => {
    const match = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(part);
    if (!match) throw new UserError(`id range "${part.trim()}" in "${text}" is not of the form 100-200 or 100`);
    const from = BigInt(match[1]);
    const to = BigInt(match[2] ?? match[1]);
    if (to < from) throw new UserError(`id range "${part.trim()}" in "${text}" ends before it begins`);
    return { from, to };
  });
  return (id) => {
    const stem = stemOf(id);
    if (!/^\d+$/.test(stem)) return false;
    const number = BigInt(stem);
    return ranges.some(({ from, to }) => number >= from && number <= to);
  };
}
