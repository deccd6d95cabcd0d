import { expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { input } from '../../engine/ops/leaves.ts';
import * as pw from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { compile } from '../../engine/program/program.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { UNIT, expectWithin, functionBound, sumBound } from '../tolerance.ts';

const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));

// name, op, float64 value and derivative, range of arguments
const UNARY: [
  string,
  (x: ReturnType<typeof input>) => ReturnType<typeof input>,
  (v: number) => number,
  (v: number) => number,
  number,
  number,
][] = [
  ['exp', pw.exp, Math.exp, Math.exp, -3, 3],
  ['log', pw.log, Math.log, (v) => 1 / v, 0.1, 5],
  ['sqrt', pw.sqrt, Math.sqrt, (v) => 0.5 / Math.sqrt(v), 0.1, 5],
  ['square', pw.square, (v) => v * v, (v) => 2 * v, -3, 3],
  ['abs', pw.abs, Math.abs, Math.sign, -3, 3],
  ['sigmoid', pw.sigmoid, sigmoid, (v) => sigmoid(v) * (1 - sigmoid(v)), -6, 6],
  ['tanh', pw.tanh, Math.tanh, (v) => 1 - Math.tanh(v) ** 2, -3, 3],
  ['relu', pw.relu, (v) => Math.max(0, v), (v) => (v > 0 ? 1 : 0), -3, 3],
  ['silu', pw.silu, (v) => v * sigmoid(v), (v) => sigmoid(v) * (1 + v * (1 - sigmoid(v))), -6, 6],
];

