import { UserError } from '../../engine/user_error.ts';

/** The formats that are read. */
export type ImageKind = 'jpeg' | 'png' | 'webp' | 'tiff' | 'fits';

/** A signature: bytes as text, each character one byte, from `at` on. `.` stands for any byte. */
type Signature = readonly [signature: string, at?: number];

const READ: readonly (readonly [kind: ImageKind, ...signatures: Signature[]])[] = [
  ['jpeg', ['\xff\xd8\xff']],
  ['png', ['\x89PNG\r\n\x1a\n']],
  ['webp', ['RIFF....WEBP']],
  ['tiff', ['II*\0'], ['MM\0*']],
  ['fits', ['SIMPLE  =']],
];

/** What people have and what is not read, with the name that a sentence gives it. */
const NOT_READ: readonly (readonly [name: string, ...signatures: Signature[]])[] = [
  ['a GIF', ['GIF87a'], ['GIF89a']],
  ['a BMP', ['BM....\0\0\0\0']],
  ['an AVIF', ['ftypavif', 4], ['ftypavis', 4]],
  ['a HEIC', ...['heic', 'heix', 'hevc', 'heim', 'heis', 'mif1', 'msf1'].map((b): Signature => [`ftyp${b}`, 4])],
  ['a JPEG XL', ['\xff\x0a'], ['\0\0\0\x0cJXL \r\n\x87\n']],
  ['a JPEG 2000', ['\0\0\0\x0cjP  \r\n\x87\n'], ['\xff\x4f\xff\x51']],
  ['a BigTIFF', ['II+\0'], ['MM\0+']],
  ['an SVG', ['<svg'], ['<?xml']],
  ['a PDF', ['%PDF-']],
];

/** Endings of the names of image files, lower case. What a file is, its first bytes say; endings only find files. */
export const IMAGE_ENDINGS: readonly string[] = 'jpg jpeg jpe png webp tif tiff fits fit fts'.split(' ');

const fits = (bytes: Uint8Array, [signature, at = 0]: Signature): boolean =>
  bytes.length >= at + signature.length &&
  [...signature].every((letter, i) => letter === '.' || bytes[at + i] === letter.charCodeAt(0));

/**
 * What kind of image a file is by its first bytes, whatever it is called.
 * @param file what errors call it
 * @throws UserError where it is none of these, naming the format where it is a known one
 */
export function imageKind(bytes: Uint8Array, file: string): ImageKind {
  if (bytes.length === 0) throw new UserError(`${file} is empty`);
  const found = READ.find(([, ...signatures]) => signatures.some((signature) => fits(bytes, signature)));
  if (found) return found[0];
  const other = NOT_READ.find(([, ...signatures]) => signatures.some((signature) => fits(bytes, signature)));
  if (other) throw new UserError(`${file} is ${other[0]} image; JPEG, PNG, WebP, TIFF and FITS are read: convert it`);
  throw new UserError(`${file} is no image that is read: it is none of JPEG, PNG, WebP, TIFF and FITS`);
}
