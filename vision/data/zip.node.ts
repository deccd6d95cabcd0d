import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';
import type { Entry, RandomAccessReader, ZipFile } from 'yauzl';
import { UserError } from '../../engine/user_error.ts';
import { librarySays } from '../../models/formats/library_says.ts';
import { badPath, inArchive, isImagePath, MAX_FILE_BYTES, MAX_IMAGES } from './archive_paths.ts';
import { labelled } from './labelled.ts';
import { labelsOfPaths } from './path_labels.ts';
import { FileWindow } from './file_window.node.ts';
import type { ImageSource } from './source.ts';

const inflate = promisify(inflateRaw);

/** Deflate codes at most 258 bytes with two bits (RFC 1951, 3.2.5); the blocks' headers only make it less. */
const MAX_RATIO = 1032;
const STORED = 0;
const DEFLATED = 8;

/** What is kept of an entry. */
type ZipImage = Pick<
  Entry,
  'compressedSize' | 'uncompressedSize' | 'compressionMethod' | 'crc32' | 'relativeOffsetOfLocalHeader'
> & { readonly path: string };

/**
 * The images of a zip file, read in place: folders within are classes and sides. Its table of contents is read once,
 * and an image when it is asked for, against its CRC-32.
 * @throws UserError for a damaged table, unsafe paths, and images that are encrypted, too large or packed in a way that
 * is not read
 */
export async function openZip(path: string): Promise<ImageSource> {
  const file = await FileWindow.open(path);
  try {
    const { zip, images, others } = await readContents(file);
    if (images.length === 0) throw new UserError(`${path} holds no images`);
    const { labelOf, notes } = labelsOfPaths(images.map(({ path }) => path));
    const unread =
      others === 0
        ? []
        : [others === 1 ? `1 entry of ${path} is no image` : `${others} entries of ${path} are no images`];
    return {
      name: path,
      images: images.map((image) => labelled(image.path, labelOf(image.path))),
      notes: [...unread, ...notes],
      bytes: (index) => readImage(file, zip, images[index]),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readContents(file: FileWindow): Promise<{ zip: ZipFile; images: ZipImage[]; others: number }> {
  const images: ZipImage[] = [];
  const paths = new Set<string>();
  let others = 0;
  try {
    const { default: yauzl } = await import('yauzl');
    const options = { autoClose: false, validateEntrySizes: true };
    const zip = await yauzl.fromRandomAccessReaderPromise(await readerOf(file), file.size, options);
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName.endsWith('/')) continue;
      const bad = badPath(entry.fileName);
      if (bad) throw new UserError(`${file.path} ${bad}`);
      if (!isImagePath(entry.fileName)) {
        others++;
        continue;
      }
      const image = checked(entry, file.path);
      if (paths.has(image.path)) throw new UserError(`${file.path} has two entries named ${image.path}`);
      paths.add(image.path);
      images.push(image);
      if (images.length > MAX_IMAGES) throw new UserError(`${file.path} has more than ${MAX_IMAGES} images`);
    }
    return { zip, images, others };
  } catch (error) {
    throw notAZip(file.path, error);
  }
}

function checked(entry: Entry, archive: string): ZipImage {
  const { fileName: path, compressedSize, uncompressedSize, compressionMethod, relativeOffsetOfLocalHeader } = entry;
  const name = inArchive(path, archive);
  if (entry.isEncrypted()) throw new UserError(`${name} is encrypted; pack it without a password`);
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED) {
    throw new UserError(
      `${name} is packed by method ${compressionMethod}; stored and deflated entries are read: pack it anew`,
    );
  }
  if (uncompressedSize > MAX_FILE_BYTES) {
    throw new UserError(`${name} has ${uncompressedSize} bytes; an image may have ${MAX_FILE_BYTES}`);
  }
  if (uncompressedSize > MAX_RATIO * compressedSize) {
    throw new UserError(`${name} is damaged: ${compressedSize} bytes cannot unpack to ${uncompressedSize}`);
  }
  return { path, compressedSize, uncompressedSize, compressionMethod, relativeOffsetOfLocalHeader, crc32: entry.crc32 };
}

async function readImage(file: FileWindow, zip: ZipFile, image: ZipImage): Promise<Uint8Array> {
  const name = inArchive(image.path, file.path);
  const damaged = (why: string): UserError => new UserError(`${name} is damaged: ${why}; get the file anew`);
  try {
    // The offset and the size are all that yauzl reads of an entry here.
    const { fileDataStart } = await zip.readLocalFileHeaderPromise(image as unknown as Entry, { minimal: true });
    const packed = await file.read(fileDataStart, image.compressedSize);
    const size = image.uncompressedSize;
    // One chunk of the whole size, so that chunks need not be joined.
    const limits = { maxOutputLength: Math.max(1, size), chunkSize: Math.max(64, size) };
    const bytes = image.compressionMethod === STORED ? packed : new Uint8Array(await inflate(packed, limits));
    if (bytes.length !== size) throw damaged(`it unpacks to ${bytes.length} bytes and should to ${size}`);
    if (crc32(bytes) !== image.crc32) throw damaged('its checksum (CRC-32) does not match its bytes');
    return bytes;
  } catch (error) {
    throw error instanceof UserError ? error : damaged(`it cannot be unpacked${librarySays(error, 'its reader')}`);
  }
}

/** Bytes of the table of contents that are read at once. */
const AHEAD = 2 ** 18;
/** What yauzl reads of an entry where its data begin, and of nothing else. */
const LOCAL_HEADER_BYTES = 30;

/** yauzl's way to read, without two system calls for each entry of the table. */
async function readerOf(file: FileWindow): Promise<RandomAccessReader> {
  const { default: yauzl } = await import('yauzl');
  class WindowReader extends yauzl.RandomAccessReader {
    override read(to: Buffer, offset: number, length: number, position: number, done: (error: Error | null) => void) {
      file.peek(position, length, length === LOCAL_HEADER_BYTES ? 0 : AHEAD).then(
        (bytes) => {
          to.set(bytes, offset);
          done(null);
        },
        (error: Error) => done(error),
      );
    }
  }
  return new WindowReader();
}

const notAZip = (path: string, error: unknown): unknown =>
  error instanceof UserError
    ? error
    : new UserError(`${path} cannot be read as a zip file${librarySays(error, 'its reader')}; get the file anew`);
