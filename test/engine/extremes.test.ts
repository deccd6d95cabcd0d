import { describe, expect, it } from 'vitest';
import { POINTWISE, type PointwiseName } from '../../kernels/pointwise/pointwise.ts';
import { grad } from '../../engine/autodiff.ts';
import { input } from '../../engine/ops/leaves.ts';
import * as pw from '../../engine/ops/pointwise.ts';
import { pointwiseOp } from '../../engine/ops/pointwise.ts';
import { compile, type Program } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { describeAdapters } from '../gpu.ts';
import { pointwise } from '../reference/pointwise.ts';
import { UNIT } from '../tolerance.ts';

/** The smallest normal number of f32, and the largest number. */
const TINY = 2 ** -126;
const LARGEST = (2 - 2 ** -23) * 2 ** 127;

/** Both signs of what functions are wrong for where they are wrong: denormals, the ends of exp, the ends of f32. */
const GRID = [
  0,
  2 ** -149,
  1e-39,
  TINY,
  1e-30,
  1e-8,
  0.3,
  0.5,
  0.62,
  0.63,
  1,
  1.5,
  2.5,
  3.5,
  9,
  17,
  44,
  87,
  88,
  88.7,
  89,
  104,
  1e10,
  1e30,
  LARGEST,
  Infinity,
]
  .flatMap((v) => [v, -v])
  .concat(NaN)
  .map(Math.fround);

/** What `sigmoid` and `tanh` can give, as their gradients are asked for. */
const OUTPUTS = GRID.filter((v) => !(Math.abs(v) > 1));

/** Of which functions of two the second operand is an output of another function. */
const OF_OUTPUTS: ReadonlySet<PointwiseName> = new Set<PointwiseName>(['sigmoid_grad', 'tanh_grad']);

/** An adapter may take a denormal for 0. */
const readings = (v: number): number[] => (v !== 0 && Math.abs(v) < TINY ? [v, 0 * v] : [v]);

interface Allowance {
  /** How much larger than a part that may be lost below the smallest normal number the result can be. */
  readonly size: number;
  /** The largest argument of an exp: WGSL allows it 3 + 2·|x| units in the last place. */
  readonly exponent?: number;
  /** What a gradient made from a rounded output may be off by. */
  readonly flat?: number;
}

/**
 * Whether `got` is what f32 makes of one of the exact results `wants`: a few roundings off (WGSL allows functions and
 * divisions that), infinite where it is beyond the largest number, or 0 where it, or a part of it, is below the
 * smallest normal one.
 */
function isRight(got: number, wants: readonly number[], { size, exponent = 0, flat = 0 }: Allowance): boolean {
  return wants.some((want) => {
    if (Number.isNaN(want)) return Number.isNaN(got);
    const relative = (40 + 4 * Math.min(exponent, 104)) * UNIT;
    const allowed = relative * Math.abs(want) + 4 * TINY * Math.max(1, size) + flat;
    if (!Number.isFinite(got)) return Math.abs(want) + allowed > LARGEST && got === Math.sign(want) * Infinity;
    return Math.abs(got - want) <= allowed;
  });
}

const finiteSize = (...values: number[]) => Math.max(...values.filter(Number.isFinite).map(Math.abs), 1);

/**
 * The argument of the exp that functions of v or of s take. The normal density is exp(−v²/2), whose argument is rounded
 * once more, that of a power s·log v, rounded twice and multiplied for exp2.
 */
function exponentOf(name: string, v: number, s = v): number {
  const argument = /_grad/.test(name) ? s : v;
  if (/gelu|erf/.test(name)) return 1.25 * finiteSize(argument ** 2 / (name === 'erf' ? 1 : 2));
  if (name === 'pow') return 2 * finiteSize(s * Math.log(Math.abs(v)));
  return /exp|sigmoid|silu|tanh|softplus/.test(name) ? finiteSize(argument) : 0;
}

/** What of the feeds a gradient depends on: that of a sum is the cotangent alone. */
const fed = (program: Program, feeds: Record<string, Float32Array>): Record<string, Float32Array> =>
  Object.fromEntries(Object.entries(feeds).filter(([name]) => program.hasInput(name)));

interface Failure {
  readonly at: string;
  readonly got: number;
  readonly want: number;
}

