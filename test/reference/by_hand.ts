import * as reference from './pointwise.ts';
import { randomUniform } from './random.ts';

/*
 * What the examples of explanations and chapters come to, in float64, from the operands that are shown. Forwards each
 * op is its definition. Its gradients are the derivatives of that definition: each number carries its derivative with
 * respect to one chosen number along (forward-mode differentiation, Wengert 1964). So nothing here knows the gradient
 * formulas that are taught, and nothing is shared with the engine.
 */

/** A number, and how it changes with the one number that is asked about. */
interface Dual {
  readonly v: number;
  readonly d: number;
}
const num = (v: number, d = 0): Dual => ({ v, d });
const ZERO = num(0);
const add = (a: Dual, b: Dual) => num(a.v + b.v, a.d + b.d);
const mul = (a: Dual, b: Dual) => num(a.v * b.v, a.d * b.v + a.v * b.d);
const neg = (a: Dual) => num(-a.v, -a.d);
const sub = (a: Dual, b: Dual) => add(a, neg(b));
const inverse = (a: Dual) => num(1 / a.v, -a.d / a.v ** 2);
const div = (a: Dual, b: Dual) => mul(a, inverse(b));
const exp = (a: Dual) => num(Math.exp(a.v), Math.exp(a.v) * a.d);
const log = (a: Dual) => num(Math.log(a.v), a.d / a.v);
const sqrt = (a: Dual) => num(Math.sqrt(a.v), a.d / (2 * Math.sqrt(a.v)));
const tanh = (a: Dual) => num(Math.tanh(a.v), a.d / Math.cosh(a.v) ** 2);
const erf = (a: Dual) => num(reference.erf(a.v), (2 / Math.sqrt(Math.PI)) * Math.exp(-a.v * a.v) * a.d);
const softplus = (a: Dual) => log(add(num(1), exp(a)));
const scaled = (by: number, a: Dual) => mul(num(by), a);
/** `a` where it is positive, else `b`. */
const bent = (a: Dual, b: Dual) => (a.v > 0 ? a : b);
const between = (a: Dual, low: number, high: number) => (a.v < low ? num(low) : a.v > high ? num(high) : a);
const sigmoid = (a: Dual) => inverse(add(num(1), exp(neg(a))));
const total = (all: readonly Dual[]) => all.reduce(add, ZERO);
const mean = (all: readonly Dual[]) => div(total(all), num(all.length));
/** The first of equals. */
const largest = (all: readonly Dual[]) => all.reduce((best, a) => (a.v > best.v ? a : best));

type Index = readonly number[];
interface Grid {
  readonly shape: Index;
  readonly at: (...index: number[]) => Dual;
}
interface Made {
  readonly shape: Index;
  readonly data: readonly Dual[];
}
export interface Shown {
  readonly shape: Index;
  readonly data: ArrayLike<number>;
}
type Grids = Readonly<Record<string, Grid>>;
type Settings = Readonly<Record<string, number>>;

const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const offsetIn = (shape: Index, index: Index) => index.reduce((offset, i, axis) => offset * shape[axis] + i, 0);
const indices = (shape: Index): number[][] =>
  shape.reduce<number[][]>((all, length) => all.flatMap((at) => upTo(length).map((i) => [...at, i])), [[]]);
const over = (shape: Index, f: (...index: number[]) => Dual): Made => ({
  shape,
  data: indices(shape).map((at) => f(...at)),
});
const row = (g: Grid, i: number) => upTo(g.shape[1]).map((k) => g.at(i, k));
const column = (g: Grid, c: number) => upTo(g.shape[0]).map((i) => g.at(i, c));

/** The pixels under a window of `size`, with their places in it; undefined outside of the image. */
function window(x: Grid, size: Index, { stride, padding }: Settings, [n, ho, wo, c]: Index) {
  return indices(size).map(([r, s]) => {
    const [h, v] = [ho * stride + r - padding, wo * stride + s - padding];
    const inside = h >= 0 && h < x.shape[1] && v >= 0 && v < x.shape[2];
    return { r, s, pixel: inside ? x.at(n, h, v, c) : undefined };
  });
}
const slid = ({ shape: [n, h, v] }: Grid, size: Index, { stride, padding }: Settings, channels: number): number[] => [
  n,
  Math.floor((h + 2 * padding - size[0]) / stride) + 1,
  Math.floor((v + 2 * padding - size[1]) / stride) + 1,
  channels,
];
const pooled = (x: Grid, s: Settings, f: (pixels: readonly (Dual | undefined)[]) => Dual): Made =>
  over(slid(x, [s.size, s.size], s, x.shape[3]), (...at) =>
    f(window(x, [s.size, s.size], s, at).map(({ pixel }) => pixel)),
  );

