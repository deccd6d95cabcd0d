import { expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import * as act from '../../engine/ops/activations.ts';
import { input } from '../../engine/ops/leaves.ts';
import * as logic from '../../engine/ops/logic.ts';
import * as pw from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { erf, erfc } from '../reference/pointwise.ts';
import { UNIT, expectWithin, functionBound, sumBound } from '../tolerance.ts';

type Unary = [
  name: string,
  op: (x: Tensor) => Tensor,
  f: (v: number) => number,
  slopeAtCorners: Readonly<Record<number, number>>,
];

const elu = (v: number, alpha = 1) => (v > 0 ? v : alpha * (Math.exp(v) - 1));
const softplus = (v: number) => Math.log(1 + Math.exp(v));
const normal = (v: number) => erfc(-v / Math.SQRT2) / 2;

/** By their papers, in float64; and the slopes that PyTorch gives at corners and bounds. */
const FUNCTIONS: Unary[] = [
  ['gelu', act.gelu, (v) => v * normal(v), {}],
  [
    'gelu by tanh',
    (x) => act.gelu(x, { approximate: 'tanh' }),
    (v) => (v / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))),
    {},
  ],
  ['hardSigmoid', act.hardSigmoid, (v) => Math.min(1, Math.max(0, v / 6 + 0.5)), {}],
  ['hardSigmoid of ONNX', (x) => act.hardSigmoid(x, 0.2, 0.5), (v) => Math.min(1, Math.max(0, 0.2 * v + 0.5)), {}],
  ['hardSwish', act.hardSwish, (v) => v * Math.min(1, Math.max(0, v / 6 + 0.5)), { '-3': 0, 3: 1 }],
  ['leakyRelu', act.leakyRelu, (v) => (v > 0 ? v : 0.01 * v), { 0: 0.01 }],
  ['leakyRelu of slope 1.5', (x) => act.leakyRelu(x, 1.5), (v) => (v > 0 ? v : 1.5 * v), { 0: 1.5 }],
  ['leakyRelu of slope -0.5', (x) => act.leakyRelu(x, -0.5), (v) => (v > 0 ? v : -0.5 * v), { 0: -0.5 }],
  ['elu', (x) => act.elu(x, 0.7), (v) => elu(v, 0.7), { 0: 0.7 }],
  ['selu', act.selu, (v) => 1.0507009873554805 * elu(v, 1.6732632423543772), {}],
  ['celu', (x) => act.celu(x, 0.6), (v) => (v > 0 ? v : 0.6 * (Math.exp(v / 0.6) - 1)), { 0: 1 }],
  ['softplus', act.softplus, softplus, { 0: 0.5 }],
  ['softsign', act.softsign, (v) => v / (1 + Math.abs(v)), { 0: 1 }],
  ['mish', act.mish, (v) => v * Math.tanh(softplus(v)), { 0: 0.6 }],
  ['clip', (x) => act.clip(x, -1, 2), (v) => Math.min(2, Math.max(-1, v)), { '-1': 1, 2: 1, '-4': 0, 4: 0 }],
  ['clip from below', (x) => act.clip(x, -1), (v) => Math.max(-1, v), { '-1': 1 }],
  ['clip from above', (x) => act.clip(x, undefined, 2), (v) => Math.min(2, v), { 2: 1 }],
  ['relu6', act.relu6, (v) => Math.min(6, Math.max(0, v)), { 0: 0, 6: 1 }],
  ['thresholdedRelu', act.thresholdedRelu, (v) => (v > 1 ? v : 0), { 1: 0 }],
  ['erf', pw.erf, erf, {}],
  ['expm1', pw.expm1, (v) => Math.exp(v) - 1, {}],
  ['log1p of 7 + x', (x) => pw.log1p(pw.add(x, 7)), (v) => Math.log(8 + v), {}],
  ['a whole power', (x) => pw.pow(x, 3), (v) => v ** 3, { 0: 0 }],
  ['a square', (x) => pw.pow(x, 2), (v) => v ** 2, { 0: 0 }],
  ['a broken power', (x) => pw.pow(pw.add(x, 7), 0.3), (v) => (v + 7) ** 0.3, {}],
  ['reciprocal of 7 + x', (x) => pw.reciprocal(pw.add(x, 7)), (v) => 1 / (7 + v), {}],
];

