import { halfToNumber } from '../../engine/half.ts';
import { UserError } from '../../engine/user_error.ts';

/** The element types a safetensors file may hold, by our names. */
export type StoredDtype =
  | 'f64'
  | 'f32'
  | 'f16'
  | 'bf16'
  | 'f8_e5m2'
  | 'f8_e4m3'
  | 'i64'
  | 'i32'
  | 'i16'
  | 'i8'
  | 'u64'
  | 'u32'
  | 'u16'
  | 'u8'
  | 'bool';

/** The arrays that hold the numbers of a stored tensor. */
export type StoredData =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** A tensor as a file holds it: row-major, f16 and bf16 as their bit patterns in 16-bit integers, f8 in bytes. */
export interface StoredTensor {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly data: StoredData;
}

interface StoredDtypeInfo {
  /** Bytes of one element. */
  readonly bytes: number;
  view(buffer: ArrayBufferLike, byteOffset: number, length: number): StoredData;
}

/** Typed arrays read little-endian, as the formats store, on every machine that has WebGPU. */
export const STORED_DTYPES: Readonly<Record<StoredDtype, StoredDtypeInfo>> = {
  f64: { bytes: 8, view: (b, o, n) => new Float64Array(b, o, n) },
  f32: { bytes: 4, view: (b, o, n) => new Float32Array(b, o, n) },
  f16: { bytes: 2, view: (b, o, n) => new Uint16Array(b, o, n) },
  bf16: { bytes: 2, view: (b, o, n) => new Uint16Array(b, o, n) },
  f8_e5m2: { bytes: 1, view: (b, o, n) => new Uint8Array(b, o, n) },
  f8_e4m3: { bytes: 1, view: (b, o, n) => new Uint8Array(b, o, n) },
  i64: { bytes: 8, view: (b, o, n) => new BigInt64Array(b, o, n) },
  i32: { bytes: 4, view: (b, o, n) => new Int32Array(b, o, n) },
  i16: { bytes: 2, view: (b, o, n) => new Int16Array(b, o, n) },
  i8: { bytes: 1, view: (b, o, n) => new Int8Array(b, o, n) },
  u64: { bytes: 8, view: (b, o, n) => new BigUint64Array(b, o, n) },
  u32: { bytes: 4, view: (b, o, n) => new Uint32Array(b, o, n) },
  u16: { bytes: 2, view: (b, o, n) => new Uint16Array(b, o, n) },
  u8: { bytes: 1, view: (b, o, n) => new Uint8Array(b, o, n) },
  bool: { bytes: 1, view: (b, o, n) => new Uint8Array(b, o, n) },
};

/** The number of elements of `shape`; 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

/**
 * The values of a float tensor (f64, f32, f16, bf16) as float32; for f32 the tensor's own array, not a copy.
 * @throws UserError for integers and 8-bit floats; `where` (file and tensor) begins the sentence.
 */
export function toFloat32(tensor: StoredTensor, where = 'tensor'): Float32Array {
  const { dtype, data } = tensor;
  if (dtype === 'f32' && data instanceof Float32Array) return data;
  if (dtype === 'f64' && data instanceof Float64Array) return Float32Array.from(data);
  if (dtype === 'f16' && data instanceof Uint16Array) return Float32Array.from(data, halfToNumber);
  if (dtype === 'bf16' && data instanceof Uint16Array) {
    return new Float32Array(Uint32Array.from(data, (bits) => bits << 16).buffer);
  }
  throw new UserError(
    `${where}: its values are ${dtype}, where floats are needed (f32, f16, bf16 or f64); convert it first.`,
  );
}
