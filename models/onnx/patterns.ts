import { OnnxNode, type OnnxGraph } from './graph.ts';
import { ATTRIBUTE_TYPES, type AttributeProto } from './proto.ts';
import { liveNodes } from './run.ts';

/*
 * What exporters take apart: activations and norms that are one op here, as the nodes that they are written as.
 */

/** A value by a name of ours, a number, or what a node gives. `#name` is any one known number. */
type Pattern = string | number | NodePattern;

interface NodePattern {
  readonly op: string;
  /** The first of its inputs; what follows is for `fits`. */
  readonly from: readonly Pattern[];
  readonly fits?: (node: OnnxNode, numberAt: (i: number) => number | undefined) => boolean;
}

const COMMUTES = ['Add', 'Mul'];

const op =
  (name: string, fits?: NodePattern['fits']) =>
  (...from: readonly Pattern[]): NodePattern => ({ op: name, from, fits });
const near = (a: number | undefined, b: number): boolean => a !== undefined && Math.abs(a - b) <= 1e-5 * Math.abs(b);

interface Rule {
  /** The op that the nodes are: its inputs are x and those named here. */
  readonly op: string;
  readonly patterns: readonly Pattern[];
  readonly inputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, number | string>>;
}

/** Made when it is first asked for, as in ops/ops.ts. */
function makeRules(): readonly Rule[] {
  const [mul, add, sub, div, pow, erf, tanh, sigmoid, sqrt, softplus] = [
    ...['Mul', 'Add', 'Sub', 'Div', 'Pow', 'Erf', 'Tanh', 'Sigmoid', 'Sqrt', 'Softplus'],
  ].map((name) => op(name));

  const relu6 = op('Clip', (node, numberAt) => {
    const low = numberAt(1) ?? node.float('min');
    const high = numberAt(2) ?? node.float('max');
    return low === 0 && high === 6;
  });
  const sixths = op('HardSigmoid', (node) => near(node.float('alpha', 0.2), 1 / 6) && node.float('beta', 0.5) === 0.5);
  /** Over the last axis, which stays with the length 1. */
  const meanOfLast = op('ReduceMean', (node, numberAt) => {
    const axes = node.ints('axes') ?? [numberAt(1)];
    return node.int('keepdims', 1) === 1 && axes.length === 1 && axes[0] === -1;
  });

  const upTo6 = relu6(add('x', 3));
  const cubed: readonly Pattern[] = [pow('x', 3), mul('x', mul('x', 'x'))];
  const errorTerm: readonly Pattern[] = [div('x', Math.SQRT2), mul('x', Math.SQRT1_2)].map((s) => add(erf(s), 1));
  const tanhTerm: readonly Pattern[] = cubed.map((cube) =>
    add(tanh(mul(add('x', mul(cube, 0.044715)), Math.sqrt(2 / Math.PI))), 1),
  );
  /** x · term / 2, however it is put together. */
  const halfOf = (terms: readonly Pattern[]): Pattern[] =>
    terms.flatMap((term) => [mul(mul('x', term), 0.5), mul('x', mul(term, 0.5)), mul(mul('x', 0.5), term)]);

  const centred = sub('x', meanOfLast('x'));
  const standardised = [pow(centred, 2), mul(centred, centred)].map((squares) =>
    div(centred, sqrt(add(meanOfLast(squares), '#epsilon'))),
  );

  return [
    { op: 'Silu', patterns: [mul('x', sigmoid('x'))] },
    { op: 'Mish', patterns: [mul('x', tanh(softplus('x')))] },
    {
      op: 'HardSwish',
      patterns: [
        ...[div(mul('x', upTo6), 6), mul(mul('x', upTo6), 1 / 6)],
        ...[mul('x', div(upTo6, 6)), mul('x', mul(upTo6, 1 / 6)), mul('x', sixths('x'))],
      ],
    },
    { op: 'HardSigmoid', patterns: [div(upTo6, 6), mul(upTo6, 1 / 6)], attributes: { alpha: 1 / 6, beta: 0.5 } },
    { op: 'Gelu', patterns: halfOf(errorTerm) },
    { op: 'Gelu', patterns: halfOf(tanhTerm), attributes: { approximate: 'tanh' } },
    {
      op: 'LayerNormalization',
      patterns: standardised.map((y) => add(mul(y, 'gamma'), 'beta')),
      inputs: ['gamma', 'beta'],
    },
  ];
}

let made: readonly Rule[] | undefined;
const rules = () => (made ??= makeRules());

type Bound = ReadonlyMap<string, string>;

/** Finds the rules' nodes in a graph. */
class Matcher {
  private readonly makers: ReadonlyMap<string, OnnxNode>;

