import {
  ATTRIBUTE_TYPES,
  DATA_TYPES,
  decodeModel,
  encodeModel,
  type AttributeProto,
  type MessageInit,
} from '../../../models/onnx/proto.ts';
import type { OnnxType } from '../../../models/onnx/value.ts';
import type { Given } from './onnxruntime.ts';

export type Attribute = number | string | readonly number[] | { float: number } | { floats: readonly number[] } | Given;

export interface NodePlan {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly name?: string;
  readonly domain?: string;
}

export interface ModelPlan {
  readonly nodes: readonly NodePlan[];
  readonly inputs: Readonly<Record<string, { shape: readonly (number | string)[]; type?: OnnxType }>>;
  readonly outputs: readonly (string | readonly [string, OnnxType])[];
  readonly initialisers?: Readonly<Record<string, Given>>;
  readonly opset?: number;
}

/** A tensor of the file: floats as raw data, whole numbers in their typed fields. */
export function tensorProto(name: string, { shape, data, type = 'float' }: Given): MessageInit<'TensorProto'> {
  const head = { name, dims: shape.map(BigInt), dataType: DATA_TYPES[type] };
  if (type === 'float') {
    const floats = Float32Array.from(data);
    return { ...head, rawData: new Uint8Array(floats.buffer) };
  }
  if (type === 'double') return { ...head, doubleData: Array.from(data) };
  if (type === 'int64') return { ...head, int64Data: Array.from(data, BigInt) };
  return { ...head, int32Data: Array.from(data) };
}

/** An attribute: whole numbers are ints; `{ float: 1 }` is a float that looks like one. */
function attribute(name: string, value: Attribute): MessageInit<'AttributeProto'> {
  const of = (kind: keyof typeof ATTRIBUTE_TYPES, held: Partial<AttributeProto>) =>
    ({ name, type: ATTRIBUTE_TYPES[kind], ...held }) as MessageInit<'AttributeProto'>;
  if (typeof value === 'string') return of('s', { s: new TextEncoder().encode(value) });
  if (typeof value === 'number') return Number.isInteger(value) ? of('i', { i: BigInt(value) }) : of('f', { f: value });
  if ('float' in value) return of('f', { f: value.float });
  if ('floats' in value) return of('floats', { floats: [...value.floats] });
  if ('shape' in value) return of('t', { t: tensorProto('', value) as AttributeProto['t'] });
  return of('ints', { ints: Array.from(value, BigInt) });
}

const info = (name: string, type: OnnxType, shape?: readonly (number | string)[]): MessageInit<'ValueInfoProto'> => ({
  name,
  type: {
    tensorType: {
      elemType: DATA_TYPES[type],
      ...(shape && {
        shape: { dim: shape.map((n) => (typeof n === 'number' ? { dimValue: BigInt(n) } : { dimParam: n })) },
      }),
    },
  },
});

/** The bytes of an ONNX file. */
export const buildModel = ({ nodes, inputs, outputs, initialisers = {}, opset = 17 }: ModelPlan): Uint8Array =>
  encodeModel({
    irVersion: opset > 20 ? 10n : 8n,
    producerName: 'test',
    opsetImport: [{ domain: '', version: BigInt(opset) }],
    graph: {
      name: 'test',
      node: nodes.map(({ op, inputs: from, outputs: to, attributes = {}, name = '', domain = '' }) => ({
        opType: op,
        domain,
        name,
        input: from,
        output: to,
        attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
      })),
      initializer: Object.entries(initialisers).map(([name, tensor]) => tensorProto(name, tensor)),
      input: Object.entries(inputs).map(([name, { shape, type = 'float' }]) => info(name, type, shape)),
      output: outputs.map((each) => (typeof each === 'string' ? info(each, 'float') : info(each[0], each[1]))),
    },
  });

/** The same model, with some values inside it as outputs too. */
export function withOutputs(bytes: Uint8Array, ...names: readonly string[]): Uint8Array {
  const model = decodeModel(bytes, 'test');
  const more = decodeModel(buildModel({ nodes: [], inputs: {}, outputs: names }), 'outputs');
  model.graph!.output.push(...more.graph!.output);
  return encodeModel(model as unknown as MessageInit<'ModelProto'>);
}
