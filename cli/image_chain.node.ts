import { createHash } from 'node:crypto';
import type * as v from 'valibot';
import { fields, words } from '../vision/checked_json.ts';
import type { FileStamp } from '../vision/data/dataset.ts';

/** The stamp of an image by its place. */
export type StampOf = (image: number) => Promise<FileStamp>;

/**
 * Images one after another as two hashes, of which each goes on with the next image: of their dates, which are quick to
 * ask for, and of their bytes, for copies, which have other dates.
 */
export const IMAGE_CHAIN = fields({ dated: words, bytes: words });

export type ImageChain = Readonly<v.InferOutput<typeof IMAGE_CHAIN>>;

export const NO_IMAGES: ImageChain = { dated: '', bytes: '' };

/** Files asked for at a time: of each a mebibyte may be in memory. */
const AT_ONCE = 32;

/** A hash that goes on with something of the images from `from` to `to`. */
async function chained(
  chain: string,
  [from, to]: readonly [number, number],
  ask: (image: number) => Promise<string>,
): Promise<string> {
  let hash = chain;
  for (let start = from; start < to; start += AT_ONCE) {
    const images = Array.from({ length: Math.min(AT_ONCE, to - start) }, (_, i) => start + i);
    for (const told of await Promise.all(images.map(ask)))
      hash = createHash('sha256').update(`${hash}\n${told}`).digest('hex');
  }
  return hash;
}

const dated = (stamp: StampOf) => async (image: number) => (await stamp(image)).dated;
const bytes = (stamp: StampOf) => async (image: number) => (await stamp(image)).bytes();

/** The chain with the images from `from` to `to` behind those that it has. */
export const extendChain = async (
  chain: ImageChain,
  stamp: StampOf,
  range: readonly [number, number],
): Promise<ImageChain> => ({
  dated: await chained(chain.dated, range, dated(stamp)),
  bytes: await chained(chain.bytes, range, bytes(stamp)),
});

/**
 * The chain of the first `count` images as they are now, where their bytes are what they were: they are read only where
 * a date is another. Undefined where an image is another.
 */
export async function sameChain(chain: ImageChain, stamp: StampOf, count: number): Promise<ImageChain | undefined> {
  const now = await chained('', [0, count], dated(stamp));
  if (now === chain.dated) return chain;
  return (await chained('', [0, count], bytes(stamp))) === chain.bytes ? { ...chain, dated: now } : undefined;
}
