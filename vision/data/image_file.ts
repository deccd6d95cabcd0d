import jpeg from 'jpeg-js';
import { UserError } from '../../engine/user_error.ts';
import { librarySays } from '../../models/formats/library_says.ts';
import type { RgbImage } from './rgb_image.ts';
import { exifOrientation, upright } from './exif.ts';
import { isRgb, readJpegHeader, unreadable } from './jpeg_header.ts';

/** Longest side that is decoded: survey cutouts have hundreds of pixels; a header may claim 65,535. */
export const MAX_SIDE = 4096;

/**
 * What kind of image a whole file is by its first bytes. Throws a UserError for a file that is none, is cut off, or
 * claims too many pixels, and for a JPEG of a kind that is not read: all that can be told without decoding.
 * @param file what errors call it
 */
export function checkImage(bytes: Uint8Array, file: string): 'png' | 'jpeg' {
  if (bytes.length === 0) throw new UserError(`${file} is empty`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isPng = bytes.length >= 8 && view.getUint32(0) === 0x89504e47 && view.getUint32(4) === 0x0d0a1a0a;
  const isJpeg = bytes.length >= 3 && view.getUint16(0) === 0xffd8 && bytes[2] === 0xff;
  if (!isPng && !isJpeg) throw new UserError(`${file} is neither a JPEG nor a PNG image`);

  const header = isJpeg ? readJpegHeader(bytes) : null;
  const size = header ? [header.width, header.height] : isPng ? pngSize(view) : null;
  if (!size) throw new UserError(`${file} is cut off before its image begins`);
  const [width, height] = size;
  if (width < 1 || height < 1) throw new UserError(`${file} has no pixels: ${width} x ${height}`);
  if (Math.max(width, height) > MAX_SIDE) {
    throw new UserError(`${file} is ${width} x ${height} pixels; the longest side may have ${MAX_SIDE}`);
  }
  const why = header && unreadable(header);
  if (why) throw new UserError(`${file} ${why}; save it as such, or as PNG`);
  if (isJpeg && !hasEnd(bytes)) throw new UserError(`${file} is cut off: a JPEG without its end marker`);
  return isPng ? 'png' : 'jpeg';
}

/** What to throw where a decoder gave up. */
export function undecodable(file: string, error: unknown): UserError {
  const said = error instanceof Error ? error.message : String(error);
  const why = /memory/i.test(said)
    ? 'it needs more memory than a GiB; save it with fewer pixels'
    : `its data is damaged${librarySays(error, 'the decoder')}; get the file anew, or leave it out`;
  return new UserError(`${file} cannot be decoded: ${why}`);
}

/**
 * Decodes a JPEG that `checkImage` lets pass, turned as its Exif orientation says. What its components are is decided
 * as libjpeg does; four are cyan, magenta, yellow and black, inverted as Adobe writes them (TN 5116) and every reader
 * expects, with R = C·K/255.
 */
export function decodeJpeg(bytes: Uint8Array): RgbImage {
  const header = readJpegHeader(bytes)!;
  const { width, height, data } = jpeg.decode(header.components.length === 4 ? asAdobe(bytes) : bytes, {
    useTArray: true,
    formatAsRGBA: false,
    // Left open, the decoder goes by Adobe's marker, which says it of four components.
    ...(header.components.length === 3 && { colorTransform: !isRgb(header) }),
    tolerantDecoding: false,
    maxResolutionInMP: (MAX_SIDE * MAX_SIDE) / 1e6,
    maxMemoryUsageInMB: 1024,
  });
  return upright({ width, height, data }, header.exif ? exifOrientation(header.exif) : 1);
}

/** An Adobe marker with transform 0, CMYK: version 100, two flags of 16 bits. */
const ADOBE = [0xff, 0xee, 0, 14, ...[...'Adobe'].map((c) => c.charCodeAt(0)), 0, 100, 0, 0, 0, 0, 0];

/** jpeg-js refuses four components without Adobe's marker. One that follows counts instead. */
function asAdobe(bytes: Uint8Array): Uint8Array {
  const marked = new Uint8Array(bytes.length + ADOBE.length);
  marked.set(bytes.subarray(0, 2));
  marked.set(ADOBE, 2);
  marked.set(bytes.subarray(2), 2 + ADOBE.length);
  return marked;
}

/** R, G, B, A bytes over black, rounded. */
export function overBlack(width: number, height: number, rgba: Uint8Array | Uint8ClampedArray): RgbImage {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0, o = 0; o < data.length; i += 4, o += 3) {
    const alpha = rgba[i + 3] / 255;
    data[o] = rgba[i] * alpha + 0.5;
    data[o + 1] = rgba[i + 1] * alpha + 0.5;
    data[o + 2] = rgba[i + 2] * alpha + 0.5;
  }
  return { width, height, data };
}

/** Width and height from IHDR, which a PNG begins with. */
const pngSize = (view: DataView): [number, number] | null =>
  view.byteLength >= 24 ? [view.getUint32(16), view.getUint32(20)] : null;

/**
 * Whether the end marker FFD9 follows the last scan (FFDA). Entropy-coded bytes never contain either, and looking
 * behind the last scan only keeps a thumbnail's own end marker from vouching for the image.
 */
function hasEnd(bytes: Uint8Array): boolean {
  for (let i = bytes.length - 2; i >= 0; i--) {
    if (bytes[i] !== 0xff) continue;
    if (bytes[i + 1] === 0xd9) return true;
    if (bytes[i + 1] === 0xda) return false;
  }
  return false;
}
