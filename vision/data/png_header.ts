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
  /** Whether it has a tRNS chunk, which gives pixels or palette entries an alpha. */
  readonly hasTransparency: boolean;
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
const [IHDR, IDAT, IEND, TRNS] = ['IHDR', 'IDAT', 'IEND', 'tRNS'].map(chunkName);

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
  let hasTransparency = false;
  for (let at = 33; ; ) {
    const end = at + 12 + (at + 8 <= bytes.length ? view.getUint32(at) : 0);
    if (end > bytes.length) throw new UserError(`${file} is cut off: a PNG without its end`);
    const name = view.getUint32(at + 4);
    if (name === IDAT) packed.push(bytes.subarray(at + 8, end - 4));
    if (name === TRNS) hasTransparency = true;
    if (name === IEND) break;
    at = end;
  }
  const interlaced = interlace === 1;
  return { width: view.getUint32(16), height: view.getUint32(20), depth, colour, interlaced, hasTransparency, packed };
}

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

/** Bytes that the packed pixels of a header unpack to: rows of whole bytes, each behind the number of its filter. */
export function unpackedBytes({ width, height, depth, colour, interlaced }: PngHeader): number {
  const bits = depth * COLOURS.get(colour)!.samples;
  const passes = interlaced ? ADAM7 : ([[0, 0, 1, 1]] as const);
  return passes.reduce((sum, [x, y, dx, dy]) => {
    const columns = Math.ceil(Math.max(0, width - x) / dx);
    const rows = Math.ceil(Math.max(0, height - y) / dy);
    return sum + (columns > 0 ? rows * (1 + Math.ceil((columns * bits) / 8)) : 0);
  }, 0);
}
