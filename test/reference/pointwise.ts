const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));

/** The complement of the error function, 1 − erf(x). */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2) return 1 - erf(x);
  // The continued fraction of Laplace, from its 200th term upwards (Abramowitz & Stegun 1964, 7.1.14).
  let fraction = x;
  for (let k = 200; k >= 1; k--) fraction = x + k / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}

/** The error function: the series without cancellation of Abramowitz & Stegun 1964, 7.1.6. */
export function erf(x: number): number {
  if (Math.abs(x) >= 2) return Math.sign(x) * (1 - erfc(Math.abs(x)));
  let [sum, term] = [x, x];
  for (let n = 1; n < 100; n++) sum += term *= (2 * x * x) / (2 * n + 1);
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** C's pow: JavaScript's is NaN for ±1 to the power of an infinity, and for 1 to that of NaN. */
const pow = (v: number, s: number) => (v === 1 || (v === -1 && Math.abs(s) === Infinity) ? 1 : v ** s);

const roundToEven = (v: number) => {
  const down = Math.floor(v);
  return v - down === 0.5 ? 2 * Math.floor((down + 1) / 2) : Math.round(v);
};

/**
 * The pointwise functions in float64 from their definitions; s is the second operand, of a derivative the primal (of
 * sigmoid and tanh the output).
 */
const FUNCTIONS: Readonly<Record<string, (v: number, s: number) => number>> = {
  add: (v, s) => v + s,
  sub: (v, s) => v - s,
  rsub: (v, s) => s - v,
  mul: (v, s) => v * s,
  div: (v, s) => v / s,
  rdiv: (v, s) => s / v,
  max: Math.max,
  min: Math.min,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  square: (v) => v * v,
  abs: Math.abs,
  sigmoid,
  tanh: Math.tanh,
  relu: (v) => Math.max(v, 0),
  silu: (v) => v / (1 + Math.exp(-v)),
  relu_grad: (v, s) => (s <= 0 ? 0 : v),
  silu_grad: (v, s) => v * (sigmoid(s) + s * sigmoid(s) * (1 - sigmoid(s))),
  sigmoid_grad: (v, s) => v * s * (1 - s),
  tanh_grad: (v, s) => v * (1 - s * s),
  abs_grad: (v, s) => v * Math.sign(s),
  takes_max: (v, s) => (Number.isNaN(v) ? 1 : Number.isNaN(s) ? 0 : Number(v >= s)),
  takes_min: (v, s) => (Number.isNaN(v) ? 1 : Number.isNaN(s) ? 0 : Number(v <= s)),
  expm1: Math.expm1,
  log1p: Math.log1p,
  erf,
  pow,
  gelu: (v) => (v * erfc(-v / Math.SQRT2)) / 2,
  gelu_grad: (v, s) => v * (erfc(-s / Math.SQRT2) / 2 + (s * Math.exp((-s * s) / 2)) / Math.sqrt(2 * Math.PI)),
  hard_swish: (v) => v * (Math.min(Math.max(v + 3, 0), 6) / 6),
  hard_swish_grad: (v, s) => v * (s <= -3 ? 0 : s >= 3 ? 1 : s / 3 + 0.5),
  softplus: (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))),
  unless: (v, s) => (s <= 0 ? v : 0),
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundToEven,
  sign: Math.sign,
  less: (v, s) => Number(v < s),
  less_equal: (v, s) => Number(v <= s),
  equal: (v, s) => Number(v === s),
  greater: (v, s) => Number(v > s),
  greater_equal: (v, s) => Number(v >= s),
};

export function pointwise(op: string, v: number, s: number): number {
  const f = FUNCTIONS[op];
  if (!f) throw new Error(`there is no reference for the pointwise function ${op}`);
  return f(v, s);
}

/**
 * Where element i of a tensor of shape `full` finds its operand, by NumPy's broadcasting; an operand of one number may
 * have any rank.
 */
export function operandAt(i: number, operand: readonly number[], full: readonly number[]): number {
  const size = operand.reduce((a, b) => a * b, 1);
  if (size === 1) return 0;
  let at = 0;
  let step = 1;
  for (let axis = full.length - 1, rest = i, d = operand.length - 1; axis >= 0; axis--, d--) {
    const place = rest % full[axis];
    rest = Math.floor(rest / full[axis]);
    const length = operand[d] ?? 1;
    if (length !== 1) at += place * step;
    step *= length;
  }
  return at;
}
