import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { input } from '../../engine/ops/leaves.ts';
import { add, mul } from '../../engine/ops/pointwise.ts';
import { mean, sum } from '../../engine/ops/reduce.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import { describeAdapters, describeBothWays, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { expectWithin, sumBound } from '../tolerance.ts';

describeBothWays('reduce', (device) => {
  it.each([
    [
      [2, 3, 4, 5],
      [1, 2],
    ],
    [
      [2, 3, 4, 5],
      [0, 1, 2],
    ],
    [
      [2, 3, 4, 5],
      [0, 2],
    ],
    [[2, 3, 4, 5], [3]],
    [[7, 1300], [1]],
    [[1300, 3], [0]],
    [[70_001], [0]],
    // On a GPU: parts, and columns beyond the last; one part; a sum for each thread.
    [[3, 1900, 44], [1]],
    [[2, 40, 7], [1]],
    [[9, 66_000], [0]],
  ])('sums and averages %j over %j, and differentiates twice', async (shape, axes) => {
    const x = input('x', shape);
    const outShape = shape.map((d, i) => (axes.includes(i) ? 1 : d));
    const target = (i: number) => {
      let rest = i;
      const index = shape.map(() => 0);
      for (let k = shape.length - 1; k >= 0; k--) {
        index[k] = rest % shape[k];
        rest = Math.floor(rest / shape[k]);
      }
      return outShape.reduce((at, d, k) => at * d + (d === 1 ? 0 : index[k]), 0);
    };
    const values = randomArray(x.size, 11);
    const length = axes.reduce((n, a) => n * shape[a], 1);
    const want = new Float64Array(x.size / length);
    const magnitude = new Float64Array(want.length);
    values.forEach((v, i) => {
      want[target(i)] += v;
      magnitude[target(i)] += Math.abs(v);
    });
    const weight = input('weight', outShape);
    const weights = randomArray(weight.size, 12);
    const y = mean(x, axes);
    // dx is the weight, spread; the derivative of <x, dx> by the weight is the mean again.
    const [spread] = grad(y, [x], weight);
    const [again] = grad(sum(mul(x, spread)), [weight]);
    const [gotSum, gotMean, dx, gotAgain] = await evaluate(device(), [sum(x, axes), y, spread, again], {
      x: values,
      weight: weights,
    });
    expectWithin(gotSum, want, (i) => sumBound(length, magnitude[i]), 'sum');
    for (const got of [gotMean, gotAgain])
      expectWithin(
        got,
        want.map((v) => v / length),
        (i) => sumBound(length + 2, magnitude[i] / length),
        'mean',
      );
    expectWithin(
      dx,
      Array.from(values, (_, i) => weights[target(i)] / length),
      (i) => sumBound(4, Math.abs(weights[target(i)] / length)),
      'dx',
    );
  });
});

describeBothWays('the sum of a product', (device) => {
  it.each([
    [
      [2, 12, 5, 8],
      [1, 2],
    ],
    [
      [2, 12, 5, 6],
      [1, 2],
    ],
    [[2, 700, 4], [1]],
    [[2, 700, 6], [1]],
    [
      [5, 7],
      [0, 1],
    ],
  ])('of %j over %j is one op, unless something else reads the product', async (shape, axes) => {
    const [x, y] = [input('x', shape), input('y', shape)];
    const product = mul(x, y);
    const total = sum(product, axes, 0.5);
    const feeds = { x: randomArray(x.size, 31), y: randomArray(y.size, 32) };
    const three = {
      outer: shape.slice(0, axes[0]).reduce((n, d) => n * d, 1),
      length: axes.reduce((n, a) => n * shape[a], 1),
    };
    const inner = x.size / three.outer / three.length;
    const [want, magnitude] = [new Float64Array(total.size), new Float64Array(total.size)];
    feeds.x.forEach((v, i) => {
      const at = Math.floor(i / inner / three.length) * inner + (i % inner);
      want[at] += 0.5 * v * feeds.y[i];
      magnitude[at] += Math.abs(0.5 * v * feeds.y[i]);
    });
    using fused = await compile(device(), { outputs: [total] });
    fused.run(feeds);
    expectWithin(await fused.read(total), want, (i) => sumBound(three.length + 2, magnitude[i]), 'sum of products');
    expect(fused.steps[0].launch.kernel.name).toMatch(/^reduce_products/);
    expect(fused.steps.some(({ launch }) => launch.kernel.name === 'pointwise')).toBe(false);
    using read = await compile(device(), { outputs: [total, product] });
    read.run(feeds);
    expect(await read.read(product)).toEqual(feeds.x.map((v, i) => v * feeds.y[i]));
    expectWithin(await read.read(total), want, (i) => sumBound(three.length + 2, magnitude[i]), 'sum');
  });
});

