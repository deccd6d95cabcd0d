import type { TopLevelSpec } from 'vega-lite';
import { dashed, SQUARE } from '../report/plots.ts';
import { histogram } from '../report/plots_histograms.ts';
import { colours } from '../report/svg.ts';

const axis = { tickCount: 5 };

/** The ends of an axis that shows all of these; of a single value, one on either side of it. */
export function rangeOf(values: readonly number[]): [number, number] {
  const [low, high] = [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))];
  return high > low ? [low, high] : [low - 1, high + 1];
}

/** Predicted over true numbers of a column, a dot an image. On the dashed line both are the same. */
export function valuesScatter(points: readonly { readonly truth: number; readonly predicted: number }[]): TopLevelSpec {
  const [low, high] = rangeOf(points.flatMap(({ truth, predicted }) => [truth, predicted]));
  const scale = { domain: [low, high], nice: true, zero: false };
  const x = { type: 'quantitative' as const, scale, title: 'true', axis };
  const y = { type: 'quantitative' as const, scale, title: 'predicted', axis };
  return {
    width: SQUARE,
    height: SQUARE,
    layer: [
      {
        data: { values: points },
        mark: { type: 'circle', size: 16, opacity: 0.7, color: colours.purple },
        encoding: { x: { field: 'truth', ...x }, y: { field: 'predicted', ...y } },
      },
      {
        data: { values: [{ a: low }, { a: high }] },
        mark: { type: 'line', color: 'currentColor', strokeWidth: 1, ...dashed },
        encoding: { x: { field: 'a', ...x }, y: { field: 'a', ...y } },
      },
    ],
  };
}

/** How predicted numbers lie about the true ones: a histogram of predicted less true, even about 0. */
export function residualHistogram(residuals: readonly number[]): TopLevelSpec {
  const most = residuals.reduce((largest, residual) => Math.max(largest, Math.abs(residual)), 0) || 1;
  return histogram(residuals, {
    low: -most,
    high: most,
    colour: colours.purple,
    x: 'predicted less true',
    y: 'images',
    median: null,
    digits: 3,
    height: 130,
  });
}

/** The numbers of a column. */
export function valueHistogram(name: string, values: readonly number[]): TopLevelSpec {
  const [low, high] = rangeOf(values);
  return histogram(values, {
    low,
    high,
    colour: colours.blue,
    x: name,
    y: 'images',
    median: null,
    digits: 3,
    height: 130,
  });
}
