import { UserError } from '../../engine/user_error.ts';
import { upright, withoutExif } from './exif.ts';
import { checkImage, decodeJpeg, overBlack, undecodable } from './image_file.ts';
import type { RgbImage } from './rgb_image.ts';

/** Bytes that an image file may have: one of the largest side that is decoded has fewer. */
const MAX_BYTES = 2 ** 27;

/**
 * Reads and decodes a JPEG or PNG file in a browser to the bytes that Node decodes it to: JPEG by the same decoder,
 * since decoders differ in their last bits, and PNG, which leaves no choice, by the browser's. Both are turned as their
 * Exif orientation says by the same function. Rejects with a UserError that names the file.
 */
export async function decodeFile(file: File): Promise<RgbImage> {
  if (file.size > MAX_BYTES)
    throw new UserError(
      `${file.name} has ${Math.round(file.size / 2 ** 20)} MiB; an image may have ${MAX_BYTES / 2 ** 20}`,
    );
  return decodeInBrowser(await readFile(file), file.name);
}

/** The same of the bytes of such a file. @param name what errors call it */
export async function decodeInBrowser(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<RgbImage> {
  const kind = checkImage(bytes, name);
  try {
    return kind === 'png' ? await decodePng(bytes) : decodeJpeg(bytes);
  } catch (error) {
    throw undecodable(name, error);
  }
}

/**
 * The bytes of a file that was chosen. Rejects with a UserError where it was moved, changed or is larger than memory.
 */
export async function readFile(file: File): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    throw new UserError(
      `${file.name} cannot be read (${error instanceof Error ? error.message : String(error)}); choose it again`,
    );
  }
}

async function decodePng(file: Uint8Array<ArrayBuffer>): Promise<RgbImage> {
  const { bytes, orientation } = withoutExif(file);
  // As the numbers in the file are: not converted to the screen's colours, not yet multiplied by alpha.
  const bitmap = await createImageBitmap(new Blob([bytes], { type: 'image/png' }), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  });
  try {
    const { width, height } = bitmap;
    // An opaque canvas is black: what is drawn on it lies over black.
    const context = new OffscreenCanvas(width, height).getContext('2d', { alpha: false, willReadFrequently: true })!;
    context.drawImage(bitmap, 0, 0);
    return upright(overBlack(width, height, context.getImageData(0, 0, width, height).data), orientation);
  } finally {
    bitmap.close();
  }
}
