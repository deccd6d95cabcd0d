import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { argMax, argMin, l1Norm, l2Norm, logSumExp, max, min, prod } from '../../engine/ops/fold.ts';
import { input } from '../../engine/ops/leaves.ts';
import { mul } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { expectGradient } from '../finite_differences.ts';
import { describeBothWays, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import * as reference from '../reference/fold.ts';
import { expectWithin, functionBound, sumBound } from '../tolerance.ts';

const SIZES: [number[], number[]][] = [
  [
    [2, 3, 4, 5],
    [1, 2],
  ],
  [
    [2, 3, 4, 5],
    [0, 2],
  ],
  [[2, 3, 4, 8], [3]],
  [
    [3, 4],
    [0, 1],
  ],
  // Several passes, and on a GPU parts and columns beyond the last.
  [[1300, 3], [0]],
  [[70_001], [0]],
  [[3, 1900, 44], [1]],
];
const WAYS = { max, min, prod } as const;

describe('the reference of folds', () => {
  it.each(['max', 'min', 'prod'])('%s agrees with finite differences', (how) => {
    const values = [Float64Array.from(randomArray(7, 3, 0.5, 2))];
    for (const x of how === 'prod' ? [values[0], values[0].map((v, i) => (i === 2 ? 0 : v))] : values)
      expectGradient(([v]) => Float64Array.of(reference.FOLDS[how]([...v])), [x], Float64Array.of(1), [
        Float64Array.from(reference.SLOPES[how]([...x])),
      ]);
  });
});

describeBothWays('folds', (device) => {
  it.each(SIZES)('of %j over %j', async (shape, axes) => {
    const lists = reference.listsAlong(shape, axes);
    const [length] = lists.map((list) => list.length);
    const x = input('x', shape);
    for (const [how, op] of Object.entries(WAYS)) {
      // Few distinct values for the largest, so that there are equals; products neither vanish nor overflow.
      const isProduct = how === 'prod';
      const near = Math.min(0.1, 1 / Math.sqrt(length));
      const values = isProduct
        ? randomArray(x.size, 1, 1 - near, 1 + near)
        : randomArray(x.size, 1, -9, 9).map(Math.round);
      const y = op(x, axes);
      const dy = input('dy', y.shape);
      const cotangent = randomArray(dy.size, 2);
      const [got, dx] = await evaluate(device(), [y, grad(y, [x], dy)[0]], { x: values, dy: cotangent });
      expect(y.shape).toEqual(shape.map((d, i) => (axes.includes(i) ? 1 : d)));
      const of = (list: number[]) => list.map((i) => values[i]);
      const want = lists.map((list) => reference.FOLDS[how](of(list)));
      const slopes = new Float64Array(x.size);
      if (!isProduct || length < 100)
        lists.forEach((list, k) =>
          reference.SLOPES[how](of(list)).forEach((slope, j) => (slopes[list[j]] = slope * cotangent[k])),
        );
      else lists.forEach((list, k) => list.forEach((i) => (slopes[i] = (want[k] / values[i]) * cotangent[k])));
      expectWithin(got, want, (i) => (isProduct ? sumBound(length, Math.abs(want[i])) : 0), how);
      const roundings = isProduct ? length + 8 : 8;
      expectWithin(dx, slopes, (i) => sumBound(roundings, Math.abs(slopes[i])), `gradient of ${how}`);
    }
  });

  it('a NaN wins, and of infinities the larger', async () => {
    const x = input('x', [3, 4]);
    const values = [1, NaN, Infinity, 2, -Infinity, 0, 3, Infinity, -Infinity, -Infinity, -Infinity, -Infinity];
    const got = await evaluate(device(), [max(x, [1]), min(x, [1]), prod(x, [1]), logSumExp(x, [1])], { x: values });
    expect(got.map((y) => [...y])).toEqual([
      [NaN, Infinity, -Infinity],
      [NaN, -Infinity, -Infinity],
      [NaN, NaN, Infinity],
      [NaN, Infinity, -Infinity],
    ]);
  });

  it('a product with zeros has the slopes of the others', async () => {
    const x = input('x', [3, 3]);
    const y = prod(x, [1]);
    const dy = input('dy', [3, 1]);
    const values = [2, 3, 4, 2, 0, 4, 0, 3, 0];
    const [got, dx] = await evaluate(device(), [y, grad(y, [x], dy)[0]], { x: values, dy: [1, 2, 3] });
    expect([...got]).toEqual([24, 0, 0]);
    expectWithin(dx, [12, 8, 6, 0, 16, 0, 0, 0, 0], (i) => functionBound(1, i < 5 ? 16 : 0));
  });

  it('log-sum-exp neither overflows nor vanishes, and its slopes are softmax', async () => {
    const x = input('x', [3, 2, 4]);
    const y = logSumExp(x, [0, 2]);
    const values = randomArray(24, 4, -3, 3).map((v, i) => (Math.floor(i / 4) % 2 === 0 ? v + 500 : v - 500));
    const [got, dx, ddx] = await evaluate(
      device(),
      [y, grad(sum(y), [x])[0], grad(sum(mul(grad(sum(y), [x])[0], x)), [x])[0]],
      { x: values },
    );
    const lists = reference.listsAlong([3, 2, 4], [0, 2]);
    const shifted = lists.map((list) => Math.max(...list.map((i) => values[i])));
    const total = lists.map((list, k) => list.reduce((s, i) => s + Math.exp(values[i] - shifted[k]), 0));
    expectWithin(
      got,
      total.map((t, k) => Math.log(t) + shifted[k]),
      () => functionBound(2, 1) + sumBound(1, 503),
      'y',
    );
    const p = new Float64Array(24);
    lists.forEach((list, k) => list.forEach((i) => (p[i] = Math.exp(values[i] - shifted[k]) / total[k])));
    expectWithin(dx, p, (i) => functionBound(3, p[i]), 'dx');
    // d/dx Σ pᵢxᵢ is p(1 + x − Σpx).
    const want = new Float64Array(24);
    lists.forEach((list) => {
      const mean = list.reduce((s, i) => s + p[i] * values[i], 0);
      list.forEach((i) => (want[i] = p[i] * (1 + values[i] - mean)));
    });
    expectWithin(ddx, want, () => functionBound(6, 503), 'second derivative');
  });

  it('norms, and their slopes where all is 0', async () => {
    const x = input('x', [2, 3]);
    const [one, two] = [l1Norm(x, [1]), l2Norm(x, [1])];
    const gradients = [one, two].map((y) => grad(sum(y), [x])[0]);
    const got = await evaluate(device(), [one, two, ...gradients], { x: [3, -4, 0, 0, 0, 0] });
    const wants = [
      [7, 0],
      [5, 0],
      [1, -1, 0, 0, 0, 0],
      [0.6, -0.8, 0, 0, 0, 0],
    ];
    wants.forEach((want, k) => expectWithin(got[k], want, (i) => functionBound(2, Math.abs(want[i]))));
  });

  it.each<[number[], number]>([
    [[3, 5, 8], -1],
    [[3, 50, 8], 1],
    [[7, 4], 0],
    [[1], 0],
  ])('finds the largest and the smallest of %j along axis %d', async (shape, axis) => {
    const counted = axis < 0 ? shape.length + axis : axis;
    const x = input('x', shape);
    const lists = reference.listsAlong(shape, [counted]);
    for (const odd of [[], [NaN, Infinity, -Infinity]]) {
      const values = randomArray(x.size, 9, -3, 3).map((v, i) => odd[i % 5] ?? Math.round(v));
      for (const selectLastIndex of [false, true]) {
        const outputs: Tensor[] = [argMax, argMin].map((op) => op(x, axis, { selectLastIndex }));
        using program = await compile(device(), { outputs });
        program.run({ x: values });
        for (const [k, sign] of [1, -1].entries()) {
          const got: unknown = await program.read(outputs[k]);
          expect(got).toBeInstanceOf(Uint32Array);
          expect([...(got as Uint32Array)]).toEqual(
            lists.map((list) =>
              reference.argMax(
                list.map((i) => sign * values[i]),
                selectLastIndex,
              ),
            ),
          );
        }
      }
    }
    expect(argMax(x, axis, { keepDims: false }).shape).toEqual(shape.filter((_, i) => i !== counted));
    expect(argMax(x, axis).dtype).toBe('u32');
  });

  it('no gradient flows through an arg max', () => {
    const x = input('x', [3]);
    expect(() => grad(sum(x), [x])).not.toThrow();
    expect(() => grad(argMax(x), [x])).toThrow(/only f32 has gradients/);
  });
});
