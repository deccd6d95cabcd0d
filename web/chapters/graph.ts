/*
 * Small graphs of single numbers, in float64: values forwards, cotangents backwards by reverse mode, and the same
 * gradient by a small change of an operand. The figure `graph` shows them.
 */

export type GraphOp = 'mul' | 'add' | 'sub' | 'relu' | 'sigmoid' | 'square';

/** How an op is written and computed; slopes are the derivatives of its value, one for each input. */
interface Rule {
  value(...inputs: number[]): number;
  slopes(y: number, ...inputs: number[]): readonly number[];
  /** With names or numbers put in. */
  written(...inputs: string[]): string;
  slopesWritten(y: string, ...inputs: string[]): readonly string[];
}

const step = (s: string) => [`(1 if ${s} > 0, else 0)`];

export const RULES: Readonly<Record<GraphOp, Rule>> = {
  mul: {
    value: (a, b) => a * b,
    slopes: (_, a, b) => [b, a],
    written: (a, b) => `${a} · ${b}`,
    slopesWritten: (_, a, b) => [b, a],
  },
  add: {
    value: (a, b) => a + b,
    slopes: () => [1, 1],
    written: (a, b) => `${a} + ${b}`,
    slopesWritten: () => ['1', '1'],
  },
  sub: {
    value: (a, b) => a - b,
    slopes: () => [1, -1],
    written: (a, b) => `${a} − ${b}`,
    slopesWritten: () => ['1', '−1'],
  },
  relu: {
    value: (s) => Math.max(s, 0),
    slopes: (_, s) => [s > 0 ? 1 : 0],
    written: (s) => `relu(${s})`,
    slopesWritten: (_, s) => step(s),
  },
  sigmoid: {
    value: (s) => 1 / (1 + Math.exp(-s)),
    slopes: (y) => [y * (1 - y)],
    written: (s) => `σ(${s})`,
    slopesWritten: (y) => [`${y} · (1 − ${y})`],
  },
  square: {
    value: (e) => e * e,
    slopes: (_, e) => [2 * e],
    written: (e) => `${e}²`,
    slopesWritten: (_, e) => [`2 · ${e}`],
  },
};

/** A node: given where it has no op. Inputs come before it in the list; `at` is its column and row in the picture. */
export interface GraphNode {
  readonly name: string;
  readonly op?: GraphOp;
  readonly inputs?: readonly string[];
  readonly at: readonly [column: number, row: number];
}

export interface GraphExample {
  readonly says: string;
  /** In an order in which they can be computed; the last is the loss. */
  readonly nodes: readonly GraphNode[];
  readonly given: Readonly<Record<string, number>>;
}

const given = (name: string, column: number, row: number): GraphNode => ({ name, at: [column, row] });
const made = (name: string, op: GraphOp, inputs: readonly string[], column: number, row: number): GraphNode => ({
  name,
  op,
  inputs,
  at: [column, row],
});

export const GRAPHS: Readonly<Record<string, GraphExample>> = {
  neuron: {
    says: 'y = relu(w · x + b), and the loss (y − t)²',
    nodes: [
      given('w', 0, 0),
      given('x', 1.2, 0),
      given('b', 1.9, 1),
      given('t', 2.5, 3),
      made('p', 'mul', ['w', 'x'], 0.6, 1),
      made('s', 'add', ['p', 'b'], 1.25, 2),
      made('y', 'relu', ['s'], 1.25, 3),
      made('e', 'sub', ['y', 't'], 1.9, 4),
      made('loss', 'square', ['e'], 0.5, 4),
    ],
    given: { w: 2, x: 3, b: -1, t: 2 },
  },
  residual: {
    says: 'y = relu(w · x) + x, and the loss (y − t)²: x is used twice',
    nodes: [
      given('w', 0, 0),
      given('x', 1.5, 0),
      given('t', 2.7, 3),
      made('p', 'mul', ['w', 'x'], 0.5, 1),
      made('r', 'relu', ['p'], 0.5, 2),
      made('y', 'add', ['r', 'x'], 1.5, 3),
      made('e', 'sub', ['y', 't'], 2.1, 4),
      made('loss', 'square', ['e'], 0.7, 4),
    ],
    given: { w: 0.5, x: 2, t: 1 },
  },
  'squeeze-excite': {
    says: 'One pixel x times its gate g = σ(w2 · relu(w1 · x)); its own mean is x',
    nodes: [
      given('w1', 0, 0),
      given('x', 2.3, 0),
      given('w2', 1.2, 2),
      given('t', 2.9, 4),
      made('p', 'mul', ['w1', 'x'], 0, 1),
      made('u', 'relu', ['p'], 0, 2),
      made('z', 'mul', ['u', 'w2'], 0, 3),
      made('g', 'sigmoid', ['z'], 1.3, 3),
      made('y', 'mul', ['g', 'x'], 1.7, 4),
      made('e', 'sub', ['y', 't'], 2.3, 5),
      made('loss', 'square', ['e'], 0.9, 5),
    ],
    given: { w1: 0.5, x: 2, w2: 2, t: 1 },
  },
};

