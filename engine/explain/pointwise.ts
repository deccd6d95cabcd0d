import * as ops from '../ops/pointwise.ts';
import type { Tensor } from '../tensor.ts';
import { elementOf, joined, written, type Behind, type Explanation, type Values } from './explanation.ts';

export type Text = Behind['arithmetic'];

/** A function of one number: what it gives and its slope, as formulas and with numbers put in; `y` is the output. */
export interface Unary {
  readonly name: string;
  readonly says: string;
  /** Its chapter in docs/, without ending. */
  readonly chapter?: string;
  readonly apply: (x: Tensor) => Tensor;
  readonly formula: string;
  readonly slope: string;
  readonly where?: string;
  /** Lines of kernels/pointwise. */
  readonly line?: string;
  readonly slopeLine?: string;
  readonly data?: readonly number[];
  value(x: number): Text;
  slopeAt(x: number, y: number): Text;
}

export const sigmoidOf = (x: number) => 1 / (1 + Math.exp(-x));
const SIGMOID = '1 / (1 + exp(−x))';

const CHAPTER = '04-activations';

const UNARY: readonly Unary[] = [
  {
    name: 'relu',
    says: 'What is negative becomes 0.',
    chapter: CHAPTER,
    apply: ops.relu,
    formula: 'max(x[i], 0)',
    slope: '(y[i] > 0)',
    where: 'a comparison counts 1 where it holds, else 0',
    line: 'return positive_part(v);',
    slopeLine: 'return where_positive(v, s);',
    value: (x) => written`max(${x}, 0)`,
    slopeAt: (_, y) => [Number(y > 0)],
  },
  {
    name: 'silu',
    says: 'x times its own sigmoid: smooth, and close to relu away from 0.',
    chapter: CHAPTER,
    apply: ops.silu,
    formula: 'x[i] / (1 + exp(−x[i]))',
    slope: 'σ · (1 + x[i] · (1 − σ))',
    where: `σ = ${SIGMOID}`,
    line: 'return v / (1.0 + exp(-v));',
    slopeLine: 'return v * g * (1.0 + s * (1.0 - g));',
    value: (x) => written`${x} / (1 + exp(−${x}))`,
    slopeAt: (x) => written`${sigmoidOf(x)} · (1 + ${x} · (1 − ${sigmoidOf(x)}))`,
  },
  {
    name: 'sigmoid',
    says: 'Any number to one between 0 and 1.',
    chapter: CHAPTER,
    apply: ops.sigmoid,
    formula: '1 / (1 + exp(−x[i]))',
    slope: 'y[i] · (1 − y[i])',
    line: 'case 14u: { return sigmoid(v); }',
    slopeLine: 'return v * s * (1.0 - s);',
    value: (x) => written`1 / (1 + exp(−${x}))`,
    slopeAt: (_, y) => written`${y} · (1 − ${y})`,
  },
  {
    name: 'tanh',
    says: 'Any number to one between −1 and 1.',
    chapter: CHAPTER,
    apply: ops.tanh,
    formula: 'tanh(x[i])',
    slope: '(1 − y[i] · y[i])',
    line: 'return hyperbolic_tangent(v);',
    slopeLine: 'return v * (1.0 - s * s);',
    value: (x) => written`tanh(${x})`,
    slopeAt: (_, y) => written`(1 − ${y} · ${y})`,
  },
  {
    name: 'exp',
    says: 'The exponential function.',
    apply: ops.exp,
    formula: 'exp(x[i])',
    slope: 'y[i]',
    line: 'return exponential(v);',
    slopeLine: 'return v * s;',
    value: (x) => written`exp(${x})`,
    slopeAt: (_, y) => [y],
  },
  {
    name: 'log',
    says: 'The natural logarithm.',
    apply: ops.log,
    formula: 'log(x[i])',
    slope: '1 / x[i]',
    line: 'return logarithm(v);',
    slopeLine: 'return v / s;',
    data: [1, 2, 3, 4, 5, 6],
    value: (x) => written`log(${x})`,
    slopeAt: (x) => written`1 / ${x}`,
  },
  {
    name: 'sqrt',
    says: 'The square root.',
    apply: ops.sqrt,
    formula: '√(x[i])',
    slope: '0.5 / y[i]',
    line: 'return sqrt(v);',
    slopeLine: 'return v / s;',
    data: [1, 2, 4, 9, 16, 25],
    value: (x) => written`√(${x})`,
    slopeAt: (_, y) => written`0.5 / ${y}`,
  },
  {
    name: 'square',
    says: 'The square.',
    apply: ops.square,
    formula: 'x[i] · x[i]',
    slope: '2 · x[i]',
    line: 'return v * v;',
    slopeLine: 'return v * s;',
    value: (x) => written`${x} · ${x}`,
    slopeAt: (x) => written`2 · ${x}`,
  },
  {
    name: 'abs',
    says: 'The size without the sign.',
    apply: ops.abs,
    formula: 'max(x[i], −x[i])',
    slope: 'sign(x[i])',
    where: 'sign is −1, 0 or 1',
    line: 'return abs(v);',
    slopeLine: 'return v * if_nan(s, s, sign(s));',
    value: (x) => written`max(${x}, ${-x})`,
    slopeAt: (x) => [Math.sign(x)],
  },
  {
    name: 'neg',
    says: 'The same with the other sign.',
    apply: ops.neg,
    formula: '−x[i]',
    slope: '(−1)',
    line: 'return v * s;',
    slopeLine: 'return v * s;',
    value: (x) => written`−1 · ${x}`,
    slopeAt: () => [-1],
  },
];

