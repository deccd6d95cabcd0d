import { inflateSync } from 'node:zlib';
import { UserError } from '../../engine/user_error.ts';
import { readPngHeader, unpackedBytes, type PngHeader } from './png_header.ts';
import { checkSize, type Raster } from './raster.ts';

/** Bytes behind the last row that are let pass: some writers leave a few. */
const SPARE = 2 ** 20;

/**
 * Decodes a PNG file of any kind, against its checksums: 8 bits a sample as bytes, fewer bits and palettes too; 16 bits
 * as floats 0 to 65535.
 * @param file what errors call it
 * @throws UserError for a file that is damaged, cut off, too large, or unpacks to more than its header says
 */
export async function decodePng(bytes: Uint8Array, file: string): Promise<Raster> {
  const header = readPngHeader(bytes, file);
  const { width, height, depth } = header;
  const channels = channelsOf(header);
  checkSize(file, { width, height, channels, bytes: depth === 16 ? 4 : 1 });
  requireUnpacks(header, file);
  const { PNG } = await import('pngjs');
  try {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // The decoder gives R, G, B, A always; of 16 bits it keeps all where it does not rescale.
    const { data: rgba } = PNG.sync.read(buffer, { skipRescale: depth === 16 });
    const data = new (depth === 16 ? Float32Array : Uint8Array)(width * height * channels);
    const hasAlpha = channels === 2 || channels === 4;
    const colours = channels - (hasAlpha ? 1 : 0);
    for (let from = 0, to = 0; to < data.length; from += 4) {
      for (let c = 0; c < colours; c++) data[to++] = rgba[from + c];
      if (hasAlpha) data[to++] = rgba[from + 3];
    }
    return { width, height, channels, data, white: depth === 16 ? 65535 : 255, hasAlpha };
  } catch (error) {
    throw damaged(file, error);
  }
}

const channelsOf = ({ colour, hasTransparency }: PngHeader): number =>
  (colour === 0 || colour === 4 ? 1 : 3) + (colour >= 4 || hasTransparency ? 1 : 0);

/** The decoder would take all that interlaced rows unpack to, and of others ignore what is too much. */
function requireUnpacks(header: PngHeader, file: string): void {
  const wanted = unpackedBytes(header);
  let length: number;
  try {
    length = inflateSync(Buffer.concat(header.packed), { maxOutputLength: wanted + SPARE }).length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new UserError(`${file} is damaged: its data unpack to more than the ${wanted} bytes of its pixels`);
    }
    throw damaged(file, error);
  }
  if (length < wanted) {
    throw new UserError(`${file} is damaged: its data unpack to ${length} bytes, and its pixels are ${wanted}`);
  }
}

const damaged = (file: string, error: unknown): UserError =>
  new UserError(
    `${file} is damaged (the decoder says: ${(error as Error).message}); get the file anew, or leave it out`,
  );
