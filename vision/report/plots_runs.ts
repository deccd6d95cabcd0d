import type { TopLevelSpec } from 'vega-lite';
import type { ComparisonData } from './data.ts';
import { HEIGHT, WIDTH } from './plots.ts';
import { COLOURS, seriesColour } from './svg.ts';

/** A figure of several runs over their epochs, a line a run. */
export function runCurves(
  runs: ComparisonData['curves'][number]['runs'],
  metric: string,
  part: 'train' | 'validation',
): TopLevelSpec {
  const values = runs.flatMap(({ place, epochs }) =>
    epochs.flatMap((epoch) => {
      const figures = epoch[part];
      return figures ? [{ place, epoch: epoch.epoch, value: figures[metric] }] : [];
    }),
  );
  const places = runs.map(({ place }) => place);
  const last = Math.max(...runs.map(({ epochs }) => epochs.length));
  return {
    width: WIDTH,
    height: HEIGHT,
    data: { values },
    mark: { type: 'line', point: { size: 16 } },
    encoding: {
      x: {
        field: 'epoch',
        type: 'quantitative',
        title: 'epoch',
        scale: { domain: [0.5, last + 0.5], nice: false },
        axis: { format: 'd', tickMinStep: 1, grid: false },
      },
      y: { field: 'value', type: 'quantitative', title: metric, scale: { zero: false }, axis: { tickCount: 6 } },
      color: {
        field: 'place',
        type: 'nominal',
        legend: null,
        scale: { domain: places, range: places.map(seriesColour) },
      },
      strokeDash: {
        field: 'place',
        type: 'nominal',
        legend: null,
        scale: { domain: places, range: places.map((place) => (place < COLOURS ? [1, 0] : [5, 3])) },
      },
    },
  };
}
