import * as ops from '../ops/activations.ts';
import { where } from '../ops/logic.ts';
import { elementOf, written, type Cell, type Explanation } from './explanation.ts';
import { COMPARED, explainBinary, explainUnary, sigmoidOf, type Binary, type Text, type Unary } from './pointwise.ts';

const density = (x: number): Text => written`${1 / Math.sqrt(2 * Math.PI)} · exp(−${x} · ${x} / 2)`;
const below = (x: number): Text => written`(1 + erf(${x} / ${Math.SQRT2})) / 2`;
/** What of a number is negative, as exp takes it. */
const bent = (x: number): Text => written`exp(min(${x}, 0))`;
const softplusOf = (x: number): Text => written`(max(${x}, 0) + log(1 + exp(−max(${x}, ${-x}))))`;
const [SCALE, BENT] = [1.0507009873554805, 1.7580993408473766];

const UNARY: readonly Unary[] = [
  {
    name: 'gelu',
    says: 'x times the share of a bell curve that lies below x.',
    apply: ops.gelu,
    formula: 'x[i] · (1 + erf(x[i] / √(2))) / 2',
    slope: '((1 + erf(x[i] / √(2))) / 2 + x[i] · exp(−x[i] · x[i] / 2) / √(2 · π))',
    line: 'return if_nan(v, v, v * normal_below(v, exp(-0.5 * v * v)));',
    slopeLine: 'return v * if_nan(s, s, normal_below(s, e) + s * e * 0.39894228);',
    value: (x) => written`${x} · (${below(x)})`,
    slopeAt: (x) => written`(${below(x)} + ${x} · ${density(x)})`,
  },
  {
    name: 'hard_sigmoid',
    says: 'A sigmoid of three straight lines.',
    apply: ops.hardSigmoid,
    formula: 'max(0, min(1, x[i] / 6 + 1 / 2))',
    slope: '(0 < y[i] < 1) / 6',
    where: COMPARED,
    data: [-4, -1, 0, 1, 2, 4],
    value: (x) => written`max(0, min(1, ${x} / 6 + 1 / 2))`,
    slopeAt: (x) => written`${Number(x > -3 && x < 3)} / 6`,
  },
  {
    name: 'hard_swish',
    says: 'x times a sigmoid of straight lines: silu without an exponential.',
    apply: ops.hardSwish,
    formula: 'x[i] · max(0, min(6, x[i] + 3)) / 6',
    slope: '((−3 < x[i] < 3) · (x[i] / 3 + 1 / 2) + (x[i] ≥ 3))',
    where: COMPARED,
    line: 'return v * (smaller(positive_part(v + 3.0), Value(6.0)) * 0.16666667);',
    slopeLine: 'return v * if_nan(s, s, select(inside, Value(1.0), s >= Value(3.0)));',
    data: [-4, -2, 0, 1, 2, 5],
    value: (x) => written`${x} · max(0, min(6, ${x} + 3)) / 6`,
    slopeAt: (x) => written`(${Number(x > -3 && x < 3)} · (${x} / 3 + 1 / 2) + ${Number(x >= 3)})`,
  },
  {
    name: 'leaky_relu',
    says: 'What is negative shrinks to a hundredth, so that it still has a slope.',
    apply: ops.leakyRelu,
    formula: 'max(0.01 · x[i], x[i])',
    slope: '((x[i] > 0) + 0.01 · (x[i] ≤ 0))',
    where: COMPARED,
    value: (x) => written`max(0.01 · ${x}, ${x})`,
    slopeAt: (x) => written`(${Number(x > 0)} + 0.01 · ${Number(x <= 0)})`,
  },
  {
    name: 'elu',
    says: 'What is negative bends towards −1.',
    apply: ops.elu,
    formula: 'max(x[i], 0) + exp(min(x[i], 0)) − 1',
    slope: '((x[i] > 0) + (x[i] ≤ 0) · exp(x[i]))',
    where: COMPARED,
    value: (x) => written`max(${x}, 0) + ${bent(x)} − 1`,
    slopeAt: (x) => written`(${Number(x > 0)} + ${Number(x <= 0)} · exp(${x}))`,
  },
  {
    name: 'selu',
    says: 'elu, scaled so that layers keep mean 0 and variance 1.',
    apply: ops.selu,
    formula: 'λ · (max(x[i], 0) + α · (exp(min(x[i], 0)) − 1))',
    slope: 'λ · ((x[i] > 0) + (x[i] ≤ 0) · α · exp(x[i]))',
    where: `λ = 1.0507 and α = 1.6733; ${COMPARED}`,
    value: (x) => written`${SCALE} · max(${x}, 0) + ${BENT} · (${bent(x)} − 1)`,
    slopeAt: (x) => written`(${SCALE} · ${Number(x > 0)} + ${BENT} · ${Number(x <= 0)} · exp(${x}))`,
  },
  {
    name: 'celu',
    says: 'elu whose slope has no step, whatever it bends to; here to −2.',
    apply: (x) => ops.celu(x, 2),
    formula: 'max(x[i], 0) + 2 · (exp(min(x[i], 0) / 2) − 1)',
    slope: '((x[i] > 0) + (x[i] ≤ 0) · exp(x[i] / 2))',
    where: COMPARED,
    value: (x) => written`max(${x}, 0) + 2 · (exp(min(${x}, 0) / 2) − 1)`,
    slopeAt: (x) => written`(${Number(x > 0)} + ${Number(x <= 0)} · exp(${x} / 2))`,
  },
  {
    name: 'softplus',
    says: 'relu without its corner.',
    apply: ops.softplus,
    formula: 'log(1 + exp(x[i]))',
    slope: '1 / (1 + exp(−x[i]))',
    line: 'positive_part(v) + log_of_one_plus(exp(-abs(v)))',
    value: (x) => written`${softplusOf(x)}`,
    slopeAt: (x) => written`(1 / (1 + exp(−${x})))`,
  },
  {
    name: 'softsign',
    says: 'Any number to one between −1 and 1, slower than tanh.',
    apply: ops.softsign,
    formula: 'x[i] / (1 + max(x[i], −x[i]))',
    slope: '1 / ((1 + max(x[i], −x[i])) · (1 + max(x[i], −x[i])))',
    value: (x) => written`${x} / (1 + max(${x}, ${-x}))`,
    slopeAt: (x) => written`(1 / ((1 + max(${x}, ${-x})) · (1 + max(${x}, ${-x}))))`,
  },
  {
    name: 'mish',
    says: 'x times the tanh of its softplus.',
    apply: ops.mish,
    formula: 'x[i] · tanh(log(1 + exp(x[i])))',
    slope: '(t + x[i] · (1 − t · t) · σ)',
    where: 't = tanh(log(1 + exp(x[i]))) and σ = 1 / (1 + exp(−x[i]))',
    value: (x) => written`${x} · tanh(${softplusOf(x)})`,
    slopeAt: (x) => {
      const t = Math.tanh(Math.log1p(Math.exp(x)));
      return written`(${t} + ${x} · (1 − ${t} · ${t}) · ${sigmoidOf(x)})`;
    },
  },
  {
    name: 'clip',
    says: 'What is too small or too large becomes the bound, here −1 and 2.',
    apply: (x) => ops.clip(x, -1, 2),
    formula: 'min(max(x[i], −1), 2)',
    slope: '(−1 ≤ x[i] ≤ 2)',
    where: COMPARED,
    value: (x) => written`min(max(${x}, −1), 2)`,
    slopeAt: (x) => [Number(x >= -1 && x <= 2)],
  },
  {
    name: 'relu6',
    says: 'relu that ends at 6.',
    apply: ops.relu6,
    formula: 'min(max(x[i], 0), 6)',
    slope: '(0 < x[i] ≤ 6)',
    where: COMPARED,
    data: [-2, 0, 1, 5, 6, 7],
    value: (x) => written`min(max(${x}, 0), 6)`,
    slopeAt: (x) => [Number(x > 0 && x <= 6)],
  },
  {
    name: 'thresholded_relu',
    says: 'What is not larger than 1 becomes 0.',
    apply: ops.thresholdedRelu,
    formula: 'x[i] · (x[i] > 1)',
    slope: '(x[i] > 1)',
    where: COMPARED,
    line: 'return where_positive(v, s);',
    value: (x) => written`${x} · ${Number(x > 1)}`,
    slopeAt: (x) => [Number(x > 1)],
  },
];

