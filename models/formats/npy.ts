import { UserError } from '../../engine/user_error.ts';
import { elementCount } from './stored_tensor.ts';

/** Magic, version 1.0, and the 16-bit length of the text that follows. */
const PREAMBLE_BYTES = 10;
/** numpy leaves room for a first axis of 21 digits, so that rows may be appended and the header rewritten in place. */
const FIRST_AXIS_DIGITS = 21;

/**
 * The header of a .npy file of float32 in C order (numpy.lib.format, version 1.0), byte for byte as numpy writes it.
 * Its length does not depend on the number of rows. To stream: write this, then the rows' little-endian floats one
 * after another.
 */
export function npyHeader(shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const room = shape.length ? ' '.repeat(FIRST_AXIS_DIGITS - String(shape[0]).length) : '';
  const dictionary = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }${room}`;
  // The data must begin at a multiple of 64 bytes; the text ends with a newline.
  const total = Math.ceil((PREAMBLE_BYTES + dictionary.length + 1) / 64) * 64;
  const header = new Uint8Array(total).fill(0x20);
  header.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  new DataView(header.buffer).setUint16(8, total - PREAMBLE_BYTES, true);
  header.set(new TextEncoder().encode(dictionary), PREAMBLE_BYTES);
  header[total - 1] = 0x0a;
  return header;
}

/** The bytes of a .npy file. `data` is row-major and must fill `shape`. */
export function writeNpy(shape: readonly number[], data: Float32Array): Uint8Array {
  if (data.length !== elementCount(shape)) {
    throw new UserError(
      `An array of shape [${shape.join(', ')}] needs ${elementCount(shape)} values, but ${data.length} were given.`,
    );
  }
  const header = npyHeader(shape);
  const file = new Uint8Array(header.byteLength + data.byteLength);
  file.set(header);
  file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), header.byteLength);
  return file;
}

/**
 * Reads a .npy file of little-endian float32 in C order, any format version.
 * @param name what the file is called in error sentences.
 * @throws UserError when it is no such file or its size does not match its shape.
 */
export function readNpy(bytes: Uint8Array, name: string): { shape: number[]; data: Float32Array } {
  const magic = String.fromCharCode(...bytes.subarray(1, 6));
  if (bytes.byteLength < 12 || bytes[0] !== 0x93 || magic !== 'NUMPY')
    throw new UserError(`${name}: this is not a .npy file.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // From version 2.0 on the length takes four bytes, so that structured types with many fields fit.
  const [textStart, textLength] = bytes[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  const start = textStart + textLength;
  if (start > bytes.byteLength)
    throw new UserError(`${name}: the header claims ${textLength} bytes, more than the file has; it is cut short.`);

  const text = new TextDecoder().decode(bytes.subarray(textStart, start));
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const fortran = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const dims = /'shape':\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  if (dims === undefined || fortran === undefined)
    throw new UserError(
      `${name}: its header is not that of a plain .npy array: ${JSON.stringify(text.trim().slice(0, 100))}`,
    );
  if (descr !== '<f4' || fortran !== 'False') {
    throw new UserError(
      `${name}: only little-endian float32 in C order is read, and this is ${descr ?? 'a structured type'}${fortran === 'True' ? ' in Fortran order' : ''}; convert it with astype('<f4', order='C').`,
    );
  }
  const shape = dims
    .split(',')
    .filter((dim) => dim.trim())
    .map(Number);
  const needed = elementCount(shape) * 4;
  if (bytes.byteLength - start !== needed) {
    throw new UserError(
      `${name}: shape [${shape.join(', ')}] needs ${needed} bytes, but ${bytes.byteLength - start} follow the header.`,
    );
  }
  return { shape, data: new Float32Array(new Uint8Array(bytes.subarray(start)).buffer) };
}