/** The slope by central differences of sixth order: exact to 1e-11 for values around 1. */
function slopeOf(f: (v: number) => number): (v: number) => number {
  const h = 1e-3;
  return (v) =>
    (45 * (f(v + h) - f(v - h)) - 9 * (f(v + 2 * h) - f(v - 2 * h)) + f(v + 3 * h) - f(v - 3 * h)) / (60 * h);
}
/** Away from the corners of all functions by more than the differences reach. */
const CORNERS = [-5, -3, -2.5, -1, 0, 1, 2, 2.5, 3, 6];
const VALUES = randomArray(60, 5, -6.5, 6.5)
  .filter((v) => CORNERS.every((c) => Math.abs(v - c) > 0.01))
  .slice(0, 45);
const bound = (f: (v: number) => number, functions: number) => (i: number) =>
  functionBound(functions, Math.max(1, Math.abs(f(VALUES[i]))));

describeAdapters('functions of one number', (device) => {
  it.each(FUNCTIONS)('%s, its slope and its curvature', async (_, op, f, corners) => {
    const x = input('x', [3, 15]);
    const y = op(x);
    const [dx] = grad(sum(y), [x]);
    const [ddx] = grad(sum(dx), [x]);
    const [gotY, gotDx, gotDdx] = await evaluate(device(), [y, dx, ddx], { x: VALUES });
    const slope = slopeOf(f);
    // Powers amplify what their argument is off by.
    const steep = Math.max(1, ...Array.from(VALUES, (v) => Math.abs(v * slope(v))));
    expectWithin(gotY, Array.from(VALUES, f), (i) => bound(f, 3)(i) + functionBound(1, steep), 'y');
    expectWithin(gotDx, Array.from(VALUES, slope), (i) => bound(slope, 4)(i) + functionBound(1, steep) + 1e-10, 'dx');
    const curve = slopeOf(slope);
    expectWithin(gotDdx, Array.from(VALUES, curve), (i) => bound(curve, 6)(i) + functionBound(1, steep) + 1e-7, 'ddx');
    const at = Object.keys(corners).map(Number);
    if (at.length === 0) return;
    const p = input('p', [at.length]);
    const [got] = await evaluate(device(), [grad(sum(op(p)), [p])[0]], { p: at });
    expectWithin(got, Object.values(corners), () => functionBound(2, 1), 'slope at corners');
  });

  it("keeps the digits of gelu's tail, by tanh", async () => {
    // Far below 0 it is x·e^(2u), so that its relative error is that of the exponent.
    const x = randomArray(30, 6, -5, -2);
    const exponent = (v: number) => 2 * Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3);
    const [y] = await evaluate(device(), [act.gelu(input('x', [30]), { approximate: 'tanh' })], { x });
    const want = Array.from(x, (v) => v / (1 + Math.exp(-exponent(v))));
    expectWithin(
      y,
      want,
      (i) => Math.abs(want[i]) * (functionBound(3, 1) + functionBound(1, Math.abs(exponent(x[i])))),
    );
  });

  it.each(FUNCTIONS)('%s lets a NaN through', async (_, op) => {
    const [y] = await evaluate(device(), [op(input('x', [2]))], { x: [NaN, 1] });
    expect(y[0]).toBeNaN();
    expect(y[1]).not.toBeNaN();
  });

  it('takes as few launches as there are', async () => {
    const x = input('x', [4, 8]);
    const launches = async (t: Tensor): Promise<number> => {
      using program = await compile(device(), { outputs: [t] });
      return program.steps.length;
    };
    for (const op of [act.gelu, act.hardSigmoid, act.hardSwish, act.leakyRelu, act.softplus, act.mish, act.relu6])
      expect(await launches(op(x))).toBe(1);
    expect(await launches(act.clip(x, -1, 1))).toBe(1);
    for (const op of [act.elu, act.selu, act.softsign, (t: Tensor) => act.gelu(t, { approximate: 'tanh' })])
      expect(await launches(op(x))).toBe(2);
  });
});

