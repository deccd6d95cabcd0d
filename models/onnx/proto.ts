import { create, createFileRegistry, fromBinary, toBinary, type DescMessage } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import { UserError } from '../../engine/user_error.ts';

/*
 * What we need of onnx.proto3 (ONNX 1.17), as data: message -> field -> [number, type] or [number, type, 'repeated'].
 * Enums are int32 here: on the wire they are the same. Parts of a type that no tensor has are bytes: they are only seen
 * to be there.
 */
const SCHEMA = {
  ModelProto: {
    irVersion: [1, 'int64'],
    producerName: [2, 'string'],
    producerVersion: [3, 'string'],
    domain: [4, 'string'],
    modelVersion: [5, 'int64'],
    docString: [6, 'string'],
    graph: [7, 'GraphProto'],
    opsetImport: [8, 'OperatorSetIdProto', 'repeated'],
    metadataProps: [14, 'StringStringEntryProto', 'repeated'],
    functions: [25, 'FunctionProto', 'repeated'],
  },
  OperatorSetIdProto: { domain: [1, 'string'], version: [2, 'int64'] },
  StringStringEntryProto: { key: [1, 'string'], value: [2, 'string'] },
  FunctionProto: { name: [1, 'string'], domain: [10, 'string'] },
  GraphProto: {
    node: [1, 'NodeProto', 'repeated'],
    name: [2, 'string'],
    initializer: [5, 'TensorProto', 'repeated'],
    sparseInitializer: [15, 'bytes', 'repeated'],
    docString: [10, 'string'],
    input: [11, 'ValueInfoProto', 'repeated'],
    output: [12, 'ValueInfoProto', 'repeated'],
    valueInfo: [13, 'ValueInfoProto', 'repeated'],
  },
  NodeProto: {
    input: [1, 'string', 'repeated'],
    output: [2, 'string', 'repeated'],
    name: [3, 'string'],
    opType: [4, 'string'],
    attribute: [5, 'AttributeProto', 'repeated'],
    docString: [6, 'string'],
    domain: [7, 'string'],
  },
  AttributeProto: {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    t: [5, 'TensorProto'],
    g: [6, 'GraphProto'],
    floats: [7, 'float', 'repeated'],
    ints: [8, 'int64', 'repeated'],
    strings: [9, 'bytes', 'repeated'],
    tensors: [10, 'TensorProto', 'repeated'],
    docString: [13, 'string'],
    type: [20, 'int32'],
    refAttrName: [21, 'string'],
    sparseTensor: [22, 'bytes'],
  },
  TensorProto: {
    dims: [1, 'int64', 'repeated'],
    dataType: [2, 'int32'],
    segment: [3, 'bytes'],
    floatData: [4, 'float', 'repeated'],
    int32Data: [5, 'int32', 'repeated'],
    stringData: [6, 'bytes', 'repeated'],
    int64Data: [7, 'int64', 'repeated'],
    name: [8, 'string'],
    rawData: [9, 'bytes'],
    doubleData: [10, 'double', 'repeated'],
    uint64Data: [11, 'uint64', 'repeated'],
    docString: [12, 'string'],
    externalData: [13, 'StringStringEntryProto', 'repeated'],
    dataLocation: [14, 'int32'],
  },
  ValueInfoProto: { name: [1, 'string'], type: [2, 'TypeProto'], docString: [3, 'string'] },
  TypeProto: {
    tensorType: [1, 'TensorTypeProto'],
    sequenceType: [4, 'bytes'],
    mapType: [5, 'bytes'],
    denotation: [6, 'string'],
    sparseTensorType: [8, 'bytes'],
    optionalType: [9, 'bytes'],
  },
  TensorTypeProto: { elemType: [1, 'int32'], shape: [2, 'TensorShapeProto'] },
  TensorShapeProto: { dim: [1, 'DimensionProto', 'repeated'] },
  // A length, or the name of one that is not fixed, or neither (0 and '').
  DimensionProto: { dimValue: [1, 'int64'], dimParam: [2, 'string'], denotation: [3, 'string'] },
} as const satisfies Record<string, Record<string, Field>>;

type Field = readonly [number: number, type: string] | readonly [number: number, type: string, label: 'repeated'];

interface Scalars {
  int32: number;
  int64: bigint;
  uint64: bigint;
  float: number;
  double: number;
  string: string;
  bytes: Uint8Array;
}
type Schema = typeof SCHEMA;
type ValueOf<T> = T extends keyof Scalars ? Scalars[T] : T extends keyof Schema ? Message<T> : never;

