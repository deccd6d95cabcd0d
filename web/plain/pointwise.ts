import type { OperandMode, PointwiseName, PointwiseStage } from '../../kernels/pointwise/pointwise.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { attrsOf, type Evaluate } from './numbers.ts';

const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));

/** 2/√π · Σ 2ⁿ·x²ⁿ⁺¹·exp(−x²)/(1·3·5·…·(2n + 1)) (Abramowitz & Stegun 1964, 7.1.6); from 6 on it is 1. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
/** The part of a normal distribution below x, and its density. */
const normalBelow = (x: number): number => (1 + erf(x / Math.SQRT2)) / 2;
const normalDensity = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

/** Of two equally near whole numbers the even one. */
function roundToEven(v: number): number {
  const up = Math.round(v);
  return up - v === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

/** As C has it: 1 to any power is 1, and so is −1 to an infinite one. */
const pow = (v: number, s: number): number => (v === 1 || (v === -1 && Math.abs(s) === Infinity) ? 1 : v ** s);

const isPositiveOrNaN = (s: number): boolean => !(s <= 0);

/**
 * Each function of a number v and a second one, s, if it has that. The slopes, `..._grad`, take the cotangent as v and
 * what the function was given as s; those of sigmoid and tanh what it came to.
 */
export const FUNCTIONS: Readonly<Record<PointwiseName, (v: number, s: number) => number>> = {
  add: (v, s) => v + s,
  sub: (v, s) => v - s,
  rsub: (v, s) => s - v,
  mul: (v, s) => v * s,
  div: (v, s) => v / s,
  rdiv: (v, s) => s / v,
  max: (v, s) => Math.max(v, s),
  min: (v, s) => Math.min(v, s),
  exp: (v) => Math.exp(v),
  log: (v) => Math.log(v),
  sqrt: (v) => Math.sqrt(v),
  square: (v) => v * v,
  abs: (v) => Math.abs(v),
  sigmoid,
  tanh: (v) => Math.tanh(v),
  relu: (v) => Math.max(v, 0),
  silu: (v) => v * sigmoid(v),
  relu_grad: (v, s) => (isPositiveOrNaN(s) ? v : 0),
  silu_grad: (v, s) => v * sigmoid(s) * (1 + s * (1 - sigmoid(s))),
  sigmoid_grad: (v, s) => v * s * (1 - s),
  tanh_grad: (v, s) => v * (1 - s * s),
  abs_grad: (v, s) => v * Math.sign(s),
  // 1 where it holds, else 0.
  greater: (v, s) => Number(v > s),
  greater_equal: (v, s) => Number(v >= s),
  less: (v, s) => Number(v < s),
  less_equal: (v, s) => Number(v <= s),
  equal: (v, s) => Number(v === s),
  takes_max: (v, s) => Number(Number.isNaN(v) || v >= s),
  takes_min: (v, s) => Number(Number.isNaN(v) || v <= s),
  floor: (v) => Math.floor(v),
  ceil: (v) => Math.ceil(v),
  round: roundToEven,
  sign: (v) => Math.sign(v),
  expm1: (v) => Math.expm1(v),
  log1p: (v) => Math.log1p(v),
  erf,
  pow,
  gelu: (v) => v * normalBelow(v),
  gelu_grad: (v, s) => v * (normalBelow(s) + s * normalDensity(s)),
  hard_swish: (v) => (v * Math.min(Math.max(v + 3, 0), 6)) / 6,
  hard_swish_grad: (v, s) => v * (s <= -3 ? 0 : s >= 3 ? 1 : s / 3 + 0.5),
  softplus: (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))),
  unless: (v, s) => (isPositiveOrNaN(s) ? 0 : v),
};

/** Which element of the second operand belongs to element i: it may be smaller, and is repeated then. */
function operandAt(mode: OperandMode, { shape, size }: Tensor): (i: number) => number {
  const channels = shape[shape.length - 1];
  const sample = size / shape[0];
  switch (mode) {
    case 'full':
      return (i) => i;
    case 'channel':
      return (i) => i % channels;
    case 'sampleChannel':
      return (i) => Math.floor(i / sample) * channels + (i % channels);
    case 'sample':
      return (i) => Math.floor(i / sample);
    case 'scalar':
      return () => 0;
    default:
      throw new Error(`a graph has no operand of the mode ${mode}`);
  }
}

export const POINTWISE: Readonly<Record<string, Evaluate>> = {
  pointwise(t, x, a) {
    const [{ op, mode, immediate = NaN }] = attrsOf<{ stages: readonly PointwiseStage[] }>(t).stages;
    const f = FUNCTIONS[op];
    if (mode === 'immediate') return x.map((v) => f(v, immediate));
    const at = operandAt(mode, t);
    return x.map((v, i) => f(v, a[at(i)]));
  },
};
