import { describe, expect, it } from 'vitest';
import { columnFigures, judgeNumbers } from '../../../vision/targets/evaluate.ts';
import { rangeOf } from '../../../vision/targets/plots.ts';
import { number, showHeadline } from '../../../vision/targets/show.ts';

describe('the figures of numbers', () => {
  it('are those of the published example', () => {
    // scikit-learn's user guide, 3.4.6.1 and 3.4.6.3: R² 0.948..., mean absolute error 0.5, mean squared error 0.375.
    const figures = columnFigures('y', [2.5, 0, 2, 8], [3, -0.5, 2, 7]);
    expect(figures.r2).toBeCloseTo(0.9486081370449679, 12);
    expect(figures.mae).toBe(0.5);
    expect(figures.rmse ** 2).toBeCloseTo(0.375, 12);
    expect(figures.bias).toBeCloseTo((-0.5 + 0.5 + 0 + 1) / 4, 12);
    // √(Σ(y - 2.875)² / 4)
    expect(figures.constant).toBeCloseTo(Math.sqrt((0.125 ** 2 + 3.375 ** 2 + 0.875 ** 2 + 4.125 ** 2) / 4), 12);
  });

  it('of the mean as the answer are R² 0, and of equal truths none', () => {
    expect(columnFigures('y', [2, 2, 2], [1, 2, 3]).r2).toBeCloseTo(0, 12);
    expect(columnFigures('y', [0.2, 0.3], [0.1, 0.1]).r2).toBeNull();
  });

  it('of several columns are together in units of their deviations', () => {
    const task = { columns: ['a', 'b'], deviation: [2, 10] };
    const { figures } = judgeNumbers(
      task,
      [
        [1, 10],
        [3, 30],
      ],
      [
        [3, 10],
        [1, 50],
      ],
      'these',
    );
    // Squares in units of the deviations: 1, 0, 1, 4.
    expect(figures.rmse).toBeCloseTo(Math.sqrt(6 / 4), 12);
    // Of a 1 - 8/2, of b 1 - 400/800.
    expect(figures.r2).toBeCloseTo((-3 + 0.5) / 2, 12);
    expect(showHeadline(figures)).toBe('RMSE 1.225 standard deviations, R² -1.250, over 2 targets of 2 images');
  });

  it('are written with four digits, of any size', () => {
    expect([0.000123456, 123456, -7, null].map(number)).toEqual(['0.0001235', '123500', '-7', '–']);
    expect(rangeOf([3, 3])).toEqual([2, 4]);
    expect(rangeOf([3, -1, 2])).toEqual([-1, 3]);
  });
});
