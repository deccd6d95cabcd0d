import { UserError } from '../../engine/user_error.ts';
import type { Raster } from './raster.ts';
import { TiffDirectory } from './tiff_directory.ts';
import { readLayout, segmentBytes, type TiffLayout } from './tiff_layout.ts';
import { unpack } from './tiff_unpack.ts';

const WHITE_IS_ZERO = 0;
const BLACK_IS_ZERO = 1;
const RGB = 2;
const PALETTE = 3;
const OTHER_COLOURS: ReadonlyMap<number, string> = new Map([
  [4, 'a mask'],
  [5, 'CMYK'],
  [6, 'YCbCr'],
  [8, 'CIE Lab'],
]);

const TAG = { photometric: 262, colourMap: 320, extra: 338 } as const;
const ASSOCIATED = 1;
const UNASSOCIATED = 2;

/**
 * Decodes the first image of a TIFF file (TIFF 6.0): strips or tiles of 8, 16 or 32 bits or floats, chunky or planar,
 * plain or packed by LZW, Deflate or PackBits. 8 bits are bytes, all else floats; floats and signed numbers have no
 * range (`white`). Planes of a grey image without names are its channels.
 * @param file what errors call it
 * @throws UserError for what is damaged, cut off, too large or not read
 */
export async function decodeTiff(bytes: Uint8Array, file: string): Promise<Raster> {
  const directory = new TiffDirectory(bytes, file);
  const layout = readLayout(directory);
  const colours = coloursOf(directory, layout);
  const { width, height, samples, bits, format } = layout;
  const whole = bits === 8 && format === 'unsigned';
  const all = new (whole ? Uint8Array : Float32Array)(width * height * samples);
  for (let segment = 0; segment < layout.offsets.length; segment++) {
    place(await readSegment(bytes, layout, segment, file), layout, segment, all);
  }
  const white = format === 'unsigned' ? 2 ** bits - 1 : null;
  if (colours.map) return paletted(all, layout, colours.map, directory);
  const { channels, hasAlpha } = colours;
  if (colours.inverted) {
    for (let i = 0; i < all.length; i++) if (!(hasAlpha && i % samples === 1)) all[i] = (white ?? 0) - all[i];
  }
  const data = channels === samples ? all : firstChannels(all, samples, channels);
  return { width, height, channels, data, white, hasAlpha };
}

interface Colours {
  readonly channels: number;
  readonly hasAlpha: boolean;
  readonly inverted: boolean;
  /** Of a palette: all reds, all greens, all blues, 0 to 65535. */
  readonly map: readonly number[] | null;
}

function coloursOf(directory: TiffDirectory, { samples, bits, format }: TiffLayout): Colours {
  const { file } = directory;
  const photometric = directory.value(TAG.photometric, BLACK_IS_ZERO);
  const [extra] = directory.values(TAG.extra);
  const inverted = photometric === WHITE_IS_ZERO;
  if (photometric === PALETTE) {
    if (samples !== 1 || bits !== 8 || format !== 'unsigned') {
      throw new UserError(`${file} has a palette of ${bits} bits, and palettes of 8 are read`);
    }
    return { channels: 1, hasAlpha: false, inverted, map: directory.values(TAG.colourMap) };
  }
  if (photometric !== RGB && photometric > BLACK_IS_ZERO) {
    const what = OTHER_COLOURS.get(photometric) ?? `colours of kind ${photometric}`;
    throw new UserError(`${file} is a TIFF of ${what}; grey, RGB and palettes are read: save it as such`);
  }
  const colours = photometric === RGB ? 3 : 1;
  if (samples < colours) throw directory.damaged(`it is RGB with ${samples} samples`);
  const alpha = samples > colours ? extra : 0;
  if (alpha === UNASSOCIATED) return { channels: colours + 1, hasAlpha: true, inverted, map: null };
  // Colours that were multiplied by alpha lie over black already.
  if (alpha === ASSOCIATED || photometric === RGB) return { channels: colours, hasAlpha: false, inverted, map: null };
  return { channels: samples, hasAlpha: false, inverted, map: null };
}

