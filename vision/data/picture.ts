import { show } from '../../engine/check.ts';
import { UserError } from '../../engine/user_error.ts';
import type { FileReader, NamedBytes } from './file_reader.ts';
import { overBlack } from './image_file.ts';
import type { RgbImage } from './rgb_image.ts';
import type { Stretch } from './stretch.ts';

/** An encoded file: its path (in Node) or URL, or its bytes. */
export type FileSource = string | URL | Blob | ArrayBuffer | Uint8Array;

/** Pixels as `ImageData` holds them: rows of R, G, B, A bytes. Rows of R, G, B bytes (RgbImage) are taken as well. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** An image: a file that is decoded, pixels, or in a page anything that a canvas can draw. */
export type Picture = FileSource | Pixels | CanvasImageSource;

const isFile = (value: unknown): value is FileSource =>
  typeof value === 'string' ||
  value instanceof URL ||
  value instanceof Blob ||
  value instanceof ArrayBuffer ||
  value instanceof Uint8Array;

/** The bytes of a file, wherever they are. @param otherwise what errors call bytes that have no name */
export async function bytesOfFile(file: FileSource, otherwise: string, reader: FileReader): Promise<NamedBytes> {
  if (typeof file === 'string' || file instanceof URL) return reader.fetch(String(file));
  if (file instanceof Blob) return { bytes: new Uint8Array(await file.arrayBuffer()), name: nameOf(file, otherwise) };
  if (file instanceof ArrayBuffer) return { bytes: new Uint8Array(file), name: otherwise };
  if (file instanceof Uint8Array) return { bytes: file as Uint8Array<ArrayBuffer>, name: otherwise };
  throw new UserError(`${otherwise} must be bytes, a Blob, a path or a URL, not ${show(file)}`);
}

/** What a file or a path is called; `otherwise` what has no name. */
export function nameOf(value: unknown, otherwise: string): string {
  if (typeof value === 'string' || value instanceof URL) return String(value);
  const { name } = (value ?? {}) as { name?: unknown };
  return typeof name === 'string' && name !== '' ? name : otherwise;
}

/**
 * The pixels of a picture, alpha over black.
 * @param otherwise what errors call it where it has no name
 * @throws UserError where it is none, or cannot be decoded
 */
export async function rgbOf(
  picture: Picture,
  otherwise: string,
  reader: FileReader,
  stretch?: Stretch,
): Promise<RgbImage> {
  if (isFile(picture)) {
    const { bytes, name } = await bytesOfFile(picture, otherwise, reader);
    return reader.decode(bytes, name, stretch);
  }
  const drawn = reader.draw?.(picture);
  if (drawn) return drawn;
  const { width, height, data } = (picture ?? {}) as Partial<Pixels>;
  const pixels = Number(width) * Number(height);
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray) || !(pixels >= 1))
    throw new UserError(
      `${otherwise} must be a file's bytes, a Blob, a path, a URL, or { width, height, data } with bytes, not ${show(picture)}`,
    );
  if (data.length === 4 * pixels) return overBlack(width!, height!, data);
  if (data.length !== 3 * pixels)
    throw new UserError(
      `${otherwise} has ${data.length} bytes, and ${width} x ${height} pixels are ${3 * pixels} (R, G, B) or ${4 * pixels} (R, G, B, A)`,
    );
  return { width: width!, height: height!, data: new Uint8Array(data.buffer, data.byteOffset, data.length) };
}
