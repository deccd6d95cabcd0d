import { crc32, inflateSync } from 'node:zlib';
import { UserError } from '../../engine/user_error.ts';
import { readPngHeader, unpackedBytes, type PngHeader } from './png_header.ts';
import { readRows } from './png_rows.ts';
import { checkSize, type Raster } from './raster.ts';

/** Bytes behind the last row that are let pass: some writers leave a few. */
const SPARE = 2 ** 20;
const GREY = 0;
const COLOUR = 2;
const PALETTE = 3;

/**
 * Decodes a PNG file of any kind, against its checksums: 8 bits a sample as bytes, fewer bits and palettes too; 16 bits
 * as floats 0 to 65535. pngjs takes half a minute for a large image of 16 bits, and gigabytes where an interlaced one
 * says too little.
 * @param file what errors call it
 * @throws UserError for a file that is damaged, cut off, too large, or unpacks to more than its header says
 */
export async function decodePng(bytes: Uint8Array, file: string): Promise<Raster> {
  const header = readPngHeader(bytes, file);
  const { width, height, depth, colour } = header;
  const isGrey = colour === GREY || colour === 4;
  const hasAlpha = colour >= 4 || header.transparency !== null;
  const channels = (isGrey ? 1 : 3) + (hasAlpha ? 1 : 0);
  checkSize(file, { width, height, channels, bytes: depth === 16 ? 4 : 1 });
  checkSums(bytes, file);
  const samples = readRows(unpacked(header, file), header);
  if (!samples) throw damaged(file, 'a row has a filter that there is not');
  const white = depth === 16 ? 65535 : 255;
  const data = new (depth === 16 ? Float32Array : Uint8Array)(width * height * channels);
  if (colour === PALETTE) fromPalette(samples, header, channels, data, file);
  else fromSamples(samples, header, channels, data, white);
  return { width, height, channels, data, white, hasAlpha };
}

function fromPalette(
  samples: ArrayLike<number>,
  { palette, transparency }: PngHeader,
  channels: number,
  data: Uint8Array | Float32Array,
  file: string,
): void {
  if (!palette) throw damaged(file, 'it has no palette');
  const entries = Math.floor(palette.length / 3);
  for (let i = 0, to = 0; i < samples.length; i++) {
    const index = samples[i];
    if (index >= entries) throw damaged(file, `index ${index} is not in palette of ${entries} colours`);
    for (let c = 0; c < 3; c++) data[to++] = palette[3 * index + c];
    if (channels === 4) data[to++] = transparency?.[index] ?? 255;
  }
}

function fromSamples(
  samples: ArrayLike<number>,
  { depth, colour, transparency }: PngHeader,
  channels: number,
  data: Uint8Array | Float32Array,
  white: number,
): void {
  const scale = white / (2 ** depth - 1); // whole: 255, 85, 17, 1
  if (!transparency || colour > COLOUR) {
    for (let i = 0; i < data.length; i++) data[i] = samples[i] * scale;
    return;
  }
  const colours = channels - 1;
  const clear = Array.from({ length: colours }, (_, c) => (transparency[2 * c] << 8) | transparency[2 * c + 1]);
  for (let from = 0, to = 0; to < data.length; from += colours) {
    for (let c = 0; c < colours; c++) data[to++] = samples[from + c] * scale;
    data[to++] = clear.every((value, c) => value === samples[from + c]) ? 0 : white;
  }
}

/** Each chunk is followed by the CRC-32 of its name and data (PNG, 5.3). `readPngHeader` has followed them. */
function checkSums(bytes: Uint8Array, file: string): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8, isLast = false; !isLast; ) {
    const end = at + 12 + view.getUint32(at);
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) {
      throw damaged(file, 'a checksum (CRC-32) does not match its bytes');
    }
    isLast = view.getUint32(at + 4) === 0x49454e44; // IEND
    at = end;
  }
}

function unpacked(header: PngHeader, file: string): Uint8Array {
  const wanted = unpackedBytes(header);
  let bytes: Uint8Array;
  try {
    bytes = inflateSync(Buffer.concat(header.packed), { maxOutputLength: wanted + SPARE, chunkSize: 2 ** 20 });
  } catch (error) {
    const isTooMuch = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    const tooMuch = `its data unpack to more than the ${wanted} bytes of its pixels`;
    throw damaged(file, isTooMuch ? tooMuch : (error as Error).message);
  }
  if (bytes.length < wanted) {
    throw damaged(file, `its data unpack to ${bytes.length} bytes, and its pixels are ${wanted}`);
  }
  return bytes;
}

const damaged = (file: string, why: string): UserError =>
  new UserError(`${file} is damaged: ${why}; get the file anew, or leave it out`);