/** What one input gets from one node: slope · arriving, added to what it had. */
export interface Flow {
  readonly from: string;
  readonly to: string;
  readonly slope: number;
  readonly slopeWritten: string;
  readonly arriving: number;
  readonly product: number;
  /** What other users had given to `to` before; absent where this is the first. */
  readonly before?: number;
  readonly after: number;
}

/** A step of the way: a node computed, the seed 1 at the loss, or a node that hands its cotangent to its inputs. */
export interface Step {
  readonly kind: 'forwards' | 'seed' | 'backwards';
  readonly node: GraphNode;
  /** Of a step backwards. */
  readonly flows: readonly Flow[];
}

export interface Run {
  readonly values: ReadonlyMap<string, number>;
  readonly cotangents: ReadonlyMap<string, number>;
  readonly steps: readonly Step[];
}

type Numbers = Readonly<Record<string, number>>;

function forwards({ nodes }: GraphExample, operands: Numbers): Map<string, number> {
  const values = new Map(Object.entries(operands));
  for (const { name, op, inputs } of nodes)
    if (op) values.set(name, RULES[op].value(...inputs!.map((input) => values.get(input)!)));
  return values;
}

export const lossOf = ({ nodes }: GraphExample): string => nodes[nodes.length - 1].name;

/** Values and cotangents of every node, and the steps in which they come about. */
export function run(example: GraphExample, operands: Numbers = example.given): Run {
  const values = forwards(example, operands);
  const computed = example.nodes.filter(({ op }) => op);
  const cotangents = new Map([[lossOf(example), 1]]);
  const hand = (node: GraphNode): Step => {
    const { name, op, inputs } = node;
    const numbers = inputs!.map((input) => values.get(input)!);
    const slopes = RULES[op!].slopes(values.get(name)!, ...numbers);
    const written = RULES[op!].slopesWritten(name, ...inputs!);
    const arriving = cotangents.get(name)!;
    const flows = inputs!.map((to, i): Flow => {
      const before = cotangents.get(to);
      const product = arriving * slopes[i];
      const after = (before ?? 0) + product;
      cotangents.set(to, after);
      return { from: name, to, slope: slopes[i], slopeWritten: written[i], arriving, product, before, after };
    });
    return { kind: 'backwards', node, flows };
  };
  const [last] = computed.slice(-1);
  const steps: Step[] = [
    ...computed.map((node): Step => ({ kind: 'forwards', node, flows: [] })),
    { kind: 'seed', node: last, flows: [] },
    ...[...computed].reverse().map(hand),
  ];
  return { values, cotangents, steps };
}

/** The loss with one operand a little larger and a little smaller, and the slope that follows (central difference). */
export function smallChange(example: GraphExample, operands: Numbers, name: string, by = 0.001) {
  const lossAt = (value: number) => forwards(example, { ...operands, [name]: value }).get(lossOf(example))!;
  const [above, below] = [lossAt(operands[name] + by), lossAt(operands[name] - by)];
  return { above, below, by, slope: (above - below) / (2 * by) };
}
