import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import type { TopLevelSpec } from 'vega-lite';
import type { AdapterSummary } from '../engine/device/device.ts';
import { mebibytes } from '../engine/device/mebibytes.ts';
import { UserError } from '../engine/user_error.ts';
import { html } from '../vision/report/html.ts';
import { page, plot, table } from '../vision/report/pieces.ts';
import { colours } from '../vision/report/svg.ts';
import { writeFileAtomic } from '../models/formats/atomic.node.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';
import type { Job } from './contender.ts';
import { ContenderProcess } from './contender_process.ts';
import { WORK, adapterLine, columns, milliseconds } from './show.ts';
import { summarise, type Summary } from './statistics.ts';

export interface GrowthOptions {
  readonly work: Job['work'];
  /** Batch sizes, at images of `size` pixels; and sizes, in batches of `batch`. Both ascending. */
  readonly batches: readonly number[];
  readonly sizes: readonly number[];
  readonly batch: number;
  readonly size: number;
  readonly repeats: number;
  /** Seconds of one run after which a series goes no further. */
  readonly limit: number;
  readonly adapter?: string;
  /** The program of this engine's process. */
  readonly program: readonly string[];
  readonly onProgress?: (text: string) => void;
}

export interface GrowthPoint {
  readonly along: 'batch' | 'size';
  readonly batch: number;
  readonly size: number;
  /** Milliseconds of one run; CPU time of all threads likewise. */
  readonly run: Summary;
  readonly cpu: Summary;
  /** Bytes: of GPU buffers, and of the process at its peak. */
  readonly gpu: number;
  readonly peak: number;
}

export interface GrowthResult {
  readonly work: Job['work'];
  readonly adapter: AdapterSummary;
  readonly cores: number;
  readonly load: number;
  readonly points: readonly GrowthPoint[];
  /** Why a series ended early. */
  readonly ends: readonly string[];
}

/**
 * How time and memory of EfficientNet-B0 grow with the batch and with the image, each point in a process of its own.
 * @throws UserError where not even the first point of the first series can be measured
 */
export async function benchGrowth({
  work,
  batches,
  sizes,
  batch,
  size,
  repeats,
  limit,
  adapter,
  program,
  onProgress = () => {},
}: GrowthOptions): Promise<GrowthResult> {
  const load = loadavg()[0];
  const points: GrowthPoint[] = [];
  const ends: string[] = [];
  let summary: AdapterSummary | undefined;
  const series = [
    ['batch', batches.map((n) => [n, size])],
    ['size', sizes.map((n) => [batch, n])],
  ] as const;
  for (const [along, jobs] of series) {
    for (const [n, pixels] of jobs) {
      const what = `batch ${n}, ${pixels} pixels`;
      onProgress(what);
      try {
        const measured = await measurePoint(program, { work, batch: n, size: pixels, adapter }, repeats, limit);
        summary = measured.adapter;
        points.push({ along, batch: n, size: pixels, ...measured.point });
        if (measured.point.run.min > limit * 1000) {
          ends.push(`${what}: a run takes longer than ${limit} s, the series ends here`);
          break;
        }
      } catch (error) {
        if (!(error instanceof UserError) || points.length === 0) throw error;
        ends.push(`${what}: ${error.message}`);
        break;
      }
    }
  }
  return { work, adapter: summary!, cores: cpus().length, load, points, ends };
}

/** A function of its own: esbuild's `using` in a loop throws the error of an earlier round again. */
async function measurePoint(
  program: readonly string[],
  job: Job,
  repeats: number,
  limit: number,
): Promise<{ adapter: AdapterSummary; point: Pick<GrowthPoint, 'run' | 'cpu' | 'gpu' | 'peak'> }> {
  using process = new ContenderProcess('tuningfork', program, false);
  const { adapter } = await process.ask({ ask: 'open', job });
  const runs = [await process.ask({ ask: 'run' })];
  while (runs.length < repeats && runs[0].milliseconds < limit * 1000) runs.push(await process.ask({ ask: 'run' }));
  const { gpu, peak } = await process.ask({ ask: 'memory' });
  return {
    adapter,
    point: {
      run: summarise(runs.map((run) => run.milliseconds)),
      cpu: summarise(runs.map((run) => run.cpu)),
      gpu,
      peak,
    },
  };
}