describeAdapters('pointwise', (device) => {
  it.each(UNARY)('%s and its derivative', async (_, op, f, df, low, high) => {
    for (const shape of [
      [3, 5],
      [2, 3, 8],
    ]) {
      const x = input('x', shape);
      const y = op(x);
      const values = randomArray(x.size, 7, low, high);
      const [gotY, gotDx] = await evaluate(device(), [y, grad(sum(y), [x])[0]], { x: values });
      expectWithin(gotY, Array.from(values, f), (i) => functionBound(2, Math.max(1, Math.abs(f(values[i])))), 'y');
      expectWithin(gotDx, Array.from(values, df), (i) => functionBound(3, Math.max(1, Math.abs(df(values[i])))), 'dx');
    }
  });

  it.each([[[2, 3, 4, 8]], [[2, 3, 4, 5]]])(
    'arithmetic broadcasts every operand shape over %j',
    async (shape) => {
      const [n, h, w, c] = shape;
      const x = input('x', shape);
      const values = randomArray(x.size, 1, 0.5, 2);
      for (const small of [shape, [c], [n, 1, 1, c], [n, 1, 1, 1], [1], [1, h, w, 1], []]) {
        const a = input('a', small);
        const operand = randomArray(a.size, 2, 0.5, 2);
        const at = (i: number) => {
          const index = [Math.floor(i / (h * w * c)), Math.floor(i / (w * c)) % h, Math.floor(i / c) % w, i % c];
          const offset = shape.length - small.length;
          return small.reduce((k, d, j) => k * d + (d === 1 ? 0 : index[j + offset]), 0);
        };
        const cases: [
          (p: typeof x, q: typeof x) => typeof x,
          (p: number, q: number) => number,
          (p: number, q: number) => [number, number],
        ][] = [
          [pw.add, (p, q) => p + q, () => [1, 1]],
          [pw.sub, (p, q) => p - q, () => [1, -1]],
          [pw.mul, (p, q) => p * q, (p, q) => [q, p]],
          [pw.div, (p, q) => p / q, (p, q) => [1 / q, -p / q ** 2]],
        ];
        for (const [op, f, df] of cases) {
          for (const swap of [false, true]) {
            const y = swap ? op(a, x) : op(x, a);
            const [gotY, dx, da] = await evaluate(device(), [y, ...grad(sum(y), [x, a])], { x: values, a: operand });
            const pair = (i: number): [number, number] =>
              swap ? [operand[at(i)], values[i]] : [values[i], operand[at(i)]];
            const wantY = Array.from(values, (_, i) => f(...pair(i)));
            const parts = Array.from(values, (_, i) => (swap ? df(...pair(i)).reverse() : df(...pair(i))));
            const wantDa = new Float64Array(a.size);
            const magnitude = new Float64Array(a.size);
            parts.forEach(([, d], i) => {
              wantDa[at(i)] += d;
              magnitude[at(i)] += Math.abs(d);
            });
            expectWithin(gotY, wantY, (i) => functionBound(1, Math.abs(wantY[i])), 'y');
            expectWithin(
              dx,
              parts.map(([d]) => d),
              (i) => functionBound(1, Math.abs(parts[i][0])),
              'dx',
            );
            expectWithin(
              da,
              wantDa,
              (i) => sumBound(x.size / a.size, magnitude[i]) + functionBound(1, magnitude[i]),
              'da',
            );
          }
        }
      }
    },
    900_000,
  );

  // Large enough for a thread to take several Values on a CPU, with rows and samples shorter and longer than a
  // workgroup's stride of 64.
  it.each([[[3, 37, 41, 12]], [[200, 3, 7, 5]], [[600, 5, 1, 7]], [[40, 3, 2, 130]], [[70, 9, 1, 260]]])(
    'reads operands of every shape at the right place over the large %j',
    async (shape) => {
      const [n, h, w, c] = shape;
      const x = input('x', shape);
      const [full, channel, sampleChannel, sample] = [shape, [c], [n, 1, 1, c], [n, 1, 1, 1]].map((dims, i) =>
        input(`a${i}`, dims),
      );
      const y = pw.sub(pw.mul(pw.add(x, full), channel), sampleChannel);
      const z = pw.mul(x, sample);
      const feeds = Object.fromEntries(
        [x, full, channel, sampleChannel, sample].map((t, i) => [t.name!, randomArray(t.size, i)]),
      );
      const [gotY, gotZ] = await evaluate(device(), [y, z], feeds);
      const { x: v, a0, a1, a2, a3 } = feeds;
      const image = h * w * c;
      // Three roundings of terms below 5, and one.
      expectWithin(
        gotY,
        Array.from(v, (xi, i) => (xi + a0[i]) * a1[i % c] - a2[Math.floor(i / image) * c + (i % c)]),
        () => 3 * 5 * UNIT,
        'y',
      );
      expectWithin(
        gotZ,
        Array.from(v, (xi, i) => xi * a3[Math.floor(i / image)]),
        () => UNIT,
        'z',
      );
    },
  );

  it('fuses a chain into one step and gives the same numbers', async () => {
    const x = input('x', [4, 8]);
    const b = input('b', [8]);
    const y = pw.mul(pw.silu(pw.add(x, b)), 2);
    using fused = await compile(device(), { outputs: [y] });
    using plain = await compile(device(), { outputs: [y], keep: 'all' });
    expect(fused.steps.length).toBe(1);
    expect(plain.steps.length).toBe(3);
    const feeds = { x: randomArray(32, 3), b: randomArray(8, 4) };
    fused.run(feeds);
    plain.run(feeds);
    const [got, want] = [await fused.read(y), await plain.read(y)];
    expectWithin(got, want, (i) => functionBound(1, Math.abs(want[i])));
  });

  it('adds up the cotangents of a tensor with several users', async () => {
    const x = input('x', [6]);
    const y = sum(pw.mul(pw.add(x, x), x)); // 2x², 4x
    const values = randomArray(6, 5);
    const [dx] = await evaluate(device(), [grad(y, [x])[0]], { x: values });
    expectWithin(
      dx,
      Array.from(values, (v) => 4 * v),
      (i) => sumBound(4, 4 * Math.abs(values[i])),
    );
  });
});
