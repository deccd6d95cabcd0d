import jpeg from 'jpeg-js';
import { UserError } from '../engine/user_error.ts';
import type { RgbImage } from './dataset.ts';

/** Longest side that is decoded: survey cutouts have hundreds of pixels; a header may claim 65,535. */
export const MAX_SIDE = 4096;

/**
 * What kind of image a whole file is by its first bytes. Throws a UserError for a file that is none, is cut off, or
 * claims too many pixels: all that can be told without decoding.
 * @param file what errors call it
 */
export function checkImage(bytes: Uint8Array, file: string): 'png' | 'jpeg' {
  if (bytes.length === 0) throw new UserError(`${file} is empty`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isPng = bytes.length >= 8 && view.getUint32(0) === 0x89504e47 && view.getUint32(4) === 0x0d0a1a0a;
  const isJpeg = bytes.length >= 3 && view.getUint16(0) === 0xffd8 && bytes[2] === 0xff;
  if (!isPng && !isJpeg) throw new UserError(`${file} is neither a JPEG nor a PNG image`);

  const size = isPng ? pngSize(view) : jpegSize(view);
  if (!size) throw new UserError(`${file} is cut off before its image begins`);
  const [width, height] = size;
  if (width < 1 || height < 1) throw new UserError(`${file} has no pixels: ${width} x ${height}`);
  if (Math.max(width, height) > MAX_SIDE) {
    throw new UserError(`${file} is ${width} x ${height} pixels; the longest side may have ${MAX_SIDE}`);
  }
  if (isJpeg && !hasEnd(bytes)) throw new UserError(`${file} is cut off: a JPEG without its end marker`);
  return isPng ? 'png' : 'jpeg';
}

/** What to throw where a decoder gave up. */
export const undecodable = (file: string, error: unknown): UserError =>
  new UserError(`${file} cannot be decoded: ${error instanceof Error ? error.message : String(error)}`);

export function decodeJpeg(bytes: Uint8Array): RgbImage {
  const { width, height, data } = jpeg.decode(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    tolerantDecoding: false,
    maxResolutionInMP: (MAX_SIDE * MAX_SIDE) / 1e6,
    maxMemoryUsageInMB: 1024,
  });
  return { width, height, data };
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

/** Width and height from the frame header: the first SOFn segment (ITU T.81, B.2.2). */
function jpegSize(view: DataView): [number, number] | null {
  let at = 2;
  while (at + 9 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return [view.getUint16(at + 7), view.getUint16(at + 5)];
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
  return null;
}

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
