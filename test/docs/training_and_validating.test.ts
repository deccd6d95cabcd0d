import { describe, expect, it } from 'vitest';
import {
  LEAST_LOSS,
  drawPoints,
  fit,
  fitted,
  leastHeldOut,
  lossOf,
  predict,
  verdict,
} from '../../web/chapters/fitting.ts';
import { numbersAsked, sectionOf, tableRows, textOf } from './chapter_text.ts';

const text = textOf('docs/14-training-and-validating.md');
const number = (cell: string) => Number(cell.replace('−', '-'));

/** The polynomial of least squares by the normal equations: Σ_j (Σ_i x^(j+k)) c_j = Σ_i y x^k, eliminated. */
function leastSquares(x: readonly number[], y: readonly number[], degree: number, decay = 0): number[] {
  const powers = (k: number) => x.reduce((sum, each) => sum + each ** k, 0);
  const rows = Array.from({ length: degree + 1 }, (_, k) => [
    ...Array.from({ length: degree + 1 }, (__, j) => powers(j + k) + (j === k ? decay : 0)),
    x.reduce((sum, each, i) => sum + y[i] * each ** k, 0),
  ]);
  for (let k = 0; k <= degree; k++)
    for (let i = 0; i <= degree; i++) {
      if (i === k) continue;
      const factor = rows[i][k] / rows[k][k];
      rows[i] = rows[i].map((v, j) => v - factor * rows[k][j]);
    }
  return rows.map((row, k) => row[degree + 1] / row[k]);
}
const valueAt = (c: readonly number[], x: number) => c.reduce((sum, each, k) => sum + each * x ** k, 0);
const squares = (c: readonly number[], x: readonly number[], y: readonly number[]) =>
  x.reduce((sum, each, i) => sum + (valueAt(c, each) - y[i]) ** 2, 0) / x.length;

describe('chapter 14, training and validating', () => {
  const rows = tableRows(sectionOf(text, 'By hand'));

  it('the losses of the three models are those of least squares', () => {
    const points = (name: string) => rows.filter(([kind]) => kind === name).map((row) => row.slice(1).map(number));
    const [training, heldOut] = [points('training'), points('held out')];
    expect([training.length, heldOut.length]).toEqual([3, 2]);
    const models = rows.filter(([name]) => name.startsWith('$y ='));
    const shown = [[1], [1, 0.5], [0, 0.5, 1.5]];
    expect(models.map(([name]) => name)).toEqual(['$y = 1$', '$y = 1 + 0.5 x$', '$y = 0.5 x + 1.5 x^2$']);
    models.forEach((row, degree) => {
      const column = (of: number[][], i: number) => of.map((point) => point[i]);
      const c = leastSquares(column(training, 0), column(training, 1), degree);
      c.forEach((each, k) => expect(each).toBeCloseTo(shown[degree][k], 12));
      const losses = [training, heldOut].map((of) => squares(c, column(of, 0), column(of, 1)));
      losses.forEach((loss, i) => expect(Math.abs(number(row[i + 1]) - loss), row[0]).toBeLessThan(5e-5));
    });
  });

  it('training stops where the patience says so', () => {
    const losses = rows
      .find(([name]) => name === 'validation loss')!
      .slice(1)
      .map(Number);
    const patience = Number(/patience of (\d+):/.exec(text)![1]);
    let best = 0;
    let last = losses.length;
    for (let epoch = 0; epoch < losses.length; epoch++) {
      if (losses[epoch] < losses[best]) best = epoch;
      if (epoch - best >= patience) {
        last = epoch + 1;
        break;
      }
    }
    expect(text).toContain(
      `Epoch ${best + 1} is the best. After epoch ${last} it has been the best for ${patience} epochs`,
    );
  });

  it('the intervals are Wilson’s, by the roots of his quadratic', () => {
    const z2 = 1.959963984540054 ** 2;
    const section = sectionOf(text, 'How to judge honestly').replaceAll(/\s+/g, ' ');
    for (const [right, of] of [
      [45, 50],
      [450, 500],
    ]) {
      // The shares p for which (p − right/of)² = z²·p·(1 − p)/of.
      const [a, b, c] = [1 + z2 / of, -(2 * right) / of - z2 / of, (right / of) ** 2];
      const root = Math.sqrt(b * b - 4 * a * c);
      for (const end of [(-b - root) / (2 * a), (-b + root) / (2 * a)]) expect(section).toContain(end.toFixed(3));
    }
    expect(section).toContain(`45 are right: ${45 / 50}.`);
  });

  it('the exercises’ numbers follow', () => {
    expect(text).toContain(`in the figure ${LEAST_LOSS}, the square of the scatter`);
    const [steps, dropped, decayed] = numbersAsked(text);
    expect(steps).toBe(Math.ceil(800 / 32));
    expect(dropped).toBe(1.5 / (1 - 0.25));
    expect(decayed).toBeCloseTo(0.9 - 0.01 * (0 + 0.1 * 0.9), 12);
  });
});

describe('the figure of chapter 14', () => {
  const xs = Array.from({ length: 41 }, (_, i) => i / 20 - 1);

  it('fits as the normal equations do', () => {
    const { x, y } = drawPoints(20, 5);
    for (const degree of [0, 1, 3, 5]) {
      const want = leastSquares(x, y, degree);
      const got = fit({ x, y }, degree);
      // The normal equations square the condition, about 1e4 for degree 5: half of the digits remain in any case.
      for (const at of xs) expect(Math.abs(predict(got, at) - valueAt(want, at))).toBeLessThan(1e-7);
      expect(lossOf(got, { x, y })).toBeCloseTo(squares(want, x, y), 9);
    }
  });

  it('goes through all points with as many weights as there are points', () => {
    const { trainingLoss, heldOutLoss, training, weights } = fitted({ points: 10, degree: 9, decay: 0, seed: 1 });
    training.x.forEach((x, i) => expect(predict(weights, x)).toBeCloseTo(training.y[i], 9));
    expect(trainingLoss).toBeLessThan(1e-18);
    expect(heldOutLoss).toBeGreaterThan(1);
  });

  it('the loss on the points falls with the degree; weight decay is where its gradient vanishes', () => {
    const { byDegree, training } = fitted({ points: 30, degree: 3, decay: 0, seed: 2 });
    for (let k = 1; k < byDegree.length; k++)
      expect(byDegree[k].training).toBeLessThanOrEqual(byDegree[k - 1].training * (1 + 1e-12));
    const decay = 0.1;
    const weights = fit(training, 4, decay);
    const cost = (w: readonly number[]) => lossOf(w, training) + decay * w.reduce((sum, each) => sum + each ** 2, 0);
    weights.forEach((_, k) => {
      const moved = (by: number) => cost(weights.map((w, i) => (i === k ? w + by : w)));
      expect(Math.abs(moved(1e-4) - moved(-1e-4)) / 2e-4).toBeLessThan(1e-8);
    });
  });

  it.each([
    ['overfits', { points: 10, degree: 9, decay: 0, seed: 1 }],
    ['underfits', { points: 10, degree: 0, decay: 0, seed: 1 }],
    ['generalises', { points: 10, degree: 3, decay: 0, seed: 1 }],
    ['generalises', { points: 200, degree: 9, decay: 0, seed: 1 }],
  ] as const)('says that it %s: %o', (word, choice) => {
    expect(verdict(fitted(choice), leastHeldOut(choice, [0, 0.01]))).toContain(word);
  });
});
