import { UserError } from '../../engine/user_error.ts';
import { show } from '../../engine/check.ts';
import {
  ATTRIBUTE_TYPES,
  decodeModel,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type ValueInfoProto,
} from './proto.ts';
import { readTensor, typeByNumber, type ExternalData } from './tensor_data.ts';
import { constantOf, type Constant, type OnnxType } from './value.ts';

/** An input or output of a graph. A dimension that the file leaves open has its name, or ''. */
export interface OnnxValueInfo {
  readonly name: string;
  readonly type: OnnxType;
  /** Undefined where the file does not say how many dimensions it has. */
  readonly shape: readonly (number | string)[] | undefined;
}

/** An ONNX graph as plain data. */
export interface OnnxGraph {
  /** The file's name, for messages. */
  readonly source: string;
  /** Each node behind those that it reads. */
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  /** Initialisers and what Constant nodes hold, by name. */
  readonly constants: ReadonlyMap<string, Constant>;
  readonly metadata: Readonly<Record<string, string>>;
}

type AttributeKind = keyof typeof ATTRIBUTE_TYPES;

interface NodeParts {
  readonly op: string;
  readonly name: string;
  /** '' of ONNX's own ops. */
  readonly domain: string;
  /** Of its domain. */
  readonly opset: number;
  /** Undefined where an input is left out. */
  readonly inputs: readonly (string | undefined)[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, AttributeProto>;
  /** The file's name, for messages. */
  readonly source: string;
}

/** One node: an op, what it reads, what it gives, its attributes. */
export class OnnxNode {
  readonly op: string;
  readonly name: string;
  readonly domain: string;
  readonly opset: number;
  readonly inputs: NodeParts['inputs'];
  readonly outputs: readonly string[];

  constructor(private readonly parts: NodeParts) {
    this.op = parts.op;
    this.name = parts.name;
    this.domain = parts.domain;
    this.opset = parts.opset;
    this.inputs = parts.inputs;
    this.outputs = parts.outputs;
  }

  /** A node of our own that stands for some of the file's. */
  static standIn(
    op: string,
    last: OnnxNode,
    inputs: readonly string[],
    extra: readonly AttributeProto[] = [],
  ): OnnxNode {
    const attributes = new Map(extra.map((a) => [a.name, a]));
    return new OnnxNode({ ...last.parts, op, domain: OWN_DOMAIN, inputs, attributes });
  }

  /** The same node with more attributes, giving what a later one does. */
  endingAs(last: OnnxNode, extra: readonly AttributeProto[]): OnnxNode {
    const attributes = new Map([...this.parts.attributes, ...extra.map((a) => [a.name, a] as const)]);
    return new OnnxNode({ ...this.parts, name: last.name, outputs: last.outputs, attributes });
  }

  /** The same node with other inputs. */
  reading(inputs: NodeParts['inputs']): OnnxNode {
    return new OnnxNode({ ...this.parts, inputs });
  }

  /** What it is called in messages and by Grad-CAM: many exporters name no nodes, but all name outputs. */
  get label(): string {
    return this.name || this.outputs[0] || 'without a name';
  }

  get where(): string {
    return `${this.parts.source}: ${this.op} ${show(this.label)} (opset ${this.opset})`;
  }

  fail(problem: string): never {
    throw new UserError(`${this.where}: ${problem}`);
  }

  has(name: string): boolean {
    return this.parts.attributes.has(name);
  }

  private attribute(name: string, kind: AttributeKind): AttributeProto | undefined {
    const found = this.parts.attributes.get(name);
    // The oldest exporters leave the type out.
    if (found && found.type !== ATTRIBUTE_TYPES[kind] && found.type !== 0)
      this.fail(`its attribute ${name} is not of the type ${kind}; the file is damaged`);
    return found;
  }

  int(name: string, absent: number): number;
  int(name: string): number | undefined;
  int(name: string, absent?: number): number | undefined {
    const found = this.attribute(name, 'i');
    return found ? Number(found.i) : absent;
  }

  float(name: string, absent: number): number;
  float(name: string): number | undefined;
  float(name: string, absent?: number): number | undefined {
    return this.attribute(name, 'f')?.f ?? absent;
  }

  ints(name: string): number[] | undefined {
    return this.attribute(name, 'ints')?.ints.map(Number);
  }

  floats(name: string): readonly number[] | undefined {
    return this.attribute(name, 'floats')?.floats;
  }

  text(name: string, absent: string): string {
    const found = this.attribute(name, 's');
    return found ? new TextDecoder().decode(found.s) : absent;
  }