export const explainUnary = ({
  name,
  says,
  chapter,
  apply,
  formula,
  slope,
  where,
  line,
  slopeLine,
  data = [-2, -1, 0, 1, 2, 3],
  value,
  slopeAt,
}: Unary): Explanation => ({
  name,
  says,
  ...(chapter !== undefined && { chapter }),
  settings: [],
  operands: () => [{ name: 'x', says: 'numbers, each by itself', shape: [2, 3], data }],
  apply: ({ x }) => apply(x),
  results: [
    {
      name: 'y',
      formula: `y[i] = ${formula}`,
      line,
      behind: (at, values) => ({ cells: [{ of: 'x', at }], arithmetic: value(elementOf(values, { of: 'x', at })) }),
    },
    {
      name: 'dx',
      of: 'x',
      formula: `dx[i] = dy[i] · ${slope}`,
      where,
      line: slopeLine,
      behind(at, values) {
        const [x, y, dy] = ['x', 'y', 'dy'].map((of) => elementOf(values, { of, at }));
        return {
          cells: [
            { of: 'dy', at },
            { of: 'x', at },
          ],
          arithmetic: written`${dy} · ${slopeAt(x, y)}`,
        };
      },
    },
  ],
});

/** A function of two numbers; `toX` and `toA` are the slopes. */
export interface Binary {
  readonly name: string;
  readonly says: string;
  readonly apply: (x: Tensor, a: Tensor) => Tensor;
  readonly formula: string;
  readonly slopes: readonly [x: string, a: string];
  readonly where?: string;
  readonly line?: string;
  readonly data?: readonly number[];
  value(x: number, a: number): Text;
  toX(x: number, a: number): Text;
  toA(x: number, a: number): Text;
}

export const COMPARED = 'a comparison counts 1 where it holds, else 0';

