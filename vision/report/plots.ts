import type { TopLevelSpec } from 'vega-lite';
import type { Epoch, ReliabilityBin } from './data.ts';
import { colours } from './svg.ts';

export const WIDTH = 340;
export const HEIGHT = 210;
const SQUARE = 250;
export const unit = { domain: [0, 1] };
export const dashed = { strokeDash: [5, 4], opacity: 0.6 };
/** Whole numbers, and thousands as 10k, so that the axis stays narrow. */
export const counts = { format: '~s', tickMinStep: 1, tickCount: 5 };

/** Loss or accuracy after every epoch, in training and in validation, with a line where a phase begins. */
export function trainingCurve(epochs: readonly Epoch[], metric: string): TopLevelSpec {
  const points = epochs.flatMap(({ epoch, train, validation }) => [
    { epoch, part: 'training', value: train[metric] },
    ...(validation ? [{ epoch, part: 'validation', value: validation[metric] }] : []),
  ]);
  const last = epochs[epochs.length - 1].epoch;
  const phases = [...new Set(epochs.map(({ phase }) => phase))].map((phase) => {
    const own = epochs.filter((row) => row.phase === phase).map(({ epoch }) => epoch);
    return { label: `phase ${phase}`, start: own[0] - 0.5, middle: (own[0] + own[own.length - 1]) / 2 };
  });
  const x = {
    type: 'quantitative' as const,
    title: 'epoch',
    scale: { domain: [0.5, last + 0.5], nice: false },
    axis: { format: 'd', tickMinStep: 1, grid: false },
  };
  return {
    width: WIDTH,
    height: HEIGHT,
    layer: [
      {
        data: { values: points },
        mark: { type: 'line', point: { size: 22 } },
        encoding: {
          x: { field: 'epoch', ...x },
          y: { field: 'value', type: 'quantitative', title: metric, scale: { zero: false }, axis: { tickCount: 6 } },
          color: {
            field: 'part',
            type: 'nominal',
            legend: { orient: 'bottom' },
            scale: { domain: ['training', 'validation'], range: [colours.grey, colours.purple] },
          },
        },
      },
      {
        data: { values: phases.slice(1) },
        mark: { type: 'rule', ...dashed },
        encoding: { x: { field: 'start', ...x } },
      },
      {
        data: { values: phases.length > 1 ? phases : [] },
        mark: { type: 'text', baseline: 'bottom', fontSize: 11, opacity: 0.8 },
        encoding: { x: { field: 'middle', ...x }, y: { value: -4 }, text: { field: 'label' } },
      },
    ],
  };
}

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
          color: {
            field: 'right',
            type: 'nominal',
            legend: null,
            scale: { domain: [true, false], range: [colours.teal, colours.vermilion] },
          },
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

/** Points of a curve without those in the middle of a horizontal or vertical run, which change nothing. */
function corners<P extends { readonly fpr: number; readonly tpr: number }>(points: readonly P[]): P[] {
  return points.filter((point, i) => {
    const [before, after] = [points[i - 1], points[i + 1]];
    if (before === undefined || after === undefined) return true;
    return (
      !(before.fpr === point.fpr && point.fpr === after.fpr) && !(before.tpr === point.tpr && point.tpr === after.tpr)
    );
  });
}

/** The ROC curve, with the diagonal that guessing would give and the area under the curve in the free corner. */
export function rocCurve(
  roc: readonly { readonly fpr: number; readonly tpr: number }[],
  auc: number | null,
): TopLevelSpec {
  const x = { type: 'quantitative' as const, scale: unit, title: 'false positive rate' };
  const y = { type: 'quantitative' as const, scale: unit, title: 'true positive rate' };
  const values = corners(roc).map((point, order) => ({ ...point, order }));
  return {
    width: SQUARE,
    height: SQUARE,
    layer: [
      {
        data: { values: [{ a: 0 }, { a: 1 }] },
        mark: { type: 'line', color: 'currentColor', strokeWidth: 1, ...dashed },
        encoding: { x: { field: 'a', ...x }, y: { field: 'a', ...y } },
      },
      // Down to 0 as y2, or points that share a rate would be stacked; without `order`, which would make an area of
      // each point.
      {
        data: { values },
        mark: { type: 'area', orient: 'vertical', color: colours.purple, opacity: 0.12 },
        encoding: { x: { field: 'fpr', ...x }, y: { field: 'tpr', ...y }, y2: { datum: 0 } },
      },
      {
        data: { values },
        mark: { type: 'line', color: colours.purple },
        encoding: { x: { field: 'fpr', ...x }, y: { field: 'tpr', ...y }, order: { field: 'order' } },
      },
      {
        data: { values: auc === null ? [] : [{ label: `AUC ${auc.toFixed(3)}` }] },
        mark: { type: 'text', fontSize: 15, fontWeight: 600, align: 'right' },
        encoding: { x: { value: SQUARE - 14 }, y: { value: SQUARE - 22 }, text: { field: 'label' } },
      },
    ],
  };
}

/** Share of right answers against mean confidence, a point a bin, over bars of how many answers each bin holds. */
export function reliabilityDiagram(bins: readonly ReliabilityBin[]): TopLevelSpec {
  const filled = bins.filter(({ count }) => count > 0);
  const low = filled.length > 0 && filled.every((bin) => bin.low >= 0.5) ? 0.5 : 0;
  const scale = { domain: [low, 1], nice: false };
  const x = { type: 'quantitative' as const, scale, axis: { tickCount: 6 } };
  const y = { type: 'quantitative' as const, title: 'share that is right', scale: { domain: [0, 1] } };
  return {
    spacing: 8,
    vconcat: [
      {
        width: SQUARE,
        height: 190,
        layer: [
          {
            data: { values: [{ a: low }, { a: 1 }] },
            mark: { type: 'line', color: 'currentColor', strokeWidth: 1, ...dashed },
            encoding: {
              x: { field: 'a', ...x, title: null, axis: { ...x.axis, labels: false } },
              y: { field: 'a', ...y },
            },
          },
          {
            data: { values: filled },
            mark: { type: 'rule', color: colours.vermilion, strokeWidth: 3, opacity: 0.5 },
            encoding: {
              x: { field: 'confidence', ...x },
              y: { field: 'accuracy', ...y },
              y2: { field: 'confidence' },
            },
          },
          {
            data: { values: filled },
            mark: { type: 'line', color: colours.purple, point: { size: 45, color: colours.purple } },
            encoding: { x: { field: 'confidence', ...x }, y: { field: 'accuracy', ...y } },
          },
        ],
      },
      {
        width: SQUARE,
        height: 60,
        data: { values: filled },
        mark: { type: 'bar', color: colours.grey, binSpacing: 1 },
        encoding: {
          x: { field: 'low', bin: { binned: true }, ...x, title: 'confidence' },
          x2: { field: 'high' },
          y: { field: 'count', type: 'quantitative', title: 'answers', axis: { ...counts, tickCount: 3 } },
        },
      },
    ],
  };
}
