import type { RgbImage } from './rgb_image.ts';

const ORIENTATION = 0x0112;
const SHORT = 3;
const LONG = 4;

/**
 * The orientation tag of Exif data, a TIFF file of its own in either byte order (CIPA DC-008, 4.6): 1 to 8, and 1 where
 * there is none or the data is broken. Only the first directory has it, as a single SHORT, or LONG.
 */
export function exifOrientation(tiff: Uint8Array): number {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (view.byteLength < 8) return 1;
  const little = view.getUint16(0) === 0x4949; // II; MM otherwise
  if (!little && view.getUint16(0) !== 0x4d4d) return 1;
  if (view.getUint16(2, little) !== 42) return 1;
  const directory = view.getUint32(4, little);
  if (directory + 2 > view.byteLength) return 1;
  const entries = view.getUint16(directory, little);
  for (let n = 0, at = directory + 2; n < entries && at + 12 <= view.byteLength; n++, at += 12) {
    if (view.getUint16(at, little) !== ORIENTATION) continue;
    const type = view.getUint16(at + 2, little);
    if ((type !== SHORT && type !== LONG) || view.getUint32(at + 4, little) !== 1) return 1;
    const value = type === SHORT ? view.getUint16(at + 8, little) : view.getUint32(at + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/**
 * The image as it is meant to be seen, with the first row on top: what Pillow's `ImageOps.exif_transpose` makes of it.
 * From 5 on rows become columns.
 */
export function upright(image: RgbImage, orientation: number): RgbImage {
  if (orientation === 1) return image;
  const { width: w, height: h, data } = image;
  const swapped = orientation >= 5;
  const mirrored = [2, 3, 7, 8].includes(orientation);
  const upsideDown = [3, 4, 6, 7].includes(orientation);
  const [width, height] = swapped ? [h, w] : [w, h];
  const turned = new Uint8Array(data.length);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const [column, row] = swapped ? [y, x] : [x, y];
      const from = ((upsideDown ? h - 1 - row : row) * w + (mirrored ? w - 1 - column : column)) * 3;
      turned[to] = data[from];
      turned[to + 1] = data[from + 1];
      turned[to + 2] = data[from + 2];
    }
  }
  return { width, height, data: turned };
}

/**
 * Takes the Exif data out of a PNG file (chunk eXIf, PNG 3rd edition, 11.3.4.5): browsers follow it and pngjs does not,
 * so that both are given the file without, and what comes of it is turned by `upright`.
 */
export function withoutExif<B extends ArrayBufferLike>(
  png: Uint8Array<B>,
): { bytes: Uint8Array<B | ArrayBuffer>; orientation: number } {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  for (let at = 8; at + 12 <= png.length; ) {
    const end = at + 12 + view.getUint32(at);
    if (view.getUint32(at + 4) === 0x65584966 && end <= png.length) {
      const bytes = new Uint8Array(png.length - (end - at));
      bytes.set(png.subarray(0, at));
      bytes.set(png.subarray(end), at);
      return { bytes, orientation: exifOrientation(png.subarray(at + 8, end - 4)) };
    }
    at = end;
  }
  return { bytes: png, orientation: 1 };
}
