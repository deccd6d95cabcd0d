import { UserError } from '../../engine/user_error.ts';

/** FITS files are made of blocks of 36 cards of 80 characters (FITS standard 4.0, 3.1). */
export const FITS_BLOCK = 2880;
const CARD = 80;
/** Blocks of one header. Surveys write some hundred cards; a header of 7,200 is a mistake, or made to be slow. */
const MAX_BLOCKS = 200;

/** The cards that say how an array lies in the file, as far as they are read here. */
export interface FitsHeader {
  /** Values by keyword: numbers, texts and truth values. Of a keyword given twice, the first. */
  readonly values: ReadonlyMap<string, number | string | boolean>;
  /** Bytes of the header, a multiple of FITS_BLOCK. */
  readonly bytes: number;
}

/**
 * Reads one header, which begins at byte `start`.
 * @param file what errors call it
 * @throws UserError where it does not end within the file or 200 blocks, or has characters that are not ASCII
 */
export function readFitsHeader(file: Uint8Array, start: number, name: string): FitsHeader {
  const values = new Map<string, number | string | boolean>();
  for (let block = 0; block < MAX_BLOCKS; block++) {
    const from = start + block * FITS_BLOCK;
    if (from + FITS_BLOCK > file.length) throw new UserError(`${name} is cut off: a FITS header without its END`);
    for (let card = 0; card < FITS_BLOCK / CARD; card++) {
      const line = ascii(file.subarray(from + card * CARD, from + (card + 1) * CARD), name);
      const keyword = line.slice(0, 8).trimEnd();
      if (keyword === 'END') return { values, bytes: (block + 1) * FITS_BLOCK };
      if (line.slice(8, 10) !== '= ' || values.has(keyword)) continue;
      const value = cardValue(line.slice(10));
      if (value !== null) values.set(keyword, value);
    }
  }
  throw new UserError(`${name} has a FITS header of over ${MAX_BLOCKS * (FITS_BLOCK / CARD)} cards, which is not read`);
}

function ascii(bytes: Uint8Array, name: string): string {
  for (const byte of bytes) {
    if (byte < 32 || byte > 126) throw new UserError(`${name} is damaged: its FITS header has a byte that is no text`);
  }
  return String.fromCharCode(...bytes);
}

/** A card's value (4.2): text in quotes, T or F, or a number, which Fortran may write with D; null for none. */
function cardValue(text: string): number | string | boolean | null {
  const quoted = /^ *'((?:[^']|'')*)'/.exec(text);
  if (quoted) return quoted[1].replaceAll("''", "'").trimEnd();
  const bare = text.split('/')[0].trim();
  if (bare === 'T' || bare === 'F') return bare === 'T';
  return /^[+-]?(\d+\.?\d*|\.\d+)([EeDd][+-]?\d+)?$/.test(bare) ? Number(bare.replace(/[Dd]/, 'e')) : null;
}

/** An array of a header: its type, axes and scale. */
export interface FitsArray {
  /** Bits of a value: 8, 16, 32, 64 whole, -32, -64 floating. 0 where there are no data. */
  readonly bitpix: number;
  /** Axes, the fastest first: columns, rows, planes. */
  readonly axes: readonly number[];
  /** Bytes of the data, without what fills the last block. */
  readonly bytes: number;
  /** value = zero + scale · stored */
  readonly scale: number;
  readonly zero: number;
  /** The stored whole number that means that there is no value; null where none does. */
  readonly blank: number | null;
}

const TYPES = [8, 16, 32, 64, -32, -64];

/**
 * How the array of a header lies (4.4.1, 4.4.2.5).
 * @throws UserError for axes or types that cannot be, naming the keyword
 */
export function fitsArray({ values }: FitsHeader, name: string): FitsArray {
  const number = (keyword: string, otherwise?: number): number => {
    const value = values.get(keyword) ?? otherwise;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw new UserError(`${name} is damaged: ${keyword} of its FITS header is ${value ?? 'missing'}`);
  };
  const whole = (keyword: string, least: number, most: number, otherwise?: number): number => {
    const value = number(keyword, otherwise);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new UserError(`${name} is damaged: ${keyword} of its FITS header is ${value}`);
  };
  const bitpix = number('BITPIX');
  if (!TYPES.includes(bitpix)) throw new UserError(`${name} is damaged: BITPIX of its FITS header is ${bitpix}`);
  const axes = Array.from({ length: whole('NAXIS', 0, 999) }, (_, i) => whole(`NAXIS${i + 1}`, 0, 2 ** 40));
  const elements = axes.length === 0 ? 0 : axes.reduce((product, axis) => product * axis, 1);
  const extra = whole('PCOUNT', 0, 2 ** 40, 0) + elements;
  const bytes = (Math.abs(bitpix) / 8) * whole('GCOUNT', 1, 2 ** 40, 1) * extra;
  if (!Number.isSafeInteger(bytes)) throw new UserError(`${name} is damaged: the axes of its FITS header are too long`);
  return {
    bitpix: axes.length === 0 ? 0 : bitpix,
    axes,
    bytes,
    scale: number('BSCALE', 1),
    zero: number('BZERO', 0),
    blank: bitpix > 0 && values.has('BLANK') ? number('BLANK') : null,
  };
}