describeAdapters('functions of two tensors', (device) => {
  it('prelu repeats its slopes, and learns them', async () => {
    const [x, slope] = [input('x', [3, 15]), input('slope', [15])];
    const y = act.prelu(x, slope);
    const slopes = randomArray(15, 3, -0.5, 1.5);
    const [gotY, dx, dSlope] = await evaluate(device(), [y, ...grad(sum(y), [x, slope])], { x: VALUES, slope: slopes });
    const want = Array.from(VALUES, (v, i) => (v > 0 ? v : v * slopes[i % 15]));
    expectWithin(gotY, want, (i) => functionBound(1, Math.abs(want[i])), 'y');
    expectWithin(
      dx,
      Array.from(VALUES, (v, i) => (v > 0 ? 1 : slopes[i % 15])),
      () => functionBound(1, 1.5),
      'dx',
    );
    const sums = Array.from({ length: 15 }, (_, c) =>
      [0, 1, 2].reduce((s, n) => s + Math.min(0, VALUES[n * 15 + c]), 0),
    );
    expectWithin(dSlope, sums, (i) => sumBound(3, Math.abs(sums[i])), 'dslope');
  });

  it('powers have slopes in both, and C says which are none', async () => {
    const cases = [
      // v, s, vˢ, d/dv, d/ds
      [2, 3, 8, 12, 8 * Math.log(2)],
      [-2, 3, -8, 12, NaN],
      [-2, 2, 4, -4, NaN],
      [-2, 0.5, NaN, NaN, NaN],
      [0, 0, 1, 0, 0],
      [0, 2, 0, 0, 0],
      [5, 0, 1, 0, Math.log(5)],
      [NaN, 0, 1, 0, NaN],
      [1, NaN, 1, NaN, 0],
      [-1, Infinity, 1, Infinity, NaN],
      [-Infinity, 3, -Infinity, Infinity, NaN],
      [0.5, -Infinity, Infinity, -Infinity, -Infinity],
    ] as const;
    const [x, a] = [input('x', [cases.length]), input('a', [cases.length])];
    const y = pw.pow(x, a);
    const feeds = { x: cases.map(([v]) => v), a: cases.map(([, s]) => s) };
    const got = await evaluate(device(), [y, ...grad(sum(y), [x, a])], feeds);
    cases.forEach((numbers, i) =>
      [2, 3, 4].forEach((k) => {
        const want = numbers[k];
        if (Number.isFinite(want)) expect(Math.abs(got[k - 2][i] - want)).toBeLessThanOrEqual(functionBound(2, 12));
        else expect(got[k - 2][i], `result ${k - 2} of ${numbers[0]} and ${numbers[1]}`).toBe(want);
      }),
    );
  });

  it('the power 0 is 1, and flat', async () => {
    const x = input('x', [3]);
    const y = pw.pow(x, 0);
    const got = await evaluate(device(), [y, grad(sum(y), [x])[0]], { x: [0, NaN, 2] });
    expect(got.map((t) => [...t])).toEqual([
      [1, 1, 1],
      [0, 0, 0],
    ]);
  });

  it('whole powers come out whole', async () => {
    const [y] = await evaluate(device(), [pw.pow(input('x', [7]), 3)], { x: [-3, -2, -1, 0, 1, 2, 10] });
    expectWithin(y, [-27, -8, -1, 0, 1, 8, 1000], (i) => [27, 8, 0, 0, 0, 8, 1000][i] * 40 * UNIT);
  });

  const NUMBERS = [-Infinity, -1.5, 0, 1, 2, Infinity, NaN];
  const PAIRS = NUMBERS.flatMap((v) => NUMBERS.map((s) => [v, s] as const));
  const truth = (v: number) => v !== 0;
  it.each<[string, (x: Tensor, y: Tensor) => Tensor, (v: number, s: number) => boolean]>([
    ['less', logic.less, (v, s) => v < s],
    ['lessEqual', logic.lessEqual, (v, s) => v <= s],
    ['equal', logic.equal, (v, s) => v === s],
    ['notEqual', logic.notEqual, (v, s) => v !== s],
    ['logicalAnd', logic.logicalAnd, (v, s) => truth(v) && truth(s)],
    ['logicalOr', logic.logicalOr, (v, s) => truth(v) || truth(s)],
    ['logicalXor', logic.logicalXor, (v, s) => truth(v) !== truth(s)],
    ['logicalNot', (x) => logic.logicalNot(x), (v) => !truth(v)],
    ['isNaN', (x) => logic.isNaN(x), Number.isNaN],
  ])('%s of numbers, infinities and NaN', async (_, op, f) => {
    const [x, y] = [input('x', [PAIRS.length]), input('y', [PAIRS.length])];
    const z = op(x, y);
    const feeds = { x: PAIRS.map(([v]) => v), y: PAIRS.map(([, s]) => s) };
    const [zeros] = grad(sum(z), [x]);
    using program = await compile(device(), { outputs: [z, zeros] });
    program.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => program.hasInput(name))));
    const [got, dx] = [await program.read(z), await program.read(zeros)];
    expect([...got]).toEqual(PAIRS.map(([v, s]) => Number(f(v, s))));
    expect([...dx]).toEqual(PAIRS.map(() => 0));
  });

  it('a comparison with a number', async () => {
    const x = input('x', [3]);
    const made = [logic.less(x, 1), logic.lessEqual(x, 1), logic.equal(x, 1), logic.notEqual(x, 1)];
    expect((await evaluate(device(), made, { x: [0, 1, 2] })).map((y) => [...y])).toEqual([
      [1, 0, 0],
      [1, 1, 0],
      [0, 1, 0],
      [1, 0, 1],
    ]);
  });

  it('where takes one of two, and what it does not take does not show', async () => {
    const [c, x, y] = [input('c', [2, 1]), input('x', [3]), input('y', [2, 3])];
    const z = logic.where(c, x, y);
    const feeds = { c: [1, 0], x: [1, -Infinity, 3], y: [NaN, 5, NaN, 7, 8, Infinity] };
    const dz = input('dz', [2, 3]);
    const got = await evaluate(device(), [z, ...grad(z, [x, y], dz)], { ...feeds, dz: [1, 2, 3, 4, 5, 6] });
    expect(got.map((t) => [...t])).toEqual([
      [1, -Infinity, 3, 7, 8, Infinity],
      [1, 2, 3],
      [0, 0, 0, 4, 5, 6],
    ]);
  });

  it('where takes numbers too, by a condition that need not be 0 or 1', async () => {
    const [c, x, dz] = [input('c', [5]), input('x', [5]), input('dz', [5])];
    const feeds = { c: [1, 0, 2.5, -3, NaN], x: [NaN, 2, -Infinity, 4, 5], dz: [1, 2, 3, 4, 5] };
    const [first, second] = [logic.where(c, x, -1), logic.where(c, 7, x)];
    const got = await evaluate(
      device(),
      [
        logic.where(c, 7, -1),
        first,
        second,
        logic.where(c, Infinity, x),
        grad(first, [x], dz)[0],
        grad(second, [x], dz)[0],
      ],
      feeds,
    );
    expect(got.map((t) => [...t])).toEqual([
      [7, -1, 7, -1, 7],
      [NaN, -1, -Infinity, -1, 5],
      [7, 2, 7, 4, 7],
      [Infinity, 2, Infinity, 4, Infinity],
      [1, 0, 3, 0, 5],
      [0, 2, 0, 4, 0],
    ]);
  });
});