/** The bytes of one strip or tile, unpacked, with its differences undone. */
async function readSegment(bytes: Uint8Array, layout: TiffLayout, segment: number, file: string): Promise<Uint8Array> {
  const { height, columns, rows, samples, bits, planar, tiled } = layout;
  const [offset, count] = [layout.offsets[segment], layout.counts[segment]];
  if (offset + count > bytes.length) {
    throw new UserError(`${file} is cut off: its strip or tile ${segment} ends at byte ${offset + count}`);
  }
  const most = segmentBytes(layout);
  const perPlane = Math.ceil(height / rows);
  // The last strip has the rows that are left; tiles are all whole.
  const lines = tiled ? rows : Math.min(rows, height - (segment % perPlane) * rows);
  const unpacked = await unpack(bytes.subarray(offset, offset + count), layout.compression, most);
  if (!unpacked || unpacked.length < (most / rows) * lines) {
    throw new UserError(`${file} is damaged: its strip or tile ${segment} does not unpack to its pixels`);
  }
  const stride = planar ? 1 : samples;
  for (let row = 0; row < lines; row++) {
    const line = unpacked.subarray(row * columns * stride * (bits / 8), (row + 1) * columns * stride * (bits / 8));
    if (layout.predictor === 2) addUp(line, stride, layout);
    if (layout.predictor === 3) addUpFloats(line, stride, layout);
  }
  return unpacked;
}

/** Undoes differences between neighbours of a row (TIFF 6.0, section 14). */
function addUp(line: Uint8Array, stride: number, { bits, little }: TiffLayout): void {
  const view = new DataView(line.buffer, line.byteOffset, line.byteLength);
  const size = bits / 8;
  for (let at = stride * size; at < line.length; at += size) {
    const before = at - stride * size;
    if (bits === 8) line[at] += line[before];
    if (bits === 16) view.setUint16(at, view.getUint16(at, little) + view.getUint16(before, little), little);
    if (bits === 32) view.setUint32(at, view.getUint32(at, little) + view.getUint32(before, little), little);
  }
}

/**
 * Undoes differences between the bytes of a row of floating numbers, of which all first bytes come first, the highest
 * ones (Adobe, TIFF Technical Note 3).
 */
function addUpFloats(line: Uint8Array, stride: number, { bits, little }: TiffLayout): void {
  const size = bits / 8;
  const count = line.length / size;
  for (let i = stride; i < line.length; i++) line[i] += line[i - stride];
  const bytes = line.slice();
  for (let i = 0; i < count; i++) {
    for (let b = 0; b < size; b++) line[i * size + (little ? size - 1 - b : b)] = bytes[b * count + i];
  }
}

/** Writes a strip's or tile's samples to where they belong; what lies outside of the image is left out. */
function place(bytes: Uint8Array, layout: TiffLayout, segment: number, to: Uint8Array | Float32Array): void {
  const { width, height, samples, columns, rows, planar } = layout;
  const sample = samplesOf(bytes, layout);
  const [across, down] = [Math.ceil(width / columns), Math.ceil(height / rows)];
  const inPlane = segment % (across * down);
  const plane = (segment - inPlane) / (across * down);
  const [left, top] = [(inPlane % across) * columns, Math.floor(inPlane / across) * rows];
  const stride = planar ? 1 : samples;
  for (let y = 0; y < Math.min(rows, height - top); y++) {
    for (let x = 0; x < Math.min(columns, width - left); x++) {
      const from = (y * columns + x) * stride;
      const at = ((top + y) * width + left + x) * samples + (planar ? plane : 0);
      for (let s = 0; s < stride; s++) to[at + s] = sample(from + s);
    }
  }
}

function samplesOf(bytes: Uint8Array, { bits, format, little }: TiffLayout): (index: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (format === 'float') {
    return bits === 32 ? (i) => view.getFloat32(4 * i, little) : (i) => view.getFloat64(8 * i, little);
  }
  const signed = format === 'signed';
  if (bits === 8) return signed ? (i) => view.getInt8(i) : (i) => bytes[i];
  if (bits === 16) return signed ? (i) => view.getInt16(2 * i, little) : (i) => view.getUint16(2 * i, little);
  return signed ? (i) => view.getInt32(4 * i, little) : (i) => view.getUint32(4 * i, little);
}

function paletted(
  indices: Uint8Array | Float32Array,
  layout: TiffLayout,
  map: readonly number[],
  directory: TiffDirectory,
): Raster {
  if (map.length !== 3 * 256) throw directory.damaged(`its palette has ${map.length} values, and 768 are needed`);
  const { width, height } = layout;
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < indices.length; i++) {
    for (let c = 0; c < 3; c++) data[3 * i + c] = map[c * 256 + indices[i]] / 257 + 0.5;
  }
  return { width, height, channels: 3, data, white: 255, hasAlpha: false };
}

function firstChannels<T extends Uint8Array | Float32Array>(all: T, samples: number, channels: number): T {
  const kept = new (all.constructor as new (length: number) => T)((all.length / samples) * channels);
  for (let from = 0, to = 0; from < all.length; from += samples) {
    for (let c = 0; c < channels; c++) kept[to++] = all[from + c];
  }
  return kept;
}