describeAdapters('at the extremes of f32', (device) => {
  // From the table of the functions, so that a new one is covered, or fails for want of a reference.
  it.each(Object.keys(POINTWISE) as PointwiseName[])('%s is what float64 says', async (op) => {
    const second = OF_OUTPUTS.has(op) ? OUTPUTS : GRID;
    const pairs = GRID.flatMap((v) => second.map((s) => [v, s] as const));
    const [x, a] = ['x', 'a'].map((name) => input(name, [pairs.length]));
    const y = pointwiseOp([x, a], { stages: [{ op, mode: 'full' }] });
    using program = await compile(device(), { outputs: [y] });
    program.run({ x: Float32Array.from(pairs, ([v]) => v), a: Float32Array.from(pairs, ([, s]) => s) });
    const got = await program.read(y);
    const failures = pairs.flatMap(([v, s], i): Failure[] => {
      const wants = readings(v).flatMap((p) => readings(s).map((q) => pointwise(op, p, q)));
      // sigmoid(s), or the normal density, is below the smallest normal number there, and may be 0.
      if ((op === 'silu_grad' && s < -87) || (op === 'gelu_grad' && s < -13)) wants.push(0 * v);
      const size = /[sg]e?lu_grad/.test(op) ? finiteSize(v) * finiteSize(s) : finiteSize(v, s);
      const right = isRight(got[i], wants, { size, exponent: exponentOf(op, v, s) });
      return right ? [] : [{ at: `${op}(${v}, ${s})`, got: got[i], want: wants[0] }];
    });
    expect(failures.slice(0, 8), `${failures.length} of ${pairs.length}`).toEqual([]);
  });

  // Divisions and invalid operations make NaN with a sign on many processors, and bits are compared as whole numbers.
  it('a NaN with a sign is a NaN to every function', async () => {
    const ops = Object.keys(POINTWISE) as PointwiseName[];
    const bits = Uint32Array.of(0xffc00000, 0xffc00001, 0xffffffff, 0x7fffffff);
    const nan = new Float32Array(bits.buffer);
    const [x, a] = ['x', 'a'].map((name) => input(name, [nan.length]));
    for (const op of ops) {
      const y = pointwiseOp([x, a], { stages: [{ op, mode: 'full' }] });
      using program = await compile(device(), { outputs: [y] });
      program.run({ x: nan, a: nan });
      const want = pointwise(op, NaN, NaN);
      expect([op, ...(await program.read(y))]).toEqual([op, ...Array<number>(nan.length).fill(want)]);
    }
  });

  it.each(Object.keys(SLOPES))('the gradient of %s is what float64 says', async (name) => {
    const { apply, slope, flat } = SLOPES[name];
    const x = input('x', [GRID.length]);
    const dy = input('dy', [GRID.length]);
    const [dx] = grad(apply(x), [x], dy);
    using program = await compile(device(), { outputs: [dx] });
    program.run(fed(program, { x: Float32Array.from(GRID), dy: new Float32Array(GRID.length).fill(1) }));
    const got = await program.read(dx);
    const failures = GRID.flatMap((v, i): Failure[] => {
      const wants = readings(v).map(slope);
      const right = isRight(got[i], wants, { size: finiteSize(v), exponent: exponentOf(name, v), flat });
      return right ? [] : [{ at: `${name}'(${v})`, got: got[i], want: wants[0] }];
    });
    expect(failures, `${failures.length} of ${GRID.length}`).toEqual([]);
  });

  it.each(Object.keys(PAIR_SLOPES))('the gradients of %s are what float64 says', async (name) => {
    const { apply, slopes } = PAIR_SLOPES[name];
    const pairs = GRID.flatMap((v) => GRID.map((s) => [v, s] as const));
    const [x, a, dy] = ['x', 'a', 'dy'].map((t) => input(t, [pairs.length]));
    const outputs = grad(apply(x, a), [x, a], dy);
    using program = await compile(device(), { outputs });
    const feeds = {
      x: Float32Array.from(pairs, ([v]) => v),
      a: Float32Array.from(pairs, ([, s]) => s),
      dy: new Float32Array(pairs.length).fill(1),
    };
    program.run(fed(program, feeds));
    for (const [k, output] of outputs.entries()) {
      const got = await program.read(output);
      const failures = pairs.flatMap(([v, s], i): Failure[] => {
        const wants = readings(v).flatMap((p) => readings(s).map((q) => slopes(p, q)[k]));
        const at = `d${name}/d${'xa'[k]}(${v}, ${s})`;
        const right = isRight(got[i], wants, { size: finiteSize(v, s), exponent: exponentOf(name, v, s) });
        return right ? [] : [{ at, got: got[i], want: wants[0] }];
      });
      expect(failures.slice(0, 8), `${failures.length} of ${pairs.length}`).toEqual([]);
    }
  });
});

