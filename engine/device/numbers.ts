import { remedy, show } from '../check.ts';
import { showShape, sizeOf, type DType, type Shape } from '../tensor.ts';
import { UserError } from '../user_error.ts';

export type NumberArray =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array;

/**
 * A tensor's numbers as a caller gives them: an array of any kind, in the order of the elements; arrays nested as the
 * tensor's shape is; or a number for a tensor of one.
 */
export type Numbers = number | NumberArray | readonly Numbers[];

const isView = (values: unknown): values is NumberArray => ArrayBuffer.isView(values) && !(values instanceof DataView);
const isList = (values: unknown): values is NumberArray | readonly unknown[] => Array.isArray(values) || isView(values);

/**
 * The numbers as they are copied into a tensor's memory. An array of the tensor's own type is given back as it is; all
 * others are converted number by number: to f32 by rounding, to u32 only where nothing is lost.
 *
 * @param what begins the message: what is given these values
 * @throws UserError where there are too few or too many, where nested arrays have another shape, and where something is
 * no number or does not fit into u32
 */
export function numbersFor(what: string, values: Numbers, shape: Shape, dtype: 'f32'): Float32Array;
export function numbersFor(what: string, values: Numbers, shape: Shape, dtype: DType): Float32Array | Uint32Array;
export function numbersFor(what: string, values: Numbers, shape: Shape, dtype: DType): Float32Array | Uint32Array {
  const size = sizeOf(shape);
  if (typeof values !== 'number' && !isList(values))
    throw new UserError(`${what} takes an array of ${size} numbers, not ${show(values)}${remedy(values)}`);
  const isNested = Array.isArray(values) && values.some(isList);
  const given = typeof values === 'number' ? 1 : values.length;
  if (isNested) requireNesting(what, values, shape, '');
  else if (given !== size) throw new UserError(`${what} holds ${size} numbers and was given ${given}`);

  const Wanted = dtype === 'u32' ? Uint32Array : Float32Array;
  if (values instanceof Wanted) return values;
  const numbers = new Wanted(size);
  let i = 0;
  for (const value of leaves(values, isNested)) {
    requireNumber(what, value, i, dtype);
    numbers[i++] = value;
  }
  return numbers;
}

function* leaves(values: unknown, isNested: boolean): Generator<unknown> {
  if (!isList(values)) yield values;
  else if (isNested) for (const value of values) yield* leaves(value, true);
  else yield* values;
}

/** Throws unless arrays within arrays have the lengths of the shape. */
function requireNesting(what: string, values: unknown, [length, ...inner]: Shape, place: string): void {
  if (length === undefined) {
    if (isList(values)) throw new UserError(`${what}: ${place} must be a number and is an array`);
    return;
  }
  if (!isList(values))
    throw new UserError(`${what}: ${place} must be an array ${showShape([length, ...inner])} and is ${show(values)}`);
  if (values.length !== length)
    throw new UserError(
      `${what}: ${place || 'the outermost array'} must have ${length} entries and has ${values.length}`,
    );
  for (let i = 0; i < length; i++) requireNesting(what, values[i], inner, `${place}[${i}]`);
}

function requireNumber(what: string, value: unknown, i: number, dtype: DType): asserts value is number {
  if (typeof value !== 'number') throw new UserError(`${what}: number ${i} is ${show(value)}, which is no number`);
  if (dtype === 'u32' && !(Number.isInteger(value) && value >= 0 && value < 2 ** 32))
    throw new UserError(`${what}: number ${i} is ${value}, and u32 holds whole numbers from 0 to 2^32 - 1`);
}