const PRELU: Binary = {
  name: 'prelu',
  says: 'What is negative is multiplied by a slope that is learned, one for each channel.',
  apply: ops.prelu,
  formula: 'max(x[i, c], 0) + a[c] · min(x[i, c], 0)',
  slopes: ['((x[i, c] > 0) + a[c] · (x[i, c] ≤ 0))', 'min(x[i, c], 0)'],
  where: COMPARED,
  value: (x, a) => written`max(${x}, 0) + ${a} · min(${x}, 0)`,
  toX: (x, a) => written`(${Number(x > 0)} + ${a} · ${Number(x <= 0)})`,
  toA: (x) => written`min(${x}, 0)`,
};

/** `from` a condition and a tensor: the cotangent of what was taken. */
const backOf = (name: 'dx' | 'dother', takenFor: number) => ({
  name,
  of: name.slice(1),
  formula: name === 'dx' ? 'dx[i] = condition[i] · dy[i]' : 'dother[i] = (1 − condition[i]) · dy[i]',
  behind(at: readonly number[], values: Parameters<typeof elementOf>[0]) {
    const condition = elementOf(values, { of: 'condition', at });
    const cells = [{ of: 'dy', at }];
    return { cells, arithmetic: written`${Number(condition === takenFor)} · ${elementOf(values, cells[0])}` };
  },
});

const CHOICE: Explanation = {
  name: 'where',
  says: 'One of two numbers, as a condition says: of the other not even a NaN shows.',
  settings: [],
  operands: () => [
    { name: 'condition', says: '1 where it holds, else 0', shape: [2, 3], data: [1, 0, 0, 1, 1, 0] },
    { name: 'x', says: 'what is taken where it holds', shape: [2, 3], data: [1, 2, 3, 4, 5, 6] },
    { name: 'other', says: 'what is taken elsewhere', shape: [2, 3], data: [-1, -2, -3, -4, -5, -6] },
  ],
  apply: ({ condition, x, other }) => where(condition, x, other),
  results: [
    {
      name: 'y',
      formula: 'y[i] = condition[i] · x[i] + (1 − condition[i]) · other[i]',
      behind(at, values) {
        const taken: Cell = { of: elementOf(values, { of: 'condition', at }) === 1 ? 'x' : 'other', at };
        return { cells: [taken], arithmetic: [elementOf(values, taken)] };
      },
    },
    backOf('dx', 1),
    backOf('dother', 0),
  ],
};

export const ACTIVATIONS = [...UNARY.map(explainUnary), explainBinary(PRELU), CHOICE];
