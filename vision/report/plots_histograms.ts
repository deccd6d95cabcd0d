import type { TopLevelSpec } from 'vega-lite';
import { WIDTH, counts, dashed } from './plots.ts';
import { colours } from './svg.ts';

export interface Bin {
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

/**
 * Counts of `values` in `bins` equal bins from `low` to `high`. A value on an edge belongs to the bin above it, the
 * last bin holds its upper end, and what lies outside the range falls into the nearest bin.
 */
export function binValues(values: readonly number[], bins: number, low = 0, high = 1): Bin[] {
  const tally = new Array<number>(bins).fill(0);
  // The nudge puts 0.3 (stored as 0.299...) where a person would: shares sit on edges often.
  for (const value of values) {
    tally[Math.min(bins - 1, Math.max(0, Math.floor(((value - low) / (high - low)) * bins + 1e-9)))]++;
  }
  // Twelve digits of the range: 0.3 is not 0.30000000000000004, and edges of small units differ.
  const digits = Math.min(100, Math.max(0, 11 - Math.floor(Math.log10(high - low))));
  const edge = (i: number) => Number((low + ((high - low) * i) / bins).toFixed(digits));
  return tally.map((count, i) => ({ low: edge(i), high: edge(i + 1), count }));
}

/** Histogram of the confidence of right or of wrong answers, with the median as a line. */
export function confidenceHistogram(
  kind: 'right' | 'wrong',
  confidences: readonly number[],
  median: number | null,
  low: number,
): TopLevelSpec {
  const colour = kind === 'right' ? colours.teal : colours.vermilion;
  return histogram(confidences, {
    low,
    high: 1,
    colour,
    x: `confidence of ${kind} answers`,
    y: 'answers',
    median,
    digits: 2,
    height: 130,
  });
}

interface HistogramOptions {
  /** Ends of the axis. */
  readonly low: number;
  readonly high: number;
  readonly colour: string;
  /** What is counted along which axis. */
  readonly x: string;
  readonly y: string;
  readonly median: number | null;
  /** Decimals of the median. */
  readonly digits: number;
  readonly height: number;
}

/** Twenty bins, with the median as a line. */
export function histogram(
  values: readonly number[],
  { low, high, colour, x: title, y, median, digits, height }: HistogramOptions,
): TopLevelSpec {
  const x = { type: 'quantitative' as const, scale: { domain: [low, high], nice: false }, title };
  return {
    width: WIDTH,
    height,
    layer: [
      {
        data: { values: binValues(values, 20, low, high) },
        mark: { type: 'bar', color: colour, binSpacing: 1 },
        encoding: {
          x: { field: 'low', bin: { binned: true }, ...x, axis: { tickCount: 6 } },
          x2: { field: 'high' },
          y: { field: 'count', type: 'quantitative', title: y, axis: counts },
        },
      },
      {
        data: { values: median === null ? [] : [{ median, label: `median ${median.toFixed(digits)}` }] },
        encoding: { x: { field: 'median', ...x } },
        layer: [
          { mark: { type: 'rule', strokeWidth: 1.5, ...dashed, opacity: 0.9 } },
          {
            mark: { type: 'text', baseline: 'bottom', fontSize: 11 },
            encoding: { y: { value: -3 }, text: { field: 'label' } },
          },
        ],
      },
    ],
  };
}
