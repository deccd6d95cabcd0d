import { UserError } from '../../engine/user_error.ts';
import { halfToNumber } from '../../engine/half.ts';
import { STORED_DTYPES, type StoredDtype } from '../formats/stored_tensor.ts';
import { DATA_TYPES, EXTERNAL, type TensorProto } from './proto.ts';
import type { Constant, OnnxType } from './value.ts';

/** Reads `length` bytes from `offset` of another file, or all that follow where it has none. */
export type ExternalData = (location: string, offset: number, length: number | undefined) => Uint8Array;

/** How a type's elements lie in raw data, and in which field they lie else. */
const STORAGE: Readonly<Partial<Record<OnnxType, readonly [StoredDtype, keyof TensorProto]>>> = {
  float: ['f32', 'floatData'],
  double: ['f64', 'doubleData'],
  float16: ['f16', 'int32Data'],
  bfloat16: ['bf16', 'int32Data'],
  int8: ['i8', 'int32Data'],
  uint8: ['u8', 'int32Data'],
  int16: ['i16', 'int32Data'],
  uint16: ['u16', 'int32Data'],
  int32: ['i32', 'int32Data'],
  uint32: ['u32', 'uint64Data'],
  int64: ['i64', 'int64Data'],
  uint64: ['u64', 'uint64Data'],
  bool: ['bool', 'int32Data'],
};

/** The name of a type by its number, or undefined of one that is not read here (complex numbers, 8 bits and fewer). */
export const typeByNumber = (number: number): OnnxType | undefined =>
  (Object.keys(DATA_TYPES) as OnnxType[]).find((name) => DATA_TYPES[name] === number);

const bfloatToNumber = (bits: number): number => new Float32Array(Uint32Array.of(bits << 16).buffer)[0];

/**
 * A tensor of the file.
 * @param where begins messages: the file and what the tensor is
 * @throws UserError where it claims another size than its data have, or its type is none that is computed with
 */
export function readTensor(proto: TensorProto, where: string, external?: ExternalData): Constant {
  const what = `${where}${proto.name ? ` ${proto.name}` : ''}`;
  const type = typeByNumber(proto.dataType);
  const storage = type && STORAGE[type];
  if (!storage)
    throw new UserError(
      `${what}: its elements are of type ${type ?? `number ${proto.dataType}`}, which is not read here; export it as float or int64`,
    );
  const shape = proto.dims.map(Number);
  const size = shape.reduce((a, b) => a * b, 1);
  if (!shape.every((n) => Number.isSafeInteger(n) && n >= 0) || !Number.isSafeInteger(size))
    throw new UserError(`${what}: [${shape.slice(0, 8).join(', ')}] is no shape; the file is damaged`);
  const [dtype, field] = storage;
  const bytes = proto.dataLocation === EXTERNAL ? externalBytes(proto, what, external) : proto.rawData;
  const typed = proto[field] as readonly (number | bigint)[];
  const isRaw = bytes.length > 0 || proto.dataLocation === EXTERNAL;
  const { bytes: width, view } = STORED_DTYPES[dtype];
  const [there, wanted] = isRaw ? [bytes.length, size * width] : [typed.length, size];
  if (there !== wanted)
    throw new UserError(
      `${what}: [${shape.join(', ')}] of ${type} takes ${wanted} ${isRaw ? 'bytes' : 'elements'} and there are ${there}; the file is damaged or was cut off`,
    );
  // Views must begin at a multiple of the element's size. (A Buffer of Node's would not copy by `slice`.)
  const aligned = isRaw && bytes.byteOffset % width !== 0 ? new Uint8Array(bytes) : bytes;
  const elements = isRaw ? view(aligned.buffer, aligned.byteOffset, size) : typed;
  return { kind: 'constant', type, shape, data: numbersOf(elements, type), ...(proto.name && { name: proto.name }) };
}

function numbersOf(elements: ArrayLike<number | bigint>, type: OnnxType): Float32Array | Float64Array {
  if (elements instanceof Float32Array) return elements;
  const numbers = elements as ArrayLike<number>;
  switch (type) {
    case 'float':
      return Float32Array.from(numbers);
    case 'float16':
      return Float32Array.from(numbers, (bits) => halfToNumber(bits & 0xffff));
    case 'bfloat16':
      return Float32Array.from(numbers, bfloatToNumber);
    case 'bool':
      return Float64Array.from(numbers, (n) => (n ? 1 : 0));
    default:
      return Float64Array.from(elements as ArrayLike<number>, Number);
  }
}

/** Bytes of a tensor's elements, as its shape and type say. */
export function claimedBytes({ dims, dataType }: TensorProto): number {
  const storage = STORAGE[typeByNumber(dataType) ?? 'string'];
  return storage ? dims.map(Number).reduce((a, b) => a * b, STORED_DTYPES[storage[0]].bytes) : NaN;
}

/** The bytes of a tensor that lie in another file. */
export function externalBytes(proto: TensorProto, what: string, external?: ExternalData): Uint8Array {
  const { location, offset = '0', length } = Object.fromEntries(proto.externalData.map((e) => [e.key, e.value]));
  const isCount = (text: string) => /^\d{1,15}$/.test(text);
  if (!location || !isCount(offset) || (length !== undefined && !isCount(length)))
    throw new UserError(`${what}: it does not say where in which file its data lie; the file is damaged`);
  if (!external)
    throw new UserError(`${what}: its data lie in another file, ${location}; give a function that reads it`);
  const bytes = external(location, Number(offset), length === undefined ? undefined : Number(length));
  if (length !== undefined && bytes.length !== Number(length))
    throw new UserError(`${what}: ${location} has no ${length} bytes from ${offset}; it was cut off`);
  return bytes;
}
