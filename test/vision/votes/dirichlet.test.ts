import { describe, expect, it } from 'vitest';
import { grad } from '../../../engine/autodiff.ts';
import { input } from '../../../engine/ops/leaves.ts';
import { concentrations, dirichletLogLoss, dirichletLoss } from '../../../vision/votes/dirichlet.ts';
import { describeAdapters, evaluate } from '../../gpu.ts';
import { randomArray } from '../../random.ts';
import { expectWithin, functionBound, sumBound } from '../../tolerance.ts';

/** log Γ(x) by Stirling's series beyond 15, to which Γ(x + 1) = x·Γ(x) leads (Abramowitz and Stegun 6.1.15, 6.1.40). */
function logGamma(x: number): number {
  let [shift, z] = [0, x];
  for (; z < 15; z++) shift -= Math.log(z);
  const series = 1 / (12 * z) - 1 / (360 * z ** 3) + 1 / (1260 * z ** 5) - 1 / (1680 * z ** 7);
  return shift + (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series;
}

/** -log P of one question, as the distribution is written in textbooks. */
function byGamma(a: readonly number[], k: readonly number[]): number {
  const [all, votes] = [a, k].map((row) => row.reduce((sum, x) => sum + x, 0));
  const answers = a.map((x, i) => logGamma(x + k[i]) - logGamma(x) - logGamma(k[i] + 1));
  return -(logGamma(votes + 1) + logGamma(all) - logGamma(all + votes) + answers.reduce((sum, x) => sum + x, 0));
}

const ONE = (count: number) => [{ from: 0, count }];

describe('the probability of votes', () => {
  it('is the one that can be counted', () => {
    // scipy.stats.dirichlet_multinomial.pmf([1, 2, 3], [3, 4, 5], 6) in its manual: 60·3·20·210 / (12·13·14·15·16·17).
    expect(Math.exp(-dirichletLogLoss([3, 4, 5], [1, 2, 3], ONE(3)))).toBeCloseTo(0.08484162895927604, 14);
    // With concentrations 1 all ways to share N votes are alike: of 2 between 2 there are 3, of 4 among 3 there are 15.
    for (const votes of [
      [2, 0],
      [1, 1],
    ])
      expect(Math.exp(-dirichletLogLoss([1, 1], votes, ONE(2)))).toBeCloseTo(1 / 3, 14);
    expect(Math.exp(-dirichletLogLoss([1, 1, 1], [4, 0, 0], ONE(3)))).toBeCloseTo(1 / 15, 14);
    expect(dirichletLogLoss([3, 9], [0, 0], ONE(2))).toBe(0);
  });

  it('is that of the formula with Γ, and of independent questions the product', () => {
    const [a, k] = [
      [1.5, 80.25, 7, 3.3, 101],
      [0, 40, 3, 1, 60],
    ];
    const places = [
      { from: 0, count: 3 },
      { from: 3, count: 2 },
    ];
    const want = byGamma(a.slice(0, 3), k.slice(0, 3)) + byGamma(a.slice(3), k.slice(3));
    expect(dirichletLogLoss(a, k, places)).toBeCloseTo(want, 10);
  });
});

describeAdapters('the loss of votes', (device) => {
  const places = [
    { from: 0, count: 3 },
    { from: 3, count: 2 },
    { from: 5, count: 4 },
  ];
  const [n, width] = [5, 9];
  const counts = (most: number) =>
    Float32Array.from({ length: n * width }, (_, i) =>
      i % 9 > 4 && i < 9 ? 0 : Math.floor((((i * 7919) % 97) / 97 / 4) * (most + 1)),
    );

  it.each([1, 5, 40, 127])(
    'is the mean of -log P over the batch, with %d votes at most, and so is its gradient',
    async (most) => {
      const [a, votes] = [input('a', [n, width]), input('votes', [n, width])];
      const loss = dirichletLoss(a, votes, places, most);
      const values = randomArray(n * width, 3).map((x) => 1 + 50 * Math.abs(x));
      const given = counts(most);
      const [got, gradient] = await evaluate(device(), [loss, grad(loss, [a])[0]], { a: values, votes: given });
      const reference = (at: ArrayLike<number>): number => {
        let total = 0;
        for (let row = 0; row < n; row++)
          for (const { from, count } of places) {
            const part = (of: ArrayLike<number>) => Array.from({ length: count }, (_, i) => of[row * width + from + i]);
            total += byGamma(part(at), part(given));
          }
        return total / n;
      };
      // Sums of at most 2·128 logarithms a place, none above log(1000); near 1 WGSL's log may be off by 2^-21.
      const terms = n * (width + places.length) * 2 * 128;
      const magnitude = (given.reduce((sum, k) => sum + k, 0) * 4 * Math.log(1000)) / n;
      const bound = sumBound(terms, magnitude) + functionBound(1, magnitude) + (terms / n) * 2 ** -21;
      expectWithin(got, [reference(values)], () => bound);
      const wanted = Array.from(values, (x, i) => {
        const moved = (by: number) => reference(Array.from(values, (v, j) => (j === i ? v + by : v)));
        return (moved(x * 1e-4) - moved(-x * 1e-4)) / (2e-4 * x);
      });
      // Each derivative is a difference of two sums of at most 128 terms 1/(a + j), a ≥ 1; the central difference of
      // values near `magnitude` is good to a few 1e-9.
      const largest = (2 * (1 + Math.log(128))) / n;
      expectWithin(gradient, wanted, () => sumBound(2 * 128, largest) + functionBound(2, largest) + 1e-8);
    },
  );

  it('has concentrations from 1 to 101', async () => {
    const logits = input('logits', [1, 3]);
    const [got] = await evaluate(device(), [concentrations(logits)], { logits: [-100, 0, 100] });
    expect([...got]).toEqual([1, 51, 101]);
  });
});