const rowOf = ({ batch, size, run, cpu, gpu, peak }: GrowthPoint): string[] => [
  String(batch),
  String(size),
  milliseconds(run.median),
  milliseconds(run.median / batch),
  `${milliseconds(run.min)} to ${milliseconds(run.max)}`,
  milliseconds(cpu.median / batch),
  mebibytes(gpu),
  mebibytes(peak),
];
const HEADER = ['batch', 'pixels', 'median ms', 'ms/image', 'least to most', 'CPU ms/image', 'GPU buffers', 'peak'];

const circumstances = ({ work, adapter, cores, load }: GrowthResult): string[] => [
  `EfficientNet-B0, ${WORK[work]}`,
  `${adapterLine(adapter, cores)}; load before the start ${load.toFixed(1)}`,
];

/** The result as a person reads it. */
export const showGrowth = (result: GrowthResult): string =>
  [
    ...circumstances(result),
    ...(['batch', 'size'] as const).flatMap((along) => {
      const rows = result.points.filter((point) => point.along === along).map(rowOf);
      return rows.length ? ['', columns([HEADER, ...rows])] : [];
    }),
    ...(result.ends.length ? ['', ...result.ends] : []),
  ].join('\n');

/**
 * Milliseconds of CPU and wall time, or bytes, along one series; both axes logarithmic, so that a power is a straight
 * line.
 */
function curve(points: readonly GrowthPoint[], along: 'batch' | 'size', what: 'time' | 'memory'): TopLevelSpec {
  const values = points.flatMap(({ [along]: at, run, cpu, gpu, peak }) =>
    what === 'time'
      ? [
          { at, name: 'wall time', value: run.median },
          { at, name: 'CPU time', value: cpu.median },
        ]
      : [
          { at, name: 'GPU buffers', value: gpu / 2 ** 20 },
          { at, name: 'process at its peak', value: peak / 2 ** 20 },
        ],
  );
  return {
    width: 340,
    height: 230,
    data: { values },
    mark: { type: 'line', point: { size: 40 } },
    encoding: {
      x: {
        field: 'at',
        type: 'quantitative',
        scale: { type: 'log', base: 2, nice: false },
        title: along === 'batch' ? 'images at once' : 'pixels a side',
        axis: { format: 'd' },
      },
      y: {
        field: 'value',
        type: 'quantitative',
        scale: { type: 'log' },
        title: what === 'time' ? 'ms' : 'MiB',
        axis: { tickCount: 5, format: '~s' },
      },
      color: { field: 'name', type: 'nominal', scale: { range: [colours.purple, colours.orange] } },
    },
  };
}

/** Writes growth.json and growth.html into the folder; makes it where there is none. */
export async function writeGrowthPage(folder: string, result: GrowthResult): Promise<void> {
  const plots = [];
  for (const along of ['batch', 'size'] as const) {
    const points = result.points.filter((point) => point.along === along);
    if (points.length < 2) continue;
    for (const what of ['time', 'memory'] as const)
      plots.push(
        await plot(
          curve(points, along, what),
          `${what === 'time' ? 'Time' : 'Memory'} by ${along}`,
          'Both axes are logarithmic.',
        ),
      );
  }
  const body = html`<div class="grid">${plots}</div>
${table({ caption: 'All points', columns: HEADER, rows: result.points.map(rowOf) })}${result.ends.map((end) => html`<p>${end}</p>`)}`;
  makeFolder(folder);
  await writeFileAtomic(join(folder, 'growth.json'), `${JSON.stringify(result, null, 2)}\n`);
  await writeFileAtomic(
    join(folder, 'growth.html'),
    page('Tuningfork: growth', html`${circumstances(result).map((line) => html`<p>${line}</p>`)}`, [
      { id: 'growth', title: 'Growth', body },
    ]),
  );
}