const normalised = (x: Dual, m: Dual, variance: Dual, { gamma, beta }: Grids, c: number) =>
  add(mul(gamma.at(c), div(sub(x, m), sqrt(add(variance, num(1e-5))))), beta.at(c));
const logSum = (all: readonly Dual[]) => log(total(all.map(exp)));
const unary =
  (f: (x: Dual) => Dual) =>
  ({ x }: Grids) =>
    over(x.shape, (...at) => f(x.at(...at)));
const binary =
  (f: (x: Dual, a: Dual) => Dual) =>
  ({ x, a }: Grids) =>
    over(x.shape, (i, c) => f(x.at(i, c), a.at(c)));
/** The mask over the first axis or over all elements, for the seed and the rate of the examples. */
const dropped = ({ x, seed }: Grids, draws: number): Made => {
  const random = randomUniform(draws, seed.at(0).v, seed.at(1).v, 0);
  const each = x.shape.reduce((a, b) => a * b, 1) / draws;
  return over(x.shape, (...at) => {
    const kept = random[Math.floor(offsetIn(x.shape, at) / each)] >= 0.5;
    return kept ? mul(x.at(...at), num(2)) : ZERO;
  });
};

/** Each op by its definition. */
const FORWARD: Readonly<Record<string, (operands: Grids, settings: Settings) => Made>> = {
  conv2d: ({ x, w }, s) =>
    over(slid(x, w.shape, s, w.shape[3]), (n, ho, wo, k) =>
      total(
        upTo(x.shape[3]).flatMap((c) =>
          window(x, w.shape.slice(0, 2), s, [n, ho, wo, c]).map(({ r, s: t, pixel }) =>
            pixel ? mul(pixel, w.at(r, t, c, k)) : ZERO,
          ),
        ),
      ),
    ),
  conv_transpose2d: ({ x, w }, { stride, padding }) => {
    const [n, H, W, C] = x.shape;
    const length = (inside: number, taps: number) => (inside - 1) * stride + taps - 2 * padding;
    const y = new Map<string, Dual>();
    for (const [i, h, v, c] of indices([n, H, W, C]))
      for (const [r, s, k] of indices(w.shape.slice(0, 3))) {
        const to = [i, h * stride + r - padding, v * stride + s - padding, k].join();
        y.set(to, add(y.get(to) ?? ZERO, mul(x.at(i, h, v, c), w.at(r, s, k, c))));
      }
    return over([n, length(H, w.shape[0]), length(W, w.shape[1]), w.shape[2]], (...at) => y.get(at.join()) ?? ZERO);
  },
  depthwise_conv2d: ({ x, w }, s) =>
    over(slid(x, w.shape, s, x.shape[3]), (n, ho, wo, c) =>
      total(
        window(x, w.shape.slice(0, 2), s, [n, ho, wo, c]).map(({ r, s: t, pixel }) =>
          pixel ? mul(pixel, w.at(r, t, c)) : ZERO,
        ),
      ),
    ),
  matmul: ({ a, b }) =>
    over([a.shape[0], b.shape[1]], (m, n) => total(upTo(a.shape[1]).map((k) => mul(a.at(m, k), b.at(k, n))))),
  batch_matmul: ({ a, b }) =>
    over([b.shape[0], a.shape[0], b.shape[2]], (z, m, n) =>
      total(upTo(a.shape[1]).map((k) => mul(a.at(m, k), b.at(z, k, n)))),
    ),
  batch_norm: (o) =>
    over(o.x.shape, (i, c) => {
      const m = mean(column(o.x, c));
      const squares = column(o.x, c).map((v) => mul(sub(v, m), sub(v, m)));
      return normalised(o.x.at(i, c), m, mean(squares), o, c);
    }),
  batch_norm_inference: (o) =>
    over(o.x.shape, (i, c) => normalised(o.x.at(i, c), o.stats.at(0, c), o.stats.at(1, c), o, c)),
  max_pool2d: ({ x }, s) => pooled(x, s, (pixels) => largest(pixels.filter((p) => p !== undefined))),
  avg_pool2d: ({ x }, s) => pooled(x, s, (pixels) => mean(pixels.map((p) => p ?? ZERO))),
  // [1, 3, 5, 1] to [1, 2, 2, 1]: rows 0 to 1 and 1 to 2, columns 0 to 2 and 2 to 4.
  adaptive_avg_pool2d: ({ x }) =>
    over([1, 2, 2, 1], (n, ho, wo, c) =>
      mean([0, 1].flatMap((h) => [0, 1, 2].map((v) => x.at(n, ho + h, 2 * wo + v, c)))),
    ),
  global_avg_pool: ({ x: { shape, at } }) =>
    over([shape[0], shape[3]], (n, c) => mean(indices([shape[1], shape[2]]).map(([h, v]) => at(n, h, v, c)))),
  softmax: ({ x }) => over(x.shape, (n, k) => div(exp(x.at(n, k)), total(row(x, n).map(exp)))),
  log_softmax: ({ x }) => over(x.shape, (n, k) => sub(x.at(n, k), logSum(row(x, n)))),
  softmax_cross_entropy: ({ logits, targets }) =>
    over([logits.shape[0]], (n) =>
      total(row(logits, n).map((x, k) => mul(targets.at(n, k), sub(logSum(row(logits, n)), x)))),
    ),
  relu: unary((x) => (x.v > 0 ? x : ZERO)),
  silu: unary((x) => mul(x, sigmoid(x))),
  sigmoid: unary(sigmoid),
  tanh: unary(tanh),
  exp: unary(exp),
  log: unary(log),
  sqrt: unary(sqrt),
  square: unary((x) => mul(x, x)),
  abs: unary((x) => (x.v > 0 ? x : x.v < 0 ? neg(x) : ZERO)),
  neg: unary(neg),
  log1p: unary((x) => log(add(num(1), x))),
  expm1: unary((x) => sub(exp(x), num(1))),
  erf: unary(erf),
  reciprocal: unary(inverse),
  pow: binary((x, a) => exp(mul(a, log(x)))),
  gelu: unary((x) => scaled(0.5, mul(x, add(num(1), erf(scaled(Math.SQRT1_2, x)))))),
  hard_sigmoid: unary((x) => between(add(scaled(1 / 6, x), num(0.5)), 0, 1)),
  hard_swish: unary((x) => mul(x, between(add(scaled(1 / 6, x), num(0.5)), 0, 1))),
  leaky_relu: unary((x) => bent(x, scaled(0.01, x))),
  elu: unary((x) => bent(x, sub(exp(x), num(1)))),
  selu: unary((x) => scaled(1.0507009873554805, bent(x, scaled(1.6732632423543772, sub(exp(x), num(1)))))),
  celu: unary((x) => bent(x, scaled(2, sub(exp(scaled(0.5, x)), num(1))))),
  softplus: unary(softplus),
  softsign: unary((x) => div(x, add(num(1), x.v < 0 ? neg(x) : x))),
  mish: unary((x) => mul(x, tanh(softplus(x)))),
  clip: unary((x) => between(x, -1, 2)),
  relu6: unary((x) => (x.v > 0 ? between(x, 0, 6) : ZERO)),
  thresholded_relu: unary((x) => (x.v > 1 ? x : ZERO)),
  prelu: binary((x, a) => bent(x, mul(a, x))),
  where: ({ condition, x, other }) =>
    over(x.shape, (...at) => (condition.at(...at).v === 1 ? x.at(...at) : other.at(...at))),
  add: binary(add),
  sub: binary(sub),
  rsub: binary((x, a) => sub(a, x)),
  mul: binary(mul),
  div: binary(div),
  maximum: binary((x, a) => (x.v >= a.v ? x : a)),
  minimum: binary((x, a) => (x.v <= a.v ? x : a)),
  sum: ({ x }) => over([x.shape[0], 1], (i) => total(row(x, i))),
  max: ({ x }) => over([x.shape[0], 1], (i) => largest(row(x, i))),
  min: ({ x }) => over([x.shape[0], 1], (i) => neg(largest(row(x, i).map(neg)))),
  prod: ({ x }) => over([x.shape[0], 1], (i) => row(x, i).reduce(mul, num(1))),
  log_sum_exp: ({ x }) => over([x.shape[0], 1], (i) => logSum(row(x, i))),
  l1_norm: ({ x }) => over([x.shape[0], 1], (i) => total(row(x, i).map((v) => (v.v < 0 ? neg(v) : v)))),
  l2_norm: ({ x }) => over([x.shape[0], 1], (i) => sqrt(total(row(x, i).map((v) => mul(v, v))))),
  global_max_pool: ({ x: { shape, at } }) =>
    over([shape[0], shape[3]], (n, c) => largest(indices([shape[1], shape[2]]).map(([h, v]) => at(n, h, v, c)))),
  mean: ({ x }) => over([1, x.shape[1]], (_, c) => mean(column(x, c))),
  broadcast_to: ({ x }) => over([3, 4], (_, c) => x.at(c)),
  sum_to: ({ x }) => over([4], (c) => total(column(x, c))),
  reshape: ({ x }) => over([2, 6], (o, p) => x.at(Math.floor((6 * o + p) / 4), (6 * o + p) % 4)),
  row: ({ x }) => over([4], (c) => x.at(1, c)),
  transpose: ({ x }) => over([4, 3], (c, i) => x.at(i, c)),
  slice: ({ x }) => over([2, 3], (i, j) => x.at(i, 4 - 2 * j)),
  split: ({ x }) => over([2, 3], (i, j) => x.at(i, j + 1)),
  pad: ({ x }) => over([3, 5], (o, p) => (o >= 1 && p >= 2 ? x.at(o - 1, p - 2) : ZERO)),
  concat: ({ a, b }) => over([2, 5], (i, j) => (j < 2 ? a.at(i, j) : b.at(i, j - 2))),
  gather: ({ x, indices }) => over([4, 2], (j, c) => x.at(indices.at(j).v, c)),
  // Pixel centres at −1/4, 1/4, 3/4 and 5/4 of those of x.
  resize: ({ x }) =>
    over([1, 2, 4, 1], (_, h, wo) => {
      const [a, b] = [x.at(0, h, 0, 0), x.at(0, h, 1, 0)];
      const share = Math.min(1, Math.max(0, wo / 2 - 0.25));
      return add(mul(num(1 - share), a), mul(num(share), b));
    }),
  depth_to_space: ({ x }) => over([1, 2, 4, 1], (_, ho, wo) => x.at(0, 0, Math.floor(wo / 2), (ho % 2) * 2 + (wo % 2))),
  space_to_depth: ({ x }) => over([1, 1, 2, 4], (_, __, wo, k) => x.at(0, Math.floor(k / 2), 2 * wo + (k % 2), 0)),
  dropout: (o) => dropped(o, 12),
  drop_path: (o) => dropped(o, 6),
};

