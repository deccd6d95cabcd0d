import { describe, expect, it } from 'vitest';
import { fitMaps, scaleWithin, widthAt, type Extent } from '../../web/learn/map_fit.ts';

/** Maps of 32 x 32 in 2 rows of 3 channels, and 6 filters of 3 x 3 x 3. */
const FLOW: Extent = { columns: 96, rows: 64, tileColumns: 3, tileRows: 2 };
const FILTERS: Extent = { columns: 18, rows: 9, tileColumns: 6, tileRows: 3 };
const BETWEEN = 16;

describe('the maps of a card', () => {
  it.each([330, 700, 788, 1000, 1400])('fit into %i pixels, and a weight is 12 of them wide', (width) => {
    const { layout, flow, weights, small } = fitMaps({ width }, FLOW, FILTERS, 6);
    const [f, w] = [widthAt(FLOW, flow), widthAt(FILTERS, weights)];
    const widest = {
      row: 2 * f + 2 * w + 3 * BETWEEN,
      beside: 2 * f + w + 2 * BETWEEN,
      below: 2 * Math.max(f, w) + BETWEEN,
      stacked: Math.max(2 * f + BETWEEN, w),
      narrow: Math.max(f, w),
    }[layout];
    expect(widest).toBeLessThanOrEqual(width);
    expect(weights).toBeGreaterThanOrEqual(12);
    expect(small).toBeGreaterThanOrEqual(12);
  });

  it('lie side by side where there is room, one below the other where there is little', () => {
    expect([330, 788, 1000].map((width) => fitMaps({ width }, FLOW, FILTERS, 6).layout)).toEqual([
      'narrow',
      'beside',
      'row',
    ]);
    // 40 weights in a row: 12 pixels each only where a map has the row for itself.
    const wide = { columns: 40, rows: 30, tileColumns: 8, tileRows: 6 };
    expect(fitMaps({ width: 788 }, { ...FLOW, columns: 64, rows: 32 }, wide, 8)).toMatchObject({
      layout: 'stacked',
      weights: 12,
    });
  });

  it('are whole pixels an element, and at least one', () => {
    expect(scaleWithin(FLOW, 300)).toBe(3);
    expect(scaleWithin(FLOW, 293)).toBe(2);
    expect(scaleWithin(FLOW, 1000, 131)).toBe(2);
    expect(scaleWithin(FLOW, 10)).toBe(1);
  });
});
