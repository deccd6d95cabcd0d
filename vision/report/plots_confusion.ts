import type { TopLevelSpec } from 'vega-lite';
import { SQUARE } from './plots.ts';
import { colours } from './svg.ts';

const rightOrWrong = {
  field: 'right',
  type: 'nominal' as const,
  legend: null,
  scale: { domain: [true, false], range: [colours.teal, colours.vermilion] },
};

/** `matrix[true][predicted]` as a square of counts with the share of their row; the darker, the larger the share. */
export function confusionMatrix(matrix: readonly (readonly number[])[], classes: readonly string[]): TopLevelSpec {
  const values = matrix.flatMap((row, t) => {
    const total = row.reduce((a, b) => a + b, 0);
    return row.map((count, p) => {
      const share = total > 0 ? count / total : 0;
      return {
        truth: classes[t],
        predicted: classes[p],
        count,
        share,
        percent: `${(100 * share).toFixed(1)} %`,
        right: t === p,
      };
    });
  });
  const axis = { labelAngle: 0, labelFontSize: 12, ticks: false, domain: false };
  return {
    width: SQUARE,
    height: SQUARE,
    data: { values },
    encoding: {
      x: { field: 'predicted', type: 'nominal', sort: [...classes], title: 'the network says', axis },
      y: {
        field: 'truth',
        type: 'nominal',
        sort: [...classes],
        title: 'the labels say',
        axis: { ...axis, labelAngle: -90, labelAlign: 'center', labelPadding: 10 },
      },
    },
    layer: [
      {
        mark: { type: 'rect', stroke: 'currentColor', strokeOpacity: 0.25 },
        encoding: {
          color: rightOrWrong,
          fillOpacity: {
            field: 'share',
            type: 'quantitative',
            legend: null,
            scale: { domain: [0, 1], range: [0.06, 0.7] },
          },
        },
      },
      {
        mark: { type: 'text', fontSize: 22, fontWeight: 600, dy: -7 },
        encoding: { text: { field: 'count', format: ',' } },
      },
      { mark: { type: 'text', fontSize: 12, dy: 15, opacity: 0.85 }, encoding: { text: { field: 'percent' } } },
    ],
  };
}

/** Sides in pixels of a map of many classes, and of its smallest cells. */
const MAP = 420;
const CELL = 9;

/**
 * The same without numbers, for many classes: cells that hold nothing are not drawn.
 * @param totals images of each class, whatever they were taken for
 */
export function confusionMap(
  matrix: readonly (readonly number[])[],
  totals: readonly number[],
  classes: readonly string[],
): TopLevelSpec {
  const values = matrix.flatMap((row, t) =>
    row.flatMap((count, p) =>
      count > 0 ? [{ truth: classes[t], predicted: classes[p], share: count / totals[t], right: t === p }] : [],
    ),
  );
  const side = Math.max(MAP, classes.length * CELL);
  const cell = side / classes.length;
  const axis = {
    labelLimit: 120,
    labelFontSize: Math.max(7, Math.min(11, cell - 1)),
    labelOverlap: false,
    ticks: false,
    domain: false,
  };
  const scale = { domain: [...classes] };
  return {
    width: side,
    height: side,
    data: { values },
    mark: { type: 'rect' },
    encoding: {
      x: { field: 'predicted', type: 'ordinal', scale, title: 'the network says', axis: { ...axis, labelAngle: -90 } },
      y: { field: 'truth', type: 'ordinal', scale, title: 'the labels say', axis },
      color: rightOrWrong,
      fillOpacity: { field: 'share', type: 'quantitative', legend: null, scale: { domain: [0, 1], range: [0.15, 1] } },
    },
  };
}
