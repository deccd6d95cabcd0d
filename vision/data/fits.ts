import { UserError } from '../../engine/user_error.ts';
import { FITS_BLOCK, fitsArray, readFitsHeader, type FitsArray } from './fits_header.ts';
import { checkSize, type Raster } from './raster.ts';

/** Headers that are looked at before an image must have come. */
const MAX_UNITS = 1000;

/**
 * Decodes the first image of a FITS file: the primary array, or where that is empty the first IMAGE extension (FITS
 * standard 4.0), of two axes or three. The first row of the result is the last of the file, as FITS counts rows from
 * below. Planes become channels; further axes of length 1 are left out.
 * Values are zero + scale · stored in float32; BLANK and NaN are NaN.
 * @param file what errors call it
 * @throws UserError for damaged or vast headers, files that are cut off, tables without images, and compressed images
 */
export function decodeFits(bytes: Uint8Array, file: string): Raster {
  for (let at = 0, unit = 0; unit < MAX_UNITS && at < bytes.length; unit++) {
    const header = readFitsHeader(bytes, at, file);
    const kind = unit === 0 ? 'IMAGE' : header.values.get('XTENSION');
    // What follows the last unit may be anything (3.5).
    if (unit > 0 && typeof kind !== 'string') break;
    if (header.values.get('ZIMAGE') === true) {
      throw new UserError(`${file} is a compressed FITS image; unpack it with funpack`);
    }
    const array = fitsArray(header, file);
    const start = at + header.bytes;
    if (kind === 'IMAGE' && array.bytes > 0) return readArray(bytes, start, array, file);
    at = start + Math.ceil(array.bytes / FITS_BLOCK) * FITS_BLOCK;
  }
  throw new UserError(`${file} is a FITS file without an image`);
}

function readArray(bytes: Uint8Array, start: number, array: FitsArray, file: string): Raster {
  const axes = array.axes.filter((length, i) => i < 2 || length !== 1);
  if (axes.length < 2 || axes.length > 3) {
    throw new UserError(`${file} has a FITS array of ${array.axes.length} axes; images of two or three are read`);
  }
  const [width, height, channels = 1] = axes;
  checkSize(file, { width, height, channels, bytes: 4 });
  if (start + array.bytes > bytes.length) {
    throw new UserError(
      `${file} is cut off: its FITS image has ${array.bytes} bytes, and ${bytes.length - start} are there`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, array.bytes);
  const value = reader(view, array);
  const data = new Float32Array(width * height * channels);
  for (let c = 0, from = 0; c < channels; c++) {
    for (let row = height - 1; row >= 0; row--) {
      for (let to = row * width * channels + c, x = 0; x < width; x++, to += channels) data[to] = value(from++);
    }
  }
  return { width, height, channels, data, white: null, hasAlpha: false };
}

/** The value of the element at an index, big-endian (5). */
function reader(view: DataView, { bitpix, scale, zero, blank }: FitsArray): (index: number) => number {
  const stored: Record<number, (i: number) => number> = {
    8: (i) => view.getUint8(i),
    16: (i) => view.getInt16(2 * i),
    32: (i) => view.getInt32(4 * i),
    64: (i) => Number(view.getBigInt64(8 * i)),
    [-32]: (i) => view.getFloat32(4 * i),
    [-64]: (i) => view.getFloat64(8 * i),
  };
  const read = stored[bitpix];
  return (index) => {
    const value = read(index);
    return value === blank ? Number.NaN : zero + scale * value;
  };
}
