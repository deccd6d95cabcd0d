import { UserError } from '../../../engine/user_error.ts';
import { ATTRIBUTE_TYPES, DATA_TYPES, encodeModel, type MessageInit } from '../proto.ts';
import { isPlain } from '../value.ts';
import type { AttributeValue, Ref, Written } from './draft.ts';
import type { GraphWriter } from './writer.ts';

const OPSET = 17n;
/** Of ONNX 1.12, which brought opset 17. */
const IR_VERSION = 8n;
/** A protobuf is not longer. */
const MOST_BYTES = 2 ** 31 - 1;

/** What stands in the file beside the graph. */
interface Described {
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** What the output was made of, whose name is told where it is a value of the file by itself. */
  readonly logits?: Written;
}

/** The bytes of the file: what was written, as far as the output depends on it. */
export function fileOf(
  writer: GraphWriter,
  output: { readonly name: string; readonly ref: Ref },
  { name, metadata, logits }: Described,
): Uint8Array {
  const live = liveRefs(writer, output.ref);
  const nodes = writer.nodes.filter((node) => live.has(node.output));
  const initialisers = writer.initialisers.filter(({ ref }) => live.has(ref));
  const names = namesOf(writer, output, nodes, initialisers);
  const bytes = initialisers.reduce((sum, { data }) => sum + data.byteLength, 0);
  if (bytes > MOST_BYTES)
    throw new UserError(`exportOnnx: ${name} has ${bytes} bytes of numbers, and an ONNX file holds less than 2 GiB`);
  const isThere = logits?.kind === 'placed' && logits.ref.node && !logits.pending && isPlain(logits.order);
  const told = { ...metadata, ...(isThere && live.has(logits.ref) && { logits: names.ofValue.get(logits.ref)! }) };
  return encodeModel({
    irVersion: IR_VERSION,
    producerName: 'tuningfork',
    opsetImport: [{ domain: '', version: OPSET }],
    metadataProps: Object.entries(told).map(([key, value]) => ({ key, value })),
    graph: {
      name,
      node: nodes.map(({ draft, output: ref }) => ({
        opType: draft.op,
        name: names.ofNode.get(ref)!,
        input: draft.inputs.map((each) => (each ? names.ofValue.get(each)! : '')),
        output: [names.ofValue.get(ref)!],
        attribute: Object.entries(draft.attributes).map(([key, value]) => attribute(key, value)),
      })),
      initializer: initialisers.map(({ ref, data }) => ({
        name: names.ofValue.get(ref)!,
        dims: ref.dims.map(BigInt),
        dataType: data instanceof Float32Array ? DATA_TYPES.float : DATA_TYPES.int64,
        rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      })),
      input: [port(writer, 'input', writer.input)],
      output: [port(writer, output.name, output.ref)],
    },
  });
}

/** What the output depends on. */
function liveRefs({ nodes }: GraphWriter, output: Ref): Set<Ref> {
  const live = new Set<Ref>([output]);
  for (const node of [...nodes].reverse())
    if (live.has(node.output)) for (const each of node.draft.inputs) if (each) live.add(each);
  return live;
}

type Nodes = GraphWriter['nodes'];

/** Names for all values and nodes, each once: those that are known go first. */
function namesOf(
  writer: GraphWriter,
  output: { readonly name: string; readonly ref: Ref },
  nodes: Nodes,
  initialisers: GraphWriter['initialisers'],
) {
  const ofValue = new Map<Ref, string>();
  const ofNode = new Map<Ref, string>();
  const values = new Taken();
  ofValue.set(writer.input, values.take('input'));
  ofValue.set(output.ref, values.take(output.name));
  const rest = [...initialisers.map(({ ref }) => ref), ...nodes.map((node) => node.output)];
  for (const ref of rest) if (!ofValue.has(ref) && ref.name !== undefined) ofValue.set(ref, values.take(ref.name));
  const taken = new Taken();
  const known = (node: Nodes[number]) => node.draft.name;
  for (const node of nodes) if (known(node)) ofNode.set(node.output, taken.take(known(node)!));
  for (const node of nodes) if (!known(node)) ofNode.set(node.output, taken.take(node.draft.op));
  for (const node of nodes)
    if (!ofValue.has(node.output)) ofValue.set(node.output, values.take(`${ofNode.get(node.output)}:0`));
  for (const ref of rest) if (!ofValue.has(ref)) ofValue.set(ref, values.take('constant'));
  return { ofValue, ofNode };
}

/** Names that are taken: a second one of the same text gets a number. */
class Taken {
  private readonly counts = new Map<string, number>();

  take(name: string): string {
    const count = this.counts.get(name);
    this.counts.set(name, (count ?? 0) + 1);
    return count === undefined ? name : this.take(`${name}_${count}`);
  }
}

function attribute(name: string, value: AttributeValue): MessageInit<'AttributeProto'> {
  if (typeof value === 'number') return { name, type: ATTRIBUTE_TYPES.i, i: BigInt(value) };
  if ('float' in value) return { name, type: ATTRIBUTE_TYPES.f, f: value.float };
  if ('text' in value) return { name, type: ATTRIBUTE_TYPES.s, s: new TextEncoder().encode(value.text) };
  return { name, type: ATTRIBUTE_TYPES.ints, ints: value.map(BigInt) };
}

/** An input or output: lengths that grow with the batch are called N. */
function port(writer: GraphWriter, name: string, { dims }: Ref): MessageInit<'ValueInfoProto'> {
  const dim = dims.map((n) => {
    const times = writer.batches(n);
    if (times === undefined) return { dimValue: BigInt(n) };
    return { dimParam: times === 1 ? 'N' : `${times}N` };
  });
  return { name, type: { tensorType: { elemType: DATA_TYPES.float, shape: { dim } } } };
}