/** A message as it was read: absent is 0, the empty text, no bytes or an empty list; of a message, undefined. */
export type Message<M extends keyof Schema> = {
  -readonly [F in keyof Schema[M]]: Schema[M][F] extends readonly [number, infer T, 'repeated']
    ? ValueOf<T>[]
    : Schema[M][F] extends readonly [number, infer T]
      ? T extends keyof Scalars
        ? ValueOf<T>
        : ValueOf<T> | undefined
      : never;
};

type InitOf<T> = T extends keyof Scalars ? Scalars[T] : T extends keyof Schema ? MessageInit<T> : never;

/** A message that is to be written: what is left out is absent. */
export type MessageInit<M extends keyof Schema> = {
  readonly [F in keyof Schema[M]]?: Schema[M][F] extends readonly [number, infer T, 'repeated']
    ? readonly InitOf<T>[]
    : Schema[M][F] extends readonly [number, infer T]
      ? InitOf<T>
      : never;
};

export type ModelProto = Message<'ModelProto'>;
export type GraphProto = Message<'GraphProto'>;
export type NodeProto = Message<'NodeProto'>;
export type AttributeProto = Message<'AttributeProto'>;
export type TensorProto = Message<'TensorProto'>;
export type ValueInfoProto = Message<'ValueInfoProto'>;

/** TensorProto.DataType: what a tensor's elements are, by their number in the file. */
export const DATA_TYPES = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const;

/** AttributeProto.AttributeType: which of an attribute's fields holds its value. */
export const ATTRIBUTE_TYPES = { f: 1, i: 2, s: 3, t: 4, g: 5, floats: 6, ints: 7, strings: 8, tensors: 9 } as const;

/** TensorProto.DataLocation: the data lie in another file. */
export const EXTERNAL = 1;

const scalarTypes = (): Readonly<Record<keyof Scalars, FieldDescriptorProto_Type>> => ({
  int32: FieldDescriptorProto_Type.INT32,
  int64: FieldDescriptorProto_Type.INT64,
  uint64: FieldDescriptorProto_Type.UINT64,
  float: FieldDescriptorProto_Type.FLOAT,
  double: FieldDescriptorProto_Type.DOUBLE,
  string: FieldDescriptorProto_Type.STRING,
  bytes: FieldDescriptorProto_Type.BYTES,
});

function describeModel(): DescMessage {
  const scalars = scalarTypes();
  const file = create(FileDescriptorProtoSchema, {
    name: 'onnx.proto',
    package: 'onnx',
    syntax: 'proto3',
    messageType: Object.entries(SCHEMA).map(([name, fields]) => ({
      name,
      field: Object.entries<Field>(fields).map(([field, [number, type, label]]) => ({
        name: field,
        number,
        label: label ? FieldDescriptorProto_Label.REPEATED : FieldDescriptorProto_Label.OPTIONAL,
        ...(Object.hasOwn(scalars, type)
          ? { type: scalars[type as keyof Scalars] }
          : { type: FieldDescriptorProto_Type.MESSAGE, typeName: `.onnx.${type}` }),
      })),
    })),
  });
  return createFileRegistry(file, () => undefined).getMessage('onnx.ModelProto')!;
}

let described: DescMessage | undefined;
/** Made when it is first needed, so that a bundler can leave out what nobody calls. */
const modelMessage = (): DescMessage => (described ??= describeModel());

/**
 * The model in the bytes of an ONNX file. Tensors' raw data are views of the bytes, not copies.
 * @param source the file's name, for messages
 * @throws UserError where they are no protobuf of a model
 */
export function decodeModel(bytes: Uint8Array, source: string): ModelProto {
  try {
    return fromBinary(modelMessage(), bytes, { readUnknownFields: false }) as unknown as ModelProto;
  } catch (error) {
    // Besides the library's own complaints: messages that are nested deeper than the call stack.
    throw new UserError(
      `${source} is no ONNX file, or was cut off or damaged (${(error as Error).message.split('\n')[0]}); export or download it again`,
    );
  }
}

/** The bytes of an ONNX file. */
export const encodeModel = (model: MessageInit<'ModelProto'>): Uint8Array =>
  toBinary(modelMessage(), create(modelMessage(), model as Record<string, unknown>));
