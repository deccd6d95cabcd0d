import { describe, expect, it } from 'vitest';
import { median, relativeDifference, summarise } from '../../bench/statistics.ts';

describe('the median', () => {
  it('is the middle value by size, not by place or by text', () => expect(median([9, 100, 10])).toBe(10));
  it('is the mean of the middle two', () => expect(median([4, 1, 100, 2])).toBe(3));
  it('leaves its argument in order', () => {
    const values = [3, 1, 2];
    expect(summarise(values)).toEqual({ median: 2, min: 1, max: 3 });
    expect(values).toEqual([3, 1, 2]);
  });
  it('of nothing is refused', () => expect(() => median([])).toThrow('no values'));
});

describe('the relative difference', () => {
  it('is the norm of the difference over the norm of the second', () =>
    expect(relativeDifference([3, 4.5], [3, 4])).toBeCloseTo(0.1, 12));
  it('is zero for equal values, zeros included', () => expect(relativeDifference([0, 0], [0, 0])).toBe(0));
  it('is not finite where a value is not, or where all is measured against zero', () => {
    expect(relativeDifference([NaN, 1], [1, 1])).toBeNaN();
    expect(relativeDifference([1], [0])).toBe(Infinity);
  });
  it('refuses different lengths', () =>
    expect(() => relativeDifference([1], [1, 2])).toThrow('1 values cannot be compared with 2'));
});
