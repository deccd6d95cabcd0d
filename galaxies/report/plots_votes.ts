import type { TopLevelSpec } from 'vega-lite';
import { HEIGHT, WIDTH, counts, dashed, unit } from '../../vision/report/plots.ts';
import { binValues } from '../../vision/report/plots_histograms.ts';
import { colours } from '../../vision/report/svg.ts';
import { answerColour } from './answer_colour.ts';
import type { ThresholdCounts, TradeOff } from './data.ts';

/** Galaxies of each class, and those left out, at several label thresholds: stacked bars that are equally high. */
export function thresholdBars(rows: readonly ThresholdCounts[], classes: readonly string[]): TopLevelSpec {
  const names = [...classes, 'left out'];
  const values = rows.flatMap(({ threshold, counts: perClass, ambiguous }) =>
    names.map((name, order) => ({ threshold, name, order, n: perClass[order] ?? ambiguous })),
  );
  return {
    width: WIDTH,
    height: HEIGHT,
    data: { values },
    mark: { type: 'bar' },
    encoding: {
      x: { field: 'threshold', type: 'ordinal', title: 'label threshold', axis: { labelAngle: 0, format: '.2~f' } },
      y: { field: 'n', type: 'quantitative', title: 'galaxies', axis: counts },
      color: {
        field: 'name',
        type: 'nominal',
        scale: { domain: names, range: [...classes.map(answerColour), '#8a8f9866'] },
      },
      order: { field: 'order' },
    },
  };
}

/** How often volunteers gave each share of their votes to one answer; the label threshold as a dashed line. */
export function voteHistogram(name: string, shares: readonly number[], threshold: number | null): TopLevelSpec {
  return {
    width: 280,
    height: 150,
    layer: [
      {
        data: { values: binValues(shares, 20) },
        mark: { type: 'bar', color: answerColour(name, 0), binSpacing: 1 },
        encoding: {
          x: {
            field: 'low',
            type: 'quantitative',
            bin: { binned: true },
            scale: unit,
            title: `share of votes for “${name}”`,
            axis: { tickCount: 5 },
          },
          x2: { field: 'high' },
          y: { field: 'count', type: 'quantitative', title: 'galaxies', axis: counts },
        },
      },
      ...(threshold === null
        ? []
        : [
            {
              data: { values: [{ threshold }] },
              mark: { type: 'rule' as const, ...dashed },
              encoding: { x: { field: 'threshold', type: 'quantitative' as const } },
            },
          ]),
    ],
  };
}

/**
 * Accuracy over the number of galaxies left, both against the label threshold. Thresholds that leave none are left out.
 */
export function tradeOffCurve(rows: readonly TradeOff[]): TopLevelSpec {
  const x = { field: 'threshold', type: 'ordinal' as const };
  const axis = { labelAngle: 0, format: '.2~f' };
  return {
    spacing: 8,
    data: { values: rows.filter(({ n }) => n > 0).map((row) => ({ ...row, label: row.accuracy?.toFixed(3) })) },
    vconcat: [
      {
        width: WIDTH,
        height: 140,
        encoding: {
          x: { ...x, title: null, axis: { ...axis, labels: false } },
          y: {
            field: 'accuracy',
            type: 'quantitative',
            title: 'accuracy',
            scale: { zero: false, padding: 14 },
            axis: { tickCount: 5 },
          },
        },
        layer: [
          { mark: { type: 'line', color: colours.purple, point: { size: 45, color: colours.purple } } },
          { mark: { type: 'text', dy: -11, fontSize: 11 }, encoding: { text: { field: 'label' } } },
        ],
      },
      {
        width: WIDTH,
        height: 70,
        mark: { type: 'bar', color: colours.grey },
        encoding: {
          x: { ...x, title: 'label threshold', axis },
          y: { field: 'n', type: 'quantitative', title: 'galaxies', axis: { ...counts, tickCount: 3 } },
        },
      },
    ],
  };
}