type Numbers = (name: string) => number;
const adamMoments = (of: Numbers, hyper: readonly number[]) => {
  const g = of('g') * hyper[3];
  return { m: 0.9 * of('m') + 0.1 * g, v: 0.999 * of('v') + 0.001 * g ** 2 };
};
/** Kingma & Ba 2015, algorithm 1, and SGD with momentum, an element at a time. */
const UPDATES: Readonly<Record<string, Readonly<Record<string, (of: Numbers, hyper: readonly number[]) => number>>>> = {
  adam: {
    "m'": (of, hyper) => adamMoments(of, hyper).m,
    "v'": (of, hyper) => adamMoments(of, hyper).v,
    "w'": (of, hyper) => {
      const { m, v } = adamMoments(of, hyper);
      return of('w') - (hyper[0] * (m / hyper[1])) / (Math.sqrt(v / hyper[2]) + 1e-8);
    },
  },
  sgd: {
    "m'": (of, hyper) => 0.9 * of('m') + of('g') * hyper[1],
    "w'": (of, hyper) => of('w') - hyper[0] * (0.9 * of('m') + of('g') * hyper[1]),
  },
};

const outputOf = (op: string) => (op === 'softmax_cross_entropy' ? 'loss' : 'y');

/** Whether a value is a result of the op, and not given. */
export const isResult = (op: string, name: string): boolean =>
  UPDATES[op] ? name in UPDATES[op] : name === outputOf(op) || (name.startsWith('d') && name !== `d${outputOf(op)}`);

