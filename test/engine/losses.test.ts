import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { input } from '../../engine/ops/leaves.ts';
import { binaryCrossEntropyWithLogits, crossEntropy, huber, l1, mse, type Reduction } from '../../engine/ops/losses.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import { numericGradients } from '../finite_differences.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import * as reference from '../reference/losses.ts';
import { expectWithin, functionBound, sumBound } from '../tolerance.ts';

const WAYS: readonly Reduction[] = ['mean', 'sum', 'none'];

interface Classes {
  readonly shape: readonly number[];
  readonly weights?: true;
  readonly ignoreIndex?: number;
  readonly labelSmoothing?: number;
}
const CLASSES: Classes[] = [
  { shape: [5, 4] },
  { shape: [2, 3, 2, 5], weights: true },
  { shape: [6, 4], ignoreIndex: 255 },
  { shape: [6, 4], ignoreIndex: 2, weights: true, labelSmoothing: 0.1 },
  { shape: [3], labelSmoothing: 1 },
];

describeAdapters('losses', (device) => {
  it.each(CLASSES)(
    'cross entropy of classes: $shape, weights $weights, ignored $ignoreIndex, smoothed $labelSmoothing',
    async ({ shape, weights: weighted, ...options }) => {
      const classes = shape[shape.length - 1];
      const lead = shape.slice(0, -1);
      const [logits, targets] = [input('logits', shape), input('targets', lead, 'u32')];
      const weights = weighted && input('weights', [classes]);
      const chosen = Array.from({ length: targets.size }, (_, i) =>
        options.ignoreIndex !== undefined && i % 3 === 1 ? options.ignoreIndex : (7 * i) % classes,
      );
      const feeds = {
        logits: randomArray(logits.size, 1, -3, 3),
        targets: Uint32Array.from(chosen),
        ...(weights && { weights: randomArray(classes, 2, 0.5, 2) }),
      };
      const c = { classes, ...options, weights: feeds.weights };
      for (const reduction of WAYS) {
        const loss = crossEntropy(logits, targets, { ...options, weights, reduction });
        expect(loss.shape).toEqual(reduction === 'none' ? lead : []);
        const dLoss = input('dLoss', loss.shape);
        const cotangent = randomArray(dLoss.size, 3, 0.5, 2);
        const [got, dx] = await evaluate(device(), [loss, grad(loss, [logits], dLoss)[0]], {
          ...feeds,
          dLoss: cotangent,
        });
        const f = ([x]: readonly ArrayLike<number>[]) => {
          const { losses, total } = reference.crossEntropy(x, chosen, c);
          return reference.reduced(losses, reduction, total);
        };
        // Logits are at most 3 in size, weights and cotangents 2; a loss is below 6 + log K, and twice that.
        const size = (reduction === 'sum' ? targets.size : 1) * 20;
        expectWithin(got, f([feeds.logits]), () => functionBound(4, size) + sumBound(logits.size, size), reduction);
        const [want] = numericGradients(f, [feeds.logits], cotangent);
        expectWithin(dx, want, () => functionBound(6, 8) + sumBound(logits.size, 8) + 1e-9, `gradient of ${reduction}`);
      }
    },
  );

  it('a target that is no class has an infinite loss, and one that is ignored has none', async () => {
    const [logits, targets] = [input('logits', [3, 2]), input('targets', [3], 'u32')];
    const options = { ignoreIndex: 9, reduction: 'none' } as const;
    const loss = crossEntropy(logits, targets, options);
    const dLoss = input('dLoss', [3]);
    const [got, dx] = await evaluate(device(), [loss, grad(loss, [logits], dLoss)[0]], {
      logits: [0, 0, NaN, 0, 0, -Infinity],
      targets: Uint32Array.of(2, 9, 0),
      dLoss: [1, 1, 1],
    });
    expect(got[0]).toBe(Infinity);
    // The second row is ignored; the third's target has all of the probability.
    expect([...got].map(Math.abs).slice(1)).toEqual([0, 0]);
    expect([...dx].map(Math.abs).slice(4)).toEqual([0, 0]);
  });

  const [X, T] = [randomArray(12, 1, -4, 4), randomArray(12, 2, 0, 1)];
  const PAIRS: [string, (x: Tensor, t: Tensor, reduction: Reduction) => Tensor, (x: number, t: number) => number][] = [
    ['binary cross entropy', (x, t, reduction) => binaryCrossEntropyWithLogits(x, t, { reduction }), reference.binary],
    ['huber', (x, t, reduction) => huber(x, t, 1, reduction), (x, t) => reference.huber(x, t, 1)],
    ['huber of delta 2.5', (x, t, reduction) => huber(x, t, 2.5, reduction), (x, t) => reference.huber(x, t, 2.5)],
    ['mse', mse, (x, t) => (x - t) ** 2],
    ['l1', l1, (x, t) => Math.abs(x - t)],
  ];
  it.each(PAIRS)('%s and its gradients', async (_, op, f) => {
    const [x, t] = [input('x', [3, 4]), input('t', [3, 4])];
    for (const reduction of WAYS) {
      const loss = op(x, t, reduction);
      const dLoss = input('dLoss', loss.shape);
      const cotangent = randomArray(dLoss.size, 3, 0.5, 2);
      const [got, ...gradients] = await evaluate(device(), [loss, ...grad(loss, [x, t], dLoss)], {
        x: X,
        t: T,
        dLoss: cotangent,
      });
      const all = ([p, q]: readonly ArrayLike<number>[]) =>
        reference.reduced(
          Array.from(p, (v, i) => f(v, q[i])),
          reduction,
        );
      // A loss is at most 25, 12 of them add up.
      const size = 25 * (reduction === 'sum' ? 12 : 1);
      expectWithin(got, all([X, T]), () => functionBound(3, size), reduction);
      numericGradients(all, [X, T], cotangent).forEach((want, k) =>
        expectWithin(gradients[k], want, () => functionBound(4, 20) + 1e-9, `gradient ${k} of ${reduction}`),
      );
    }
  });

  it('binary cross entropy counts by weights, and is exact at both ends', async () => {
    const [x, t] = [input('x', [2, 3]), input('t', [2, 3])];
    const [weights, posWeight] = [input('weights', [2, 1]), input('posWeight', [3])];
    const loss = binaryCrossEntropyWithLogits(x, t, { weights, posWeight, reduction: 'none' });
    const [xs, ts, ws, ps] = [
      [-100, 2, 80, 100, -1, 3],
      [0, 1, 1, 0, 0.5, 1],
      [0.5, 2],
      [1, 3, 0.25],
    ];
    const [got] = await evaluate(device(), [loss], { x: xs, t: ts, weights: ws, posWeight: ps });
    // log(1 − σ(100)) is −100 and log σ(80) is −e⁻⁸⁰, where the definition would give infinities and 0.
    const want = xs.map((v, i) =>
      [0, 3].includes(i)
        ? ws[Math.floor(i / 3)] * Math.max(0, v)
        : ws[Math.floor(i / 3)] * reference.binary(v, ts[i], ps[i % 3]),
    );
    want[2] = 0.5 * 0.25 * Math.exp(-80);
    // exp(-80) may be off by 163 units in the last place (WGSL), f32 holds it.
    expectWithin(got, want, (i) => (i === 2 ? 1e-4 * want[2] : functionBound(4, Math.abs(want[i]) + 1e-30)));
  });
});

describe('what does not fit', () => {
  const [x, t] = [input('x', [2, 3]), input('t', [2], 'u32')];
  it.each<[() => Tensor, RegExp]>([
    [() => crossEntropy(x, input('t', [3], 'u32')), /logits must be \[N, ..., K\]/],
    [() => crossEntropy(x, input('t', [2])), /it takes u32, and t is f32/],
    [() => crossEntropy(x, t, { weights: input('w', [2]) }), /weights must be \[3\]/],
    [() => crossEntropy(x, t, { labelSmoothing: 2 }), /between 0 and 1/],
    [() => crossEntropy(x, t, { ignoreIndex: -100 }), /ignoreIndex must be a whole number/],
    [() => crossEntropy(x, t, { reduction: 'max' as 'sum' }), /reduction must be/],
    [() => mse(x, input('y', [3, 2])), /must have one shape/],
    [() => huber(x, x, 0), /delta must be positive/],
  ])('is refused: case %#', (call, message) => {
    expect(call).toThrow(UserError);
    expect(call).toThrow(message);
  });
});
