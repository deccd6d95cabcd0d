import { readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import { type Entry, openPromise } from 'yauzl';
import { UserError } from '../engine/user_error.ts';
import { syncFolder } from '../models/formats/atomic.node.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';

/** More than any archive of images that is fetched has; what claims more was made to do harm. */
const MOST = { images: 1_000_000, bytesEach: 16 * 2 ** 20, bytes: 16 * 2 ** 30 };

export interface Unpacked {
  readonly images: number;
  /** The folder was there already and nothing was unpacked. */
  readonly present: boolean;
}

/**
 * Unpacks the .jpg files of a zip, whatever folders they lie in there, side by side into the folder `to`, which appears
 * only when all are there: until then it is `<to>.part`, and an interrupted unpacking goes on with that. Every image is
 * held against its size and CRC-32 in the archive. A folder `to` that has something in it is kept as it is.
 * @param onProgress called after each image with the bytes unpacked
 * @throws UserError where the archive is damaged, has no images, or has more or larger ones than can be meant; where
 * the disk is full, after which the same call goes on
 */
export async function unpackImages(
  archive: string,
  to: string,
  onProgress?: (done: number, total: number) => void,
): Promise<Unpacked> {
  const part = `${to}.part`;
  try {
    const there = await readdir(to).catch((error) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    if (there.length > 0) return { images: there.filter((name) => imageName(name)).length, present: true };
    const { names, bytes } = await listImages(archive);
    makeFolder(part);
    let done = 0;
    for await (const { name, entry, read } of imagesOf(archive)) {
      const path = join(part, name);
      if (!(await isUnpacked(path, entry))) await writeFile(path, checked(await read(), entry));
      done += entry.uncompressedSize;
      onProgress?.(done, bytes);
    }
    // Left of another archive.
    for (const name of await readdir(part)) if (!names.has(name)) await rm(join(part, name), { recursive: true });
    await syncFolder(part);
    await rmdir(to).catch(() => undefined);
    await rename(part, to);
    await syncFolder(dirname(to));
    return { images: names.size, present: false };
  } catch (error) {
    throw unpackError(error, archive, to);
  }
}

/** What a file is called when it is unpacked; nothing for what is no image, and for macOS' shadows of images. */
function imageName(entry: string): string | undefined {
  if (entry.startsWith('__MACOSX/')) return undefined;
  return /(?:^|\/)([\w-][\w.-]*\.jpe?g)$/i.exec(entry)?.[1];
}

interface Image {
  readonly name: string;
  readonly entry: Entry;
  read(): Promise<Buffer>;
}

/** yauzl refuses names that lead out of the folder, and data that is longer or shorter than the entry says. */
async function* imagesOf(archive: string): AsyncGenerator<Image> {
  const zip = await openPromise(archive);
  for await (const entry of zip.eachEntry()) {
    const name = imageName(entry.fileName);
    if (name === undefined) continue;
    yield { name, entry, read: async () => buffer(await zip.openReadStreamPromise(entry)) };
  }
}

/** The names of all images and the sum of their sizes, once each of them is found fit; nothing is written before. */
async function listImages(archive: string): Promise<{ names: Set<string>; bytes: number }> {
  const names = new Set<string>();
  // Some disks do not tell A.jpg from a.jpg.
  const lower = new Set<string>();
  let bytes = 0;
  for await (const { name, entry } of imagesOf(archive)) {
    if (lower.has(name.toLowerCase())) throw new UserError(`${archive}: it has two images called ${name}.`);
    if (entry.uncompressedSize > MOST.bytesEach)
      throw new UserError(
        `${archive}: ${name} has ${entry.uncompressedSize} bytes; an image may have ${MOST.bytesEach}.`,
      );
    names.add(name);
    lower.add(name.toLowerCase());
    bytes += entry.uncompressedSize;
    if (names.size > MOST.images || bytes > MOST.bytes)
      throw new UserError(`${archive}: it has more than ${MOST.images} images, or ${MOST.bytes} bytes of them.`);
  }
  if (names.size === 0) throw new UserError(`${archive}: it has no .jpg images.`);
  return { names, bytes };
}

/** Whether an earlier call unpacked this image wholly. */
async function isUnpacked(path: string, { uncompressedSize, crc32: sum }: Entry): Promise<boolean> {
  const bytes = await readFile(path).catch(() => undefined);
  return bytes?.length === uncompressedSize && crc32(bytes) === sum;
}

function checked(bytes: Buffer, { fileName, crc32: sum }: Entry): Buffer {
  if (crc32(bytes) !== sum) throw new Error(`the checksum of ${fileName} is wrong`);
  return bytes;
}

/** An error with a system's code is about the disk; yauzl's own have none, zlib's begin with Z_. */
function unpackError(error: unknown, archive: string, to: string): unknown {
  if (error instanceof UserError) return error;
  const { code = 'Z_', message } = error as NodeJS.ErrnoException;
  if (!code.startsWith('Z_')) return fileError('write', to, error);
  return new UserError(`${archive}: it cannot be unpacked (${message}); it is damaged, delete it and fetch it again.`);
}
