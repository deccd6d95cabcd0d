import { sizeOf, type Shape } from '../../engine/tensor.ts';

/*
 * Just enough of ONNX (onnx.proto3, IR version 8, operator set 17) to write a model down: a protocol buffer is a
 * sequence of fields, each a key (number · 8 + wire type) and a value; a message within a message is a field of bytes.
 */

type Bytes = Uint8Array;

const join = (parts: readonly Bytes[]): Bytes => {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
};

/** A number of at least 0 in groups of seven bits, the lowest first. */
function varint(value: number): Bytes {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.of(...bytes, rest);
    bytes.push((rest % 128) + 128);
  }
}

const number = (field: number, value: number): Bytes => join([varint(field * 8), varint(value)]);
const bytes = (field: number, value: Bytes): Bytes => join([varint(field * 8 + 2), varint(value.length), value]);
const text = (field: number, value: string): Bytes => bytes(field, new TextEncoder().encode(value));
const message = (field: number, ...fields: readonly Bytes[]): Bytes => bytes(field, join(fields));
const float = (field: number, value: number): Bytes =>
  join([varint(field * 8 + 5), new Uint8Array(Float32Array.of(value).buffer)]);

/** Numbers of TensorProto.DataType and AttributeProto.AttributeType. */
const FLOAT_TENSOR = 1;
const INT64_TENSOR = 7;
const ATTRIBUTE = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** Whole numbers (lists as `ints`), text, or `{ float }`. */
export type Attribute = number | string | readonly number[] | { readonly float: number };

function attribute(name: string, value: Attribute): Bytes {
  const named = (type: keyof typeof ATTRIBUTE, ...value: Bytes[]) =>
    message(5, text(1, name), ...value, number(20, ATTRIBUTE[type]));
  if (typeof value === 'number') return named('int', number(3, value));
  if (typeof value === 'string') return named('string', text(4, value));
  if ('float' in value) return named('float', float(2, value.float));
  return named('ints', ...value.map((v) => number(8, v)));
}

const valueInfo = (field: number, name: string, shape: Shape): Bytes =>
  message(
    field,
    text(1, name),
    message(2, message(1, number(1, FLOAT_TENSOR), message(2, ...shape.map((d) => message(1, number(1, d)))))),
  );

/** A model that is put together node by node. Values are known by their names. */
export class OnnxGraph {
  private readonly parts: Bytes[] = [];
  private count = 0;

  input(name: string, shape: Shape): string {
    this.parts.push(valueInfo(11, name, shape));
    return name;
  }

  output(name: string, shape: Shape): void {
    this.parts.push(valueInfo(12, name, shape));
  }

  /** A tensor that belongs to the model. */
  constant(name: string, shape: Shape, values: Float32Array): string {
    if (values.length !== sizeOf(shape))
      throw new Error(`${name}: ${values.length} numbers do not fill [${shape.join(', ')}]`);
    return this.initializer(
      name,
      shape,
      FLOAT_TENSOR,
      new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
    );
  }

  /** A list of whole numbers, as shapes and axes are given. */
  integers(name: string, values: readonly number[]): string {
    return this.initializer(
      name,
      [values.length],
      INT64_TENSOR,
      new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer),
    );
  }

  private initializer(name: string, shape: Shape, type: number, data: Bytes): string {
    this.parts.push(message(5, ...shape.map((d) => number(1, d)), number(2, type), text(8, name), bytes(9, data)));
    return name;
  }

  /** Adds an operator of the standard set and returns the name of its (first) output. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    name = `${op}_${this.count++}`,
  ): string {
    this.parts.push(
      message(
        1,
        ...inputs.map((input) => text(1, input)),
        text(2, name),
        text(3, name),
        text(4, op),
        ...Object.entries(attributes).map(([key, value]) => attribute(key, value)),
      ),
    );
    return name;
  }

  /** The model as a file's bytes. */
  model(): Uint8Array {
    return join([
      number(1, 8),
      text(2, 'tuningfork'),
      message(7, ...this.parts, text(2, 'graph')),
      message(8, text(1, ''), number(2, 17)),
    ]);
  }
}
