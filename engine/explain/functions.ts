import * as ops from '../ops/pointwise.ts';
import { written } from './explanation.ts';
import { explainBinary, explainUnary, type Binary, type Unary } from './pointwise.ts';

const UNARY: readonly Unary[] = [
  {
    name: 'log1p',
    says: 'The logarithm of 1 + x, exact where x is small.',
    apply: ops.log1p,
    formula: 'log(1 + x[i])',
    slope: '1 / (1 + x[i])',
    line: 'case 35u: { return log_of_one_plus(v); }',
    slopeLine: 'return v / s;',
    data: [0, 1, 2, 3, 4, 5],
    value: (x) => written`log(1 + ${x})`,
    slopeAt: (x) => written`1 / (1 + ${x})`,
  },
  {
    name: 'expm1',
    says: 'The exponential function less 1, exact where x is small.',
    apply: ops.expm1,
    formula: 'exp(x[i]) − 1',
    slope: '(y[i] + 1)',
    line: 'case 34u: { return exponential_less_one(v); }',
    slopeLine: 'return v * s;',
    value: (x) => written`exp(${x}) − 1`,
    slopeAt: (_, y) => written`(${y} + 1)`,
  },
  {
    name: 'erf',
    says: 'The error function: how much of a bell curve lies within x, with a sign.',
    apply: ops.erf,
    formula: 'erf(x[i])',
    slope: '2 / √(π) · exp(−x[i] · x[i])',
    line: 'case 36u: { return error_function(v); }',
    value: (x) => written`erf(${x})`,
    slopeAt: (x) => written`${2 / Math.sqrt(Math.PI)} · exp(−${x} · ${x})`,
  },
  {
    name: 'reciprocal',
    says: 'One over x.',
    apply: ops.reciprocal,
    formula: '1 / x[i]',
    slope: '(−1) / (x[i] · x[i])',
    line: 'return s / v;',
    data: [-3, -2, -1, 1, 2, 4],
    value: (x) => written`1 / ${x}`,
    slopeAt: (x) => written`(−1) / (${x} · ${x})`,
  },
];

const POWER: Binary = {
  name: 'pow',
  says: 'x to the power a.',
  apply: ops.pow,
  formula: 'exp(a[c] · log(x[i, c]))',
  slopes: ['a[c] · exp((a[c] − 1) · log(x[i, c]))', 'y[i, c] · log(x[i, c])'],
  line: 'return power(v, s);',
  data: [3, 6, 2, 4, 5, 7],
  value: (x, a) => written`exp(${a} · log(${x}))`,
  toX: (x, a) => written`${a} · exp((${a} − 1) · log(${x}))`,
  toA: (x, a) => written`exp(${a} · log(${x})) · log(${x})`,
};

/** Functions of numbers that are no activations. */
export const FUNCTIONS = [...UNARY.map(explainUnary), explainBinary(POWER)];