/**
 * A result of an op's example: its output, the gradient `dx` of an operand `x`, or a parameter after an update.
 * @param given the operands by name, and for gradients the cotangent of the output
 * @param only elements that are wanted, by their offsets; all when absent
 */
export function byHand(
  op: string,
  name: string,
  given: Readonly<Record<string, Shown>>,
  settings: Settings = {},
  only?: readonly number[],
): number[] {
  const update = UPDATES[op]?.[name];
  if (update)
    return Array.from(given.w.data, (_, i) => update((of) => given[of].data[i], Array.from(given.hyper.data)));
  const forward = FORWARD[op];
  if (!forward) throw new Error(`nobody has worked out ${op} by hand`);
  const worked = (asked?: string, element?: number) => {
    const grids = Object.entries(given).map(([of, { shape, data }]): [string, Grid] => [
      of,
      {
        shape,
        at: (...index) => {
          const offset = offsetIn(shape, index);
          return num(data[offset], Number(of === asked && offset === element));
        },
      },
    ]);
    return forward(Object.fromEntries(grids), settings).data;
  };
  if (name === outputOf(op)) {
    const all = worked().map(({ v }) => v);
    return only ? only.map((i) => all[i]) : all;
  }
  const of = name.slice(1);
  const dy = given[`d${outputOf(op)}`].data;
  return (only ?? upTo(given[of].data.length)).map((element) =>
    worked(of, element).reduce((sum, { d }, j) => sum + d * dy[j], 0),
  );
}

/** The shape of the output. */
export const shapeByHand = (op: string, given: Readonly<Record<string, Shown>>, settings: Settings): Index =>
  FORWARD[op](
    Object.fromEntries(
      Object.entries(given).map(([of, { shape, data }]) => [
        of,
        { shape, at: (...index: number[]) => num(data[offsetIn(shape, index)]) },
      ]),
    ),
    settings,
  ).shape;
