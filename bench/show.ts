import type { AdapterSummary } from '../engine/device/device.ts';
import { mebibytes } from '../engine/device/mebibytes.ts';
import { FIT_BATCHES, type KernelTime } from './contender.ts';
import { share, type ModelBenchResult } from './models.ts';

/** What a job does, as a phrase. */
export const WORK = {
  forward: 'forward pass',
  train: 'training step (all weights, Adam, batch statistics)',
  fit: 'epoch of model.fit (four batches, Adam)',
} as const;

/** What is compared before anything is timed. */
const COMPARED = { forward: 'logits', train: 'losses of the first two steps', fit: 'losses of the first two epochs' };

export const milliseconds = (ms: number): string => (ms < 100 ? ms.toFixed(1) : ms.toFixed(0));

/** Rows of text in columns, the first to the left and the others to the right. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows
    .map((row) => row.map((text, i) => (i ? text.padStart(widths[i]) : text.padEnd(widths[i]))).join('  '))
    .join('\n');
}

/** What computed, and plainly so where that was the CPU. */
export const adapterLine = ({ description, software }: AdapterSummary, cores: number): string =>
  software
    ? `${description}: a SOFTWARE adapter, the CPU computes (${cores} cores); these figures say nothing about a GPU`
    : description;

/** The result as a person reads it. */
export function showModelBench({
  job,
  adapter,
  cores,
  loadBefore,
  cold,
  contenders,
  kernels,
}: ModelBenchResult): string {
  const [first, ...others] = contenders;
  const images = job.batch * (job.work === 'fit' ? FIT_BATCHES : 1);
  return [
    `${job.model ?? 'EfficientNet-B0'} ${WORK[job.work]}, batch ${job.batch}, ${job.size} x ${job.size} pixels, ${job.precision === 'f16' ? 'activations stored as float16' : 'float32'}${job.memory === undefined ? '' : `, --memory ${job.memory}`}${job.tuning === undefined ? '' : ', kernels as tuned'}`,
    adapterLine(adapter, cores),
    `load before the start ${loadBefore.toFixed(1)}${loadBefore > 0.5 ? ': others were at work, take the ratios rather than the times' : ''}; shader caches ${cold ? 'off' : 'as found'}`,
    '',
    columns([
      [
        '',
        'median ms',
        'ms/image',
        'min',
        'max',
        'issue ms',
        'CPU ms',
        'first run s',
        'resident',
        'peak',
        'GPU buffers',
      ],
      ...contenders.map(({ name, run, issue, cpu, firstRun, memory }) => [
        name,
        milliseconds(run.median),
        milliseconds(run.median / images),
        milliseconds(run.min),
        milliseconds(run.max),
        milliseconds(issue.median),
        milliseconds(cpu.median),
        (firstRun / 1000).toFixed(1),
        mebibytes(memory.resident),
        mebibytes(memory.peak),
        memory.gpu > 0 ? mebibytes(memory.gpu) : '-',
      ]),
    ]),
    ...others.flatMap((other) => [
      '',
      `${first.name} takes ${share(first.runs, other.runs).toFixed(3)} of the time of ${other.name} and ${share(first.cpuRuns, other.cpuRuns).toFixed(3)} of its CPU time (medians of ${other.runs.length} pairs of runs)`,
      `outputs agree: ${COMPARED[job.work]} differ by ${other.difference!.map((d) => d.toExponential(1)).join(' and ')} relative`,
    ]),
    ...(kernels ? ['', showKernels(kernels, job.batch)] : []),
  ].join('\n');
}

function showKernels(kernels: readonly KernelTime[], batch: number): string {
  const total = kernels.reduce((sum, { milliseconds: ms }) => sum + ms, 0);
  return columns([
    ['kernel', 'steps', 'GPU ms', 'ms/image', 'share'],
    ...kernels.map(({ kernel, steps, milliseconds: ms }) => [
      kernel,
      String(steps),
      ms.toFixed(2),
      (ms / batch).toFixed(2),
      `${((100 * ms) / total).toFixed(1)} %`,
    ]),
    [
      'all',
      String(kernels.reduce((sum, { steps }) => sum + steps, 0)),
      total.toFixed(2),
      (total / batch).toFixed(2),
      '100.0 %',
    ],
  ]);
}
