const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));

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