interface Slope {
  apply(x: Tensor): Tensor;
  slope(v: number): number;
  /** Of a gradient that is made from the output, which is within a unit of it. */
  readonly flat?: number;
}

const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));

/** Derivatives from their definitions; that of the value at a corner (abs, relu at 0) is 0, and NaN has none. */
const SLOPES: Readonly<Record<string, Slope>> = {
  exp: { apply: pw.exp, slope: Math.exp },
  log: { apply: pw.log, slope: (v) => 1 / v },
  sqrt: { apply: pw.sqrt, slope: (v) => 0.5 / Math.sqrt(v) },
  square: { apply: pw.square, slope: (v) => 2 * v },
  abs: { apply: pw.abs, slope: Math.sign },
  sigmoid: { apply: pw.sigmoid, slope: (v) => sigmoid(v) * (1 - sigmoid(v)), flat: 4 * UNIT },
  tanh: { apply: pw.tanh, slope: (v) => 1 - Math.tanh(v) ** 2, flat: 8 * UNIT },
  // As PyTorch: a NaN is not below 0, and what comes back goes through it.
  relu: { apply: pw.relu, slope: (v) => (v <= 0 ? 0 : 1) },
  silu: { apply: pw.silu, slope: (v) => sigmoid(v) * (1 + v * (1 - sigmoid(v))) },
  expm1: { apply: pw.expm1, slope: Math.exp, flat: 4 * UNIT },
  log1p: { apply: pw.log1p, slope: (v) => 1 / (1 + v) },
  erf: { apply: pw.erf, slope: (v) => (2 / Math.sqrt(Math.PI)) * Math.exp(-v * v) },
  floor: { apply: pw.floor, slope: () => 0 },
  ceil: { apply: pw.ceil, slope: () => 0 },
  round: { apply: pw.round, slope: () => 0 },
  sign: { apply: pw.sign, slope: () => 0 },
  reciprocal: { apply: pw.reciprocal, slope: (v) => -(1 / v / v) },
  neg: { apply: pw.neg, slope: () => -1 },
  greater: { apply: (x) => pw.greater(x, 0.5), slope: () => 0 },
  greaterEqual: { apply: (x) => pw.greaterEqual(x, 0.5), slope: () => 0 },
};

interface PairSlope {
  apply(x: Tensor, a: Tensor): Tensor;
  slopes(v: number, s: number): readonly [number, number];
}

const PAIR_SLOPES: Readonly<Record<string, PairSlope>> = {
  add: { apply: pw.add, slopes: () => [1, 1] },
  sub: { apply: pw.sub, slopes: () => [1, -1] },
  rsub: { apply: pw.rsub, slopes: () => [-1, 1] },
  mul: { apply: pw.mul, slopes: (v, s) => [s, v] },
  div: { apply: pw.div, slopes: (v, s) => [1 / s, -(v / s / s)] },
  // As PyTorch: 0 where the formulas have no value. Whether s − 1 is whole, and the power of it finite, f32 decides.
  pow: {
    apply: pw.pow,
    slopes: (v, s) => [
      s === 0 ? 0 : s * Math.fround(pointwise('pow', v, Math.fround(s - 1))),
      v === 0 && s >= 0 ? 0 : pointwise('pow', v, s) * Math.log(v),
    ],
  },
  // The gradient goes where the value came from.
  maximum: { apply: pw.maximum, slopes: (v, s) => (pointwise('takes_max', v, s) === 1 ? [1, 0] : [0, 1]) },
  minimum: { apply: pw.minimum, slopes: (v, s) => (pointwise('takes_min', v, s) === 1 ? [1, 0] : [0, 1]) },
};

describe('the tables of gradients', () => {
  it('hold every function of a tensor that is exported', () => {
    const without = new Set(['pointwiseOp', 'pointwiseStep', 'operandMode', 'commonShape', 'unary', 'binary']);
    const exported = Object.entries(pw).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
    expect(exported.filter((name) => !without.has(name) && !(name in SLOPES) && !(name in PAIR_SLOPES))).toEqual([]);
  });
});