  tensor(name: string): Constant | undefined {
    const t = this.attribute(name, 't')?.t;
    return t && readTensor(t, `${this.where}: its ${name}`);
  }
}

/** The domain of nodes that stand for several of the file's. */
export const OWN_DOMAIN = 'tuningfork';
const OPSETS = [7, 22] as const;

/**
 * The graph of an ONNX file.
 * @throws UserError where it is damaged, not whole, or of an opset that is not read
 */
export function readGraph(bytes: Uint8Array, source: string, external?: ExternalData): OnnxGraph {
  const model = decodeModel(bytes, source);
  const { graph } = model;
  if (!graph) throw new UserError(`${source} holds no graph: it is no ONNX model, or damaged`);
  const opsets = opsetsOf(model, source);
  const constants = new Map<string, Constant>();
  for (const tensor of graph.initializer) {
    if (!tensor.name) throw new UserError(`${source}: an initialiser has no name; the file is damaged`);
    constants.set(tensor.name, readTensor(tensor, `${source}: initialiser`, external));
  }
  if (graph.sparseInitializer.length > 0)
    throw new UserError(`${source}: it has sparse initialisers, which are not read here; export it with dense ones`);
  const nodes: OnnxNode[] = [];
  for (const proto of graph.node) {
    const node = readNode(proto, opsets, source);
    const held = node.op === 'Constant' && node.domain === '' ? constantNode(node) : undefined;
    if (held) constants.set(node.outputs[0], { ...held, name: node.outputs[0] });
    else nodes.push(node);
  }
  const inputs = graph.input.filter(({ name }) => !constants.has(name)).map((info) => readInfo(info, source));
  const outputs = graph.output.map((info) => readInfo(info, source));
  if (outputs.length === 0) throw new UserError(`${source}: its graph has no output`);
  const metadata = Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value]));
  return { source, nodes: inOrder(nodes, inputs, constants, graph, source), inputs, outputs, constants, metadata };
}

function opsetsOf({ opsetImport }: ModelProto, source: string): ReadonlyMap<string, number> {
  const opsets = new Map(opsetImport.map(({ domain, version }) => [domainOf(domain), Number(version)]));
  const own = opsets.get('');
  if (own !== undefined && (own < OPSETS[0] || own > OPSETS[1]))
    throw new UserError(
      `${source} is written in opset ${own}, and ${OPSETS[0]} to ${OPSETS[1]} are read; export it with opset 17, or convert it with onnx.version_converter`,
    );
  return opsets;
}

const domainOf = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);

function readNode(proto: NodeProto, opsets: ReadonlyMap<string, number>, source: string): OnnxNode {
  const domain = domainOf(proto.domain);
  // An empty name stands for an input or output that is left out; those at the end need not be written at all.
  const inputs = proto.input.map((name) => name || undefined);
  const attributes = new Map(proto.attribute.map((a) => [a.name, a]));
  const opset = opsets.get(domain) ?? (domain === '' ? OPSETS[0] : 1);
  const { opType: op, name, output: outputs } = proto;
  return new OnnxNode({ op, name, domain, opset, inputs, outputs, attributes, source });
}

/** What a Constant node holds. */
function constantNode(node: OnnxNode): Constant {
  const number = node.float('value_float') ?? node.int('value_int');
  const list = node.floats('value_floats') ?? node.ints('value_ints');
  const type: OnnxType = node.has('value_float') || node.has('value_floats') ? 'float' : 'int64';
  const held =
    node.tensor('value') ??
    (number !== undefined ? constantOf([number], [], type) : undefined) ??
    (list ? constantOf(list, [list.length], type) : undefined);
  return held ?? node.fail('it holds no numbers');
}

export function readInfo({ name, type }: ValueInfoProto, source: string): OnnxValueInfo {
  const tensor = type?.tensorType;
  if (type && !tensor) throw new UserError(`${source}: ${name} is no tensor, and only tensors are computed here`);
  const element = tensor ? typeByNumber(tensor.elemType) : 'float';
  // Of an output the type may be left out.
  const known = element ?? (tensor?.elemType === 0 ? 'float' : undefined);
  if (!known) throw new UserError(`${source}: ${name} is of type number ${tensor?.elemType}, which is not read here`);
  const shape = tensor?.shape?.dim.map(({ dimValue, dimParam }) => (dimValue > 0n ? Number(dimValue) : dimParam));
  return { name, type: known, shape };
}

/**
 * The nodes, each behind those it reads. The format asks for this order, but not every exporter keeps it.
 * @throws UserError where a value comes from nowhere, from two nodes or from itself
 */
function inOrder(
  nodes: readonly OnnxNode[],
  inputs: readonly OnnxValueInfo[],
  constants: ReadonlyMap<string, Constant>,
  { output }: GraphProto,
  source: string,
): OnnxNode[] {
  const makers = new Map<string, OnnxNode>();
  const given = new Set([...inputs.map(({ name }) => name), ...constants.keys()]);
  for (const node of nodes)
    for (const name of node.outputs) {
      if (name && (makers.has(name) || given.has(name))) throw new UserError(`${source}: two nodes give ${show(name)}`);
      makers.set(name, node);
    }
  for (const { name } of output)
    if (!makers.has(name) && !given.has(name)) throw new UserError(`${source}: no node gives the output ${show(name)}`);
  const sorted: OnnxNode[] = [];
  const state = new Map<OnnxNode, 'open' | 'done'>();
  const stack = [...nodes].reverse();
  while (stack.length > 0) {
    const node = stack[stack.length - 1];
    if (state.get(node) === 'done') stack.pop();
    else if (state.get(node) === 'open') {
      state.set(node, 'done');
      sorted.push(node);
      stack.pop();
    } else {
      state.set(node, 'open');
      for (const name of node.inputs) {
        if (name === undefined || given.has(name)) continue;
        const maker = makers.get(name) ?? node.fail(`it reads ${show(name)}, which nothing gives`);
        if (state.get(maker) === 'open') node.fail(`it reads ${show(name)}, which is made from what it gives itself`);
        if (!state.has(maker)) stack.push(maker);
      }
    }
  }
  return sorted;
}
