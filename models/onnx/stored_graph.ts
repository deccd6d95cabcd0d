import { UserError } from '../../engine/user_error.ts';
import { decodeModel, encodeModel, EXTERNAL, type MessageInit, type ModelProto, type TensorProto } from './proto.ts';
import { claimedBytes, externalBytes, type ExternalData } from './tensor_data.ts';

/*
 * The graph of an ONNX file as a run keeps it: whole while it is trained, and in its model file with weights left out,
 * because they lie there already as tensors of their own.
 */

/** Where weights that were left out are said to lie: beside the graph, in the file that holds it. */
const APART = 'model.safetensors';
/** What a last layer that was replaced may have held: nothing of it is kept but its shape. */
const MOST_REPLACED = 2 ** 28;

type Tensor = MessageInit<'TensorProto'>;

/** The model again, with other initialisers and nodes; without what only people read. */
function encodeAgain(model: ModelProto, initializer: readonly Tensor[], node = model.graph!.node): Uint8Array {
  const { irVersion, producerName, producerVersion, domain, modelVersion, opsetImport, metadataProps } = model;
  const { name, input, output } = model.graph!;
  const graph = { name, input, output, node, initializer };
  const all = { irVersion, producerName, producerVersion, domain, modelVersion, opsetImport, metadataProps, graph };
  return encodeModel(all as unknown as MessageInit<'ModelProto'>);
}

/** A tensor with its data, which may lie in another file, in it. */
function whole(tensor: TensorProto, source: string, external?: ExternalData): Tensor {
  if (tensor.dataLocation !== EXTERNAL) return tensor as unknown as Tensor;
  const { name, dims, dataType } = tensor;
  return { name, dims, dataType, rawData: externalBytes(tensor, `${source}: initialiser ${name}`, external) };
}

/** The bytes of an ONNX file that keeps all its data in itself; the same where it does already. */
export function withItsData(bytes: Uint8Array, source: string, external?: ExternalData): Uint8Array {
  const model = decodeModel(bytes, source);
  const tensors = model.graph?.initializer ?? [];
  if (!tensors.some(({ dataLocation }) => dataLocation === EXTERNAL)) return bytes;
  return encodeAgain(
    model,
    tensors.map((tensor) => whole(tensor, source, external)),
  );
}

/**
 * The bytes of an ONNX file without the values of these constants, of which shapes and types stay. One that several
 * nodes read keeps its values: some may want them as numbers.
 */
export function withoutWeights(bytes: Uint8Array, names: readonly string[], source: string): Uint8Array {
  const model = decodeModel(bytes, source);
  const { node, initializer, output } = model.graph!;
  const read = [...node.flatMap(({ input }) => input), ...output.flatMap(({ name }) => [name, name])];
  const readers = new Map<string, number>();
  for (const name of read) readers.set(name, (readers.get(name) ?? 0) + 1);
  const wanted = new Set(names.filter((name) => readers.get(name) === 1));
  // Initialisers, and Constant nodes, which are the same in another place.
  const held = node.map(({ opType, attribute }) =>
    opType === 'Constant' ? attribute.find(({ name }) => name === 'value')?.t : undefined,
  );
  const isMoved = node.map(({ output: [name] }, i) => held[i] !== undefined && wanted.has(name));
  const moved = node.flatMap(({ output: [name] }, i) => (isMoved[i] ? [{ ...held[i]!, name }] : []));
  return encodeAgain(
    model,
    [
      ...initializer.map((tensor) => (wanted.has(tensor.name) ? apart(tensor) : (tensor as Tensor))),
      ...moved.map(apart),
    ],
    node.filter((_, i) => !isMoved[i]),
  );
}

/** The model again, its output being this value of it. */
export function endingAt(bytes: Uint8Array, value: string, source: string): Uint8Array {
  const model = decodeModel(bytes, source);
  const { initializer, output } = model.graph!;
  const shown = output.map((info) => ({ ...info, name: value, type: undefined }));
  const graph = { ...model.graph!, output: shown } as typeof model.graph;
  return encodeAgain({ ...model, graph }, initializer as unknown as Tensor[]);
}

function apart(tensor: TensorProto): Tensor {
  const { name, dims, dataType } = tensor;
  const externalData = Object.entries({ location: APART, length: String(claimedBytes(tensor)) });
  return {
    name,
    dims,
    dataType,
    dataLocation: EXTERNAL,
    externalData: externalData.map(([key, value]) => ({ key, value })),
  };
}

/**
 * Zeros for weights that were left out, where others take their places.
 * @param stored bytes of the weights that are there, in f32; more than they could have taken is not believed
 */
export function weightsApart(stored: number, source: string): ExternalData {
  // Doubles take twice as much.
  let left = 2 * stored + MOST_REPLACED;
  return (location, _, length = Infinity) => {
    left -= length;
    if (location !== APART || !(left >= 0))
      throw new UserError(`${source}: the network in it claims other weights than there are; the file is damaged`);
    return new Uint8Array(length);
  };
}
