import { PNG } from 'pngjs';
import type { RgbImage } from './rgb_image.ts';
import { upright, withoutExif } from './exif.ts';
import { checkImage, decodeJpeg, overBlack, undecodable } from './image_file.ts';

/**
 * Decodes a whole JPEG or PNG file, told apart by its first bytes, turned as its Exif orientation says. `file` is what
 * errors call it. Alpha lies over black.
 */
export function decodeImage(bytes: Uint8Array, file: string): RgbImage {
  const kind = checkImage(bytes, file);
  try {
    return kind === 'png' ? decodePng(bytes) : decodeJpeg(bytes);
  } catch (error) {
    throw undecodable(file, error);
  }
}

function decodePng(bytes: Uint8Array): RgbImage {
  const { orientation } = withoutExif(bytes);
  const { width, height, data } = PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return upright(overBlack(width, height, data), orientation);
}
