import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import * as v from 'valibot';
import type { Device } from '../../engine/device/device.ts';
import { fileError } from '../../models/formats/file_error.node.ts';
import type { FileStamp } from '../data/dataset.ts';
import { fields, listOf, words } from '../checked_json.ts';
import { readJsonFile } from '../json_file.node.ts';
import type { TrainOptions } from './options.ts';
import type { Prepared } from './task.ts';

/**
 * An image: its id, its side, what is known of it as a hash, its file's size and date, and a hash of its bytes, which a
 * run of an earlier version lacks, or has as null.
 */
const IMAGE = v.tuple([words, words, words, words, v.nullish(words)], 'an image');

/** What RUN/origin.json holds: what a training depends on beside its options. */
const ORIGIN = fields({
  adapter: words,
  /** SHA-256 of the file of weights; null: there is none. */
  weights: v.nullable(words),
  /** SHA-256 of the ONNX file of the network that the run began with, its data in it; absent: it has a name. */
  network: v.optional(words),
  /** What the outputs of the network stand for, in their order; a run of an earlier version does not say. */
  outputs: v.optional(listOf(words)),
  images: listOf(IMAGE),
  /** What had changed when someone went on all the same: a sentence each time. */
  accepted: listOf(words),
});

type Stored = v.InferInput<typeof ORIGIN>;

/** What is kept of an image; the hash of its bytes is empty where it is not known. */
type KnownImage = [id: string, side: string, known: string, dated: string, bytes: string];

export interface Origin extends Omit<Stored, 'images'> {
  images: KnownImage[];
}

/** What a run was begun with. @throws UserError where the file is none of a run */
export function readOrigin(path: string): Origin {
  const stored = readJsonFile(path, ORIGIN, 'delete it to go on with whatever the data are now');
  const images = stored.images.map(
    ([id, side, known, dated, bytes]): KnownImage => [id, side, known, dated, bytes ?? ''],
  );
  return { ...stored, images };
}

export const originText = (origin: Origin): string => `${JSON.stringify(origin)}\n`;

const byId = (images: readonly KnownImage[]) => new Map(images.map((image) => [image[0], image]));

/** The stamp of a drawn image. */
const NEVER_CHANGED: FileStamp = { dated: '', bytes: async () => '' };

/** Files asked for at a time. */
const AT_ONCE = 256;

interface OriginContext {
  /** SHA-256 of the ONNX file of the network. */
  readonly network?: string;
  /** What the outputs of the network stand for. */
  readonly outputs?: readonly string[];
  /** What the run was begun with: what has the date that it had then is not read again. */
  readonly earlier?: Origin;
}

/**
 * What a training depends on now.
 * @throws UserError where the weights cannot be read
 */
export async function originOf(
  device: Device,
  { dataset, train, validation }: Prepared,
  { weights }: TrainOptions,
  { network, outputs, earlier }: OriginContext = {},
): Promise<Origin> {
  const before = byId(earlier?.images ?? []);
  const all = [
    ...train.map((index) => ({ index, side: 'train' })),
    ...validation.map((index) => ({ index, side: 'validation' })),
  ];
  const images: KnownImage[] = [];
  for (let start = 0; start < all.length; start += AT_ONCE) {
    const some = all.slice(start, start + AT_ONCE).map(async ({ index, side }): Promise<KnownImage> => {
      const { id, ...known } = dataset.examples[index];
      const { dated, bytes } = (await dataset.stamp?.(index)) ?? NEVER_CHANGED;
      const [, , , datedThen, bytesThen] = before.get(id) ?? [];
      return [id, side, hashOf(JSON.stringify(known)), dated, dated === datedThen ? bytesThen! : await bytes()];
    });
    images.push(...(await Promise.all(some)));
  }
  return {
    adapter: device.adapter.description,
    weights: weights === null ? null : await fileHash(weights),
    ...(network !== undefined && { network }),
    ...(outputs && { outputs: [...outputs] }),
    images,
    accepted: [],
  };
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** All that the activations of a frozen front depend on beside options. */
export const frontOrigin = ({ adapter, weights, images }: Origin): string =>
  hashOf(JSON.stringify([adapter, weights, images.map(([id, side, , , bytes]) => [id, side, bytes])]));

async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece);
  } catch (error) {
    throw fileError('read', path, error);
  }
  return hash.digest('hex');
}

const NAMED = 3;

/** What has changed since a run was begun, a phrase each with the first names; empty where nothing has. */
export function originChanges(earlier: Origin, now: Origin): string[] {
  const [before, after] = [byId(earlier.images), byId(now.images)];
  const both = now.images.filter(([id]) => before.has(id));
  const differing = (field: 1 | 2 | 3) => both.filter((image) => image[field] !== before.get(image[0])![field]);
  // A run of an earlier version has hashes of no bytes.
  const changed = differing(3).filter(([id, , , , bytes]) => bytes === '' || bytes !== before.get(id)![4]);
  const found = [
    named(
      'image is gone',
      'images are gone',
      earlier.images.filter(([id]) => !after.has(id)),
    ),
    named(
      'image is new',
      'images are new',
      now.images.filter(([id]) => !before.has(id)),
    ),
    named('image was changed', 'images were changed', changed),
    named('image has another label', 'images have other labels', differing(2)),
    named('image is on another side', 'images are on other sides', differing(1)),
    earlier.weights !== now.weights && 'the file of weights is another',
    earlier.network !== now.network &&
      'the ONNX file is another, and the run keeps to its copy of the one it began with',
    earlier.adapter !== now.adapter && `the adapter was ${earlier.adapter} and is now ${now.adapter}`,
  ].filter((phrase) => phrase !== false);
  const order = (images: readonly KnownImage[]) => images.map(([id]) => id).join('\n');
  return found.length === 0 && order(earlier.images) !== order(now.images) ? ['the order of the images'] : found;
}

function named(one: string, many: string, images: readonly KnownImage[]): string | false {
  if (images.length === 0) return false;
  const names = images.slice(0, NAMED).map(([id]) => id);
  return `${images.length} ${images.length === 1 ? one : many} (${names.join(', ')}${images.length > NAMED ? ', …' : ''})`;
}
