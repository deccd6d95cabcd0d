/** What a JPEG file says of itself before its first scan. */
export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly precision: number;
  /** The marker of the frame, SOF0 to SOF15 without its first byte: how it is coded. */
  readonly process: number;
  /** The ids of the components, in their order. */
  readonly components: readonly number[];
  readonly jfif: boolean;
  /** `transform` of Adobe's APP14 marker; null without one. */
  readonly adobe: number | null;
  /** The first Exif data, without its name; null without. */
  readonly exif: Uint8Array | null;
}

const APP0 = 0xe0;
const APP1 = 0xe1;
const APP14 = 0xee;
const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;

const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** RSTn and TEM stand alone. */
const hasNoLength = (marker: number): boolean => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7);

const begins = (bytes: Uint8Array, name: string): boolean =>
  [...name].every((letter, i) => bytes[i] === letter.charCodeAt(0));

/** Reads the segments up to the first scan (ITU T.81, B.2); null where the file ends before its frame header. */
export function readJpegHeader(bytes: Uint8Array): JpegHeader | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let frame: Pick<JpegHeader, 'width' | 'height' | 'precision' | 'process' | 'components'> | null = null;
  let jfif = false;
  let adobe: number | null = null;
  let exif: Uint8Array | null = null;
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const marker = bytes[at + 1];
    if (marker === START_OF_SCAN || marker === END_OF_IMAGE) break;
    if (marker === 0xff || hasNoLength(marker)) {
      at += marker === 0xff ? 1 : 2;
      continue;
    }
    const end = at + 2 + view.getUint16(at + 2);
    const body = bytes.subarray(at + 4, end);
    if (isFrame(marker) && body.length >= 6) {
      frame = {
        precision: body[0],
        height: view.getUint16(at + 5),
        width: view.getUint16(at + 7),
        process: marker,
        components: Array.from({ length: body[5] }, (_, i) => body[6 + 3 * i]),
      };
    }
    if (marker === APP0 && begins(body, 'JFIF\0')) jfif = true;
    if (marker === APP14 && body.length >= 12 && begins(body, 'Adobe')) adobe = body[11];
    if (marker === APP1 && begins(body, 'Exif\0\0')) exif ??= body.subarray(6);
    at = end;
  }
  return frame && { ...frame, jfif, adobe, exif };
}

/**
 * Whether three components are R, G, B and not Y, Cb, Cr, decided as libjpeg does (jdapimin.c,
 * default_decompress_parms): a JFIF marker means Y, Cb, Cr; else Adobe's marker says it (Adobe TN 5116; ITU T.872,
 * 6.5.3); else the ids R, G, B do.
 */
export function isRgb({ components, jfif, adobe }: JpegHeader): boolean {
  if (components.length !== 3 || jfif) return false;
  return adobe === null ? String.fromCharCode(...components) === 'RGB' : adobe === 0;
}

const CODED: readonly (readonly [markers: readonly number[], name: string])[] = [
  [[0xc3, 0xc7, 0xcb, 0xcf], 'a lossless'],
  [[0xc9, 0xca, 0xcd, 0xce], 'an arithmetic-coded'],
  [[0xc5, 0xc6], 'a hierarchical'],
];

/** Why a JPEG cannot be read though nothing is wrong with it, as the end of a sentence; null where it can. */
export function unreadable({ precision, process, components }: JpegHeader): string | null {
  const coded = CODED.find(([markers]) => markers.includes(process))?.[1];
  if (coded !== undefined) return `is ${coded} JPEG, and baseline and progressive ones are read`;
  if (precision !== 8) return `has ${precision} bits a colour, and JPEGs of 8 bits are read`;
  if (![1, 3, 4].includes(components.length))
    return `has ${components.length} colour components, and JPEGs of 1, 3 or 4 are read`;
  return null;
}
