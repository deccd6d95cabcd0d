import type { TopLevelSpec } from 'vega-lite';
import { colours } from '../../vision/report/svg.ts';
import { comparable, speedOf } from './figures.ts';
import type { CaseResult, KernelBenchResult } from './result.ts';

const ENGINE_COLOURS = [colours.purple, colours.orange, colours.teal, colours.blue];

/** How fast each engine is at these layers, a bar each: GFLOP/s, or GB/s where memory is what counts. */
export function speedBars(result: KernelBenchResult, cases: readonly CaseResult[]): TopLevelSpec {
  const byMemory = cases.every(({ flops }) => flops === 0);
  const values = cases.flatMap((c) =>
    result.engines.flatMap((engine) => {
      const ms = comparable(c, engine, result);
      return ms === undefined
        ? []
        : [{ layer: c.layer.name, engine, speed: (byMemory ? c.bytes : c.flops) / ms / 1e6 }];
    }),
  );
  return {
    width: 420,
    height: { step: result.engines.length > 1 ? 10 : 15 },
    data: { values },
    mark: { type: 'bar' },
    encoding: {
      y: { field: 'layer', type: 'nominal', sort: null, title: null, axis: { labelLimit: 220, ticks: false } },
      yOffset: { field: 'engine', sort: [...result.engines] },
      x: { field: 'speed', type: 'quantitative', title: byMemory ? 'GB/s that cannot be avoided' : 'GFLOP/s' },
      color: {
        field: 'engine',
        type: 'nominal',
        scale: { domain: [...result.engines], range: ENGINE_COLOURS.slice(0, result.engines.length) },
      },
    },
  };
}

/**
 * The roofline model (Williams, Waterman & Patterson 2009): speed against arithmetic intensity, a point a case of this
 * engine, under what the adapter's memory and arithmetic allow.
 */
export function rooflinePlot(result: KernelBenchResult): TopLevelSpec {
  const {
    cases,
    engines: [first],
    roofline,
  } = result;
  const values = cases.flatMap((c) => {
    const outcome = c.outcomes[first];
    if (outcome.status !== 'measured' || c.flops === 0) return [];
    return [
      { intensity: c.flops / c.bytes, speed: speedOf(c, outcome.timing, result).gflops!, direction: c.direction },
    ];
  });
  const ridge = roofline.flops / roofline.bandwidth;
  const intensities = [...values.map(({ intensity }) => intensity), ridge];
  const ends = [Math.min(...intensities) / 2, ridge, Math.max(...intensities) * 2];
  const roof = ends.map((intensity) => ({
    intensity,
    speed: Math.min(roofline.flops, intensity * roofline.bandwidth) / 1e9,
  }));
  const x = {
    field: 'intensity',
    type: 'quantitative' as const,
    scale: { type: 'log' as const, nice: false },
    title: 'FLOP per byte that must be moved',
    axis: { tickCount: 6, format: '~r' },
  };
  const y = {
    field: 'speed',
    type: 'quantitative' as const,
    scale: { type: 'log' as const },
    title: 'GFLOP/s',
    axis: { tickCount: 6, format: '~r' },
  };
  return {
    width: 420,
    height: 300,
    layer: [
      {
        data: { values: roof },
        mark: { type: 'line', color: 'currentColor', strokeDash: [5, 4], opacity: 0.6 },
        encoding: { x, y },
      },
      {
        data: { values },
        mark: { type: 'point', filled: true, size: 45, opacity: 0.8 },
        encoding: {
          x,
          y,
          color: {
            field: 'direction',
            type: 'nominal',
            scale: {
              domain: ['forward', 'input_grad', 'filter_grad'],
              range: [colours.purple, colours.teal, colours.orange],
            },
          },
        },
      },
    ],
  };
}