const BINARY: readonly Binary[] = [
  {
    name: 'add',
    says: 'The sum.',
    apply: ops.add,
    formula: 'x[i, c] + a[c]',
    slopes: ['1', '1'],
    line: 'return v + s;',
    value: (x, a) => written`${x} + ${a}`,
    toX: () => [1],
    toA: () => [1],
  },
  {
    name: 'sub',
    says: 'The difference.',
    apply: ops.sub,
    formula: 'x[i, c] − a[c]',
    slopes: ['1', '(−1)'],
    line: 'return v - s;',
    value: (x, a) => written`${x} − ${a}`,
    toX: () => [1],
    toA: () => [-1],
  },
  {
    name: 'rsub',
    says: 'The difference the other way round.',
    apply: ops.rsub,
    formula: 'a[c] − x[i, c]',
    slopes: ['(−1)', '1'],
    line: 'return s - v;',
    value: (x, a) => written`${a} − ${x}`,
    toX: () => [-1],
    toA: () => [1],
  },
  {
    name: 'mul',
    says: 'The product, element by element.',
    apply: ops.mul,
    formula: 'x[i, c] · a[c]',
    slopes: ['a[c]', 'x[i, c]'],
    line: 'return v * s;',
    value: (x, a) => written`${x} · ${a}`,
    toX: (_, a) => [a],
    toA: (x) => [x],
  },
  {
    name: 'div',
    says: 'The quotient, element by element.',
    apply: ops.div,
    formula: 'x[i, c] / a[c]',
    slopes: ['1 / a[c]', '(−x[i, c]) / (a[c] · a[c])'],
    line: 'return v / s;',
    value: (x, a) => written`${x} / ${a}`,
    toX: (_, a) => written`1 / ${a}`,
    toA: (x, a) => written`${-x} / (${a} · ${a})`,
  },
  {
    name: 'maximum',
    says: 'The larger of two; at a tie all of the cotangent goes to x.',
    apply: ops.maximum,
    formula: 'max(x[i, c], a[c])',
    slopes: ['(x[i, c] ≥ a[c])', '(x[i, c] < a[c])'],
    where: COMPARED,
    line: 'return larger(v, s);',
    value: (x, a) => written`max(${x}, ${a})`,
    toX: (x, a) => [Number(x >= a)],
    toA: (x, a) => [Number(x < a)],
  },
  {
    name: 'minimum',
    says: 'The smaller of two; at a tie all of the cotangent goes to x.',
    apply: ops.minimum,
    formula: 'min(x[i, c], a[c])',
    slopes: ['(x[i, c] ≤ a[c])', '(x[i, c] > a[c])'],
    where: COMPARED,
    line: 'return smaller(v, s);',
    value: (x, a) => written`min(${x}, ${a})`,
    toX: (x, a) => [Number(x <= a)],
    toA: (x, a) => [Number(x > a)],
  },
];

const both = (values: Values, at: readonly number[]) =>
  [elementOf(values, { of: 'x', at }), elementOf(values, { of: 'a', at: [at[1]] })] as const;

export const explainBinary = ({
  name,
  says,
  apply,
  formula,
  slopes,
  where,
  line,
  data = [3, -1, 2, 4, 0, -2],
  value,
  toX,
  toA,
}: Binary): Explanation => ({
  name,
  says,
  settings: [],
  operands: () => [
    { name: 'x', says: 'numbers [i, c]', shape: [2, 3], data },
    {
      name: 'a',
      says: 'one for each column [c], repeated over i: the smaller tensor is broadcast, and its gradient summed',
      shape: [3],
      data: [2, -1, 1],
    },
  ],
  apply: ({ x, a }) => apply(x, a),
  results: [
    {
      name: 'y',
      formula: `y[i, c] = ${formula}`,
      line,
      behind: (at, values) => ({
        cells: [
          { of: 'x', at },
          { of: 'a', at: [at[1]] },
        ],
        arithmetic: value(...both(values, at)),
      }),
    },
    {
      name: 'dx',
      of: 'x',
      formula: `dx[i, c] = dy[i, c] · ${slopes[0]}`,
      where,
      behind: (at, values) => ({
        cells: [
          { of: 'dy', at },
          { of: 'x', at },
          { of: 'a', at: [at[1]] },
        ],
        arithmetic: written`${elementOf(values, { of: 'dy', at })} · ${toX(...both(values, at))}`,
      }),
    },
    {
      name: 'da',
      of: 'a',
      formula: `da[c] = Σ_{i} dy[i, c] · ${slopes[1]}`,
      where,
      behind([c], values) {
        const column = Array.from({ length: values.x.shape[0] }, (_, i) => [i, c]);
        return {
          cells: column.flatMap((at) => [
            { of: 'dy', at },
            { of: 'x', at },
          ]),
          arithmetic: joined(
            column.map((at) => written`${elementOf(values, { of: 'dy', at })} · ${toA(...both(values, at))}`),
            ' + ',
          ),
        };
      },
    },
  ],
});

export const POINTWISE = [...UNARY.map(explainUnary), ...BINARY.map(explainBinary)];