  constructor(private readonly graph: OnnxGraph) {
    this.makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  }

  numberAt(name: string | undefined): number | undefined {
    const c = this.graph.constants.get(name ?? '');
    return c?.data.length === 1 ? c.data[0] : undefined;
  }

  /** The names that fit, if this value is what the pattern says; `met` collects the nodes. */
  match(pattern: Pattern, value: string | undefined, bound: Bound, met: Set<OnnxNode>): Bound | undefined {
    if (value === undefined) return undefined;
    if (typeof pattern === 'number') return near(this.numberAt(value), pattern) ? bound : undefined;
    if (typeof pattern === 'string') {
      if (pattern.startsWith('#') && this.numberAt(value) === undefined) return undefined;
      const before = bound.get(pattern);
      if (before !== undefined) return before === value ? bound : undefined;
      return new Map([...bound, [pattern, value]]);
    }
    const node = this.makers.get(value);
    if (!node || node.op !== pattern.op || node.inputs.length < pattern.from.length) return undefined;
    if (pattern.fits && !pattern.fits(node, (i) => this.numberAt(node.inputs[i]))) return undefined;
    const orders = COMMUTES.includes(node.op) ? [node.inputs, [...node.inputs].reverse()] : [node.inputs];
    for (const inputs of orders) {
      const tried = new Set(met);
      let found: Bound | undefined = bound;
      pattern.from.forEach((part, i) => (found = found && this.match(part, inputs[i], found, tried)));
      if (!found) continue;
      for (const each of tried) met.add(each);
      met.add(node);
      return found;
    }
    return undefined;
  }
}

const attribute = (name: string, value: number | string): AttributeProto =>
  ({
    name,
    ...(typeof value === 'number'
      ? { f: value, type: ATTRIBUTE_TYPES.f }
      : { s: new TextEncoder().encode(value), type: ATTRIBUTE_TYPES.s }),
  }) as AttributeProto;

/** The graph with one node for each pattern; the nodes that were its parts are gone where nobody else reads them. */
export function recognisePatterns(graph: OnnxGraph): OnnxGraph {
  const matcher = new Matcher(graph);
  const readers = readersOf(graph);
  const nodes = graph.nodes.map((node) => {
    for (const { op: name, patterns, inputs = [], attributes = {} } of rules())
      for (const pattern of patterns) {
        const met = new Set<OnnxNode>();
        const bound = matcher.match(pattern, node.outputs[0], new Map(), met);
        if (!bound || !areInner(met, node, readers)) continue;
        const epsilon = matcher.numberAt(bound.get('#epsilon'));
        const extra = epsilon === undefined ? attributes : { ...attributes, epsilon };
        return OnnxNode.standIn(
          name,
          node,
          ['x', ...inputs].map((each) => bound.get(each)!),
          Object.entries(extra).map(([key, value]) => attribute(key, value)),
        );
      }
    return node;
  });
  const found = { ...graph, nodes: liveNodes(nodes, graph) };
  const joined = joinActivations(found);
  return { ...graph, nodes: liveNodes(joined, graph) };
}

/** Which nodes read a value; the graph's outputs are read by nobody known. */
function readersOf({ nodes, outputs }: OnnxGraph): Map<string, (OnnxNode | undefined)[]> {
  const readers = new Map<string, (OnnxNode | undefined)[]>(outputs.map(({ name }) => [name, [undefined]]));
  for (const node of nodes)
    for (const name of node.inputs) if (name) readers.set(name, [...(readers.get(name) ?? []), node]);
  return readers;
}

/** Whether only nodes of the pattern read what its nodes give, but for the last one. */
const areInner = (
  met: ReadonlySet<OnnxNode>,
  last: OnnxNode,
  readers: ReadonlyMap<string, readonly (OnnxNode | undefined)[]>,
): boolean =>
  [...met].every(
    (node) =>
      node === last || node.outputs.every((name) => (readers.get(name) ?? []).every((each) => each && met.has(each))),
  );

const JOINED: Readonly<Record<string, string>> = { Relu: 'relu', Silu: 'silu' };

/** Batch norm with the activation behind it is one pass over the images. */
function joinActivations(graph: OnnxGraph): OnnxNode[] {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readers = readersOf(graph);
  return graph.nodes.map((node) => {
    const before = makers.get(node.inputs[0] ?? '');
    const isAlone = readers.get(node.inputs[0] ?? '')?.length === 1;
    if (!Object.hasOwn(JOINED, node.op) || before?.op !== 'BatchNormalization' || !isAlone) return node;
    return before.endingAs(node, [attribute('activation', JOINED[node.op])]);
  });
}
