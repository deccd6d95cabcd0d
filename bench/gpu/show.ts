import { adapterLine, columns, milliseconds } from '../show.ts';
import { mebibytes } from '../../engine/device/mebibytes.ts';
import type { GpuBenchResult, PartRecord, Training } from './result.ts';

/** What computed, where, and when. */
export function circumstances({ adapter, machine, doctor, version, date, seconds, minutes }: GpuBenchResult): string[] {
  return [
    adapter
      ? `${adapter.name}, ${adapterLine({ vendor: adapter.vendor, architecture: '', description: adapter.driver, software: adapter.type === 'software' }, machine.cores)}`
      : 'no adapter',
    `${doctor?.system ?? machine.platform}, ${machine.platform}; ${machine.processor}, ${machine.cores} cores`,
    `tuningfork ${version}, ${date}; ${seconds.toFixed(0)} s of ${minutes} min`,
  ];
}

export const PART_COLUMNS = ['part', 'seconds', 'outcome', 'why'];
export const partRow = ({ name, seconds, status, why = '' }: PartRecord): string[] => [
  name,
  seconds.toFixed(1),
  status,
  why,
];

export const TRAINING_COLUMNS = [
  'training step',
  'arithmetic',
  'batch',
  'pixels',
  'images/s',
  'ms',
  'least to most',
  'GPU ms',
  'issue ms',
  'first run s',
  'GPU buffers',
];

/** Milliseconds of all kernels of a step by timestamps; null where there are none. */
export const gpuTime = ({ measured: { kernels } }: Training): number | null =>
  kernels?.reduce((sum, kernel) => sum + kernel.milliseconds, 0) ?? null;

export function trainingRow(training: Training): string[] {
  const { model, arithmetic, imagesPerSecond, measured } = training;
  const [{ run, issue, firstRun, memory }] = measured.contenders;
  const gpu = gpuTime(training);
  return [
    model,
    arithmetic,
    String(measured.job.batch),
    String(measured.job.size),
    imagesPerSecond.toFixed(imagesPerSecond < 100 ? 1 : 0),
    milliseconds(run.median),
    `${milliseconds(run.min)} to ${milliseconds(run.max)}`,
    gpu === null ? '-' : milliseconds(gpu),
    milliseconds(issue.median),
    (firstRun / 1000).toFixed(1),
    mebibytes(memory.gpu),
  ];
}

/** The result as a person reads it: the page has more. */
export const showGpuBench = (result: GpuBenchResult): string =>
  [
    ...circumstances(result),
    '',
    columns([PART_COLUMNS.slice(0, 3), ...result.parts.map((part) => partRow(part).slice(0, 3))]),
    ...(result.training.length > 0 ? ['', columns([TRAINING_COLUMNS, ...result.training.map(trainingRow)])] : []),
    ...result.parts.flatMap(({ name, status, why }) => (why === undefined ? [] : ['', `${status}, ${name}: ${why}`])),
  ].join('\n');