describeAdapters('broadcast within pointwise', (device) => {
  it('reads what is repeated in place, scaled, on either side, and gives the same numbers', async () => {
    const x = input('x', [3, 4, 5, 8]);
    const weight = input('weight', [3, 1, 1, 8]);
    const spread = grad(sum(mul(mean(x, [1, 2]), weight)), [x])[0]; // weight / 20, repeated
    for (const out of [mul(x, spread), mul(spread, x), add(spread, x)]) {
      const values = randomArray(x.size, 21);
      using fast = await compile(device(), { outputs: [out] });
      using plain = await compile(device(), { outputs: [out], keep: 'all' });
      const feeds = { x: values, weight: randomArray(weight.size, 22) };
      fast.run(feeds);
      plain.run(feeds);
      const repeats = (p: typeof fast) =>
        p.steps.some((s) => s.launch.kernel.name === 'broadcast' && s.tensor.size === x.size);
      expect(repeats(plain)).toBe(true);
      expect(repeats(fast)).toBe(false);
      const [got, want] = [await fast.read(out), await plain.read(out)];
      // Both round the same few operations, in another order.
      expectWithin(got, want, (i) => sumBound(8, 4 * Math.abs(want[i]) + 1e-3));
    }
  });
});

describe('axes', () => {
  const x = input('x', [2, 3, 4]);
  /** What is summed, without the tensors' numbers. */
  const work = (t: Tensor): unknown => (t === x ? 'x' : [t.op.name, t.attrs, t.shape, work(t.inputs[0])]);

  it('count from the last where they are negative', () => {
    for (const [negative, positive] of [
      [[-1], [2]],
      [[-3], [0]],
      [
        [-2, -1],
        [1, 2],
      ],
      [
        [-1, 0],
        [0, 2],
      ],
      [
        [2, -2, 0],
        [0, 1, 2],
      ],
    ]) {
      expect(work(sum(x, negative))).toEqual(work(sum(x, positive)));
      expect(work(mean(x, negative))).toEqual(work(mean(x, positive)));
    }
    expect(mean(x, [-1]).shape).toEqual([2, 3, 1]);
    expect(mean(x, [-1]).attrs).toMatchObject({ scale: 1 / 4 });
  });

  it.each<[unknown, RegExp]>([
    [[3], /there is no axis 3; given x \[2, 3, 4\]/],
    [[-4], /there is no axis -4/],
    [[0.5], /there is no axis 0.5/],
    [[NaN], /there is no axis NaN/],
    [['0'], /there is no axis "0"/],
    [[undefined], /there is no axis undefined/],
    [[1, 1], /\[1, 1\] names an axis twice/],
    [[0, -3], /\[0, -3\] names an axis twice/],
    [[-1, 2, 0], /names an axis twice/],
    [1, /the axes must be a list such as \[0\], not 1/],
    ['all', /must be a list/],
    [null, /must be a list/],
  ])('such as %j are refused by the op that was called', (axes, message) => {
    for (const [name, reduced] of Object.entries({ sum, mean })) {
      expect(() => reduced(x, axes as number[])).toThrow(UserError);
      expect(() => reduced(x, axes as number[])).toThrow(message);
      expect(() => reduced(x, axes as number[])).toThrow(new RegExp(`^${name}: `));
    }
    expect(() => sum(input('scalar', []), [0])).toThrow(/there is no axis 0/);
  });
});

describeAdapters('a sum over nothing', (device) => {
  it('of no axes is scaled all the same, and its gradient', async () => {
    const [x, one] = [input('x', [2, 3]), input('one', [])];
    const y = sum(x, [], 2);
    const outputs = [y, sum(one, undefined, 0.5), mean(x, []), ...grad(sum(y), [x])];
    const got = await evaluate(device(), outputs, { x: [1, 2, 3, 4, 5, 6], one: 3 });
    expect(got.map((v) => [...v])).toEqual([[2, 4, 6, 8, 10, 12], [1.5], [1, 2, 3, 4, 5, 6], Array(6).fill(2)]);
  });
});
