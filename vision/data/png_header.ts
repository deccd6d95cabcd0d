import { UserError } from '../../engine/user_error.ts';

/** What a PNG file says of itself, and where its packed pixels lie. */
export interface PngHeader {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample or of an index: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  /** 0 grey, 2 colour, 3 palette, 4 grey with alpha, 6 colour with alpha. */
  readonly colour: number;
  readonly interlaced: boolean;
  /** R, G, B of each entry: the contents of PLTE; null without. */
  readonly palette: Uint8Array | null;
  /** Alpha of the palette's entries, or the one colour that is transparent: the contents of tRNS; null without. */
  readonly transparency: Uint8Array | null;
  /** The contents of the IDAT chunks. */
  readonly packed: readonly Uint8Array[];
}

/** Bit depths of each colour type, and samples of a pixel (PNG 3rd edition, table 9). */
const COLOURS: ReadonlyMap<number, { depths: readonly number[]; samples: number }> = new Map([
  [0, { depths: [1, 2, 4, 8, 16], samples: 1 }],
  [2, { depths: [8, 16], samples: 3 }],
  [3, { depths: [1, 2, 4, 8], samples: 1 }],
  [4, { depths: [8, 16], samples: 2 }],
  [6, { depths: [8, 16], samples: 4 }],
]);

const chunkName = (name: string): number => new DataView(new TextEncoder().encode(name).buffer).getUint32(0);
const [IHDR, IDAT, IEND, PLTE, TRNS] = ['IHDR', 'IDAT', 'IEND', 'PLTE', 'tRNS'].map(chunkName);

/**
 * Reads the header and finds the chunks, without unpacking. Checksums are left to the decoder.
 * @param file what errors call it
 * @throws UserError for a file that is cut off, or whose header allows no image
 */
export function readPngHeader(bytes: Uint8Array, file: string): PngHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 33) throw new UserError(`${file} is cut off before its image begins`);
  if (view.getUint32(8) !== 13 || view.getUint32(12) !== IHDR) {
    throw new UserError(`${file} is damaged: a PNG that does not begin with its header`);
  }
  const [depth, colour, compression, filter, interlace] = bytes.subarray(24, 29);
  if (!COLOURS.get(colour)?.depths.includes(depth) || compression !== 0 || filter !== 0 || interlace > 1) {
    throw new UserError(`${file} is damaged: no PNG has colour type ${colour} with ${depth} bits, or is packed so`);
  }
  const packed: Uint8Array[] = [];
  let palette: Uint8Array | null = null;
  let transparency: Uint8Array | null = null;
  for (let at = 33; ; ) {
    const end = at + 12 + (at + 8 <= bytes.length ? view.getUint32(at) : 0);
    if (end > bytes.length) throw new UserError(`${file} is cut off: a PNG without its end`);
    const name = view.getUint32(at + 4);
    if (name === IDAT) packed.push(bytes.subarray(at + 8, end - 4));
    if (name === PLTE) palette = bytes.subarray(at + 8, end - 4);
    if (name === TRNS) transparency = bytes.subarray(at + 8, end - 4);
    if (name === IEND) break;
    at = end;
  }
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  return { width, height, depth, colour, interlaced: interlace === 1, palette, transparency, packed };
}

/** Samples of a pixel as stored: one of grey and of palettes, with alpha one more. */
export const samplesOf = ({ colour }: PngHeader): number => COLOURS.get(colour)!.samples;

/** First column and row, and steps, of Adam7's passes (PNG, 8.2). */
const ADAM7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** The rows of each pass that has pixels: where they begin, their steps, and their bytes without the filter's. */
export function passesOf(header: PngHeader) {
  const { width, height, depth, interlaced } = header;
  const passes = interlaced ? ADAM7 : ([[0, 0, 1, 1]] as const);
  return passes
    .map(([left, top, dx, dy]) => {
      const columns = Math.ceil(Math.max(0, width - left) / dx);
      const rows = Math.ceil(Math.max(0, height - top) / dy);
      return { left, top, dx, dy, columns, rows, bytes: Math.ceil((columns * depth * samplesOf(header)) / 8) };
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
}

/** Bytes that the packed pixels of a header unpack to: rows of whole bytes, each behind the number of its filter. */
export const unpackedBytes = (header: PngHeader): number =>
  passesOf(header).reduce((sum, { rows, bytes }) => sum + rows * (1 + bytes), 0);
