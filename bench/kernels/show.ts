import { columns } from '../show.ts';
import { median } from '../statistics.ts';
import type { CaseResult, KernelBenchResult, Outcome, Roofline, Timing } from './measure.ts';

const milliseconds = (ms: number): string => (ms < 1 ? ms.toFixed(3) : ms < 100 ? ms.toFixed(2) : ms.toFixed(0));
const NONE = '-';

/** A case's speed in one engine. */
export interface Speed {
  /** Median milliseconds: GPU time where there is one, otherwise wall time. */
  readonly milliseconds: number;
  readonly gflops: number | null;
  readonly gigabytes: number;
  /** The share of the adapter: the time that its arithmetic or its memory alone would take, whichever is longer, over the time taken. */
  readonly share: number;
}

export function speedOf({ flops, bytes }: Pick<CaseResult, 'flops' | 'bytes'>, { gpu, wall }: Timing, roofline: Roofline): Speed {
  const ms = (gpu ?? wall).median;
  const least = 1000 * Math.max(flops / roofline.flops, bytes / roofline.bandwidth);
  return { milliseconds: ms, gflops: flops > 0 ? flops / ms / 1e6 : null, gigabytes: bytes / ms / 1e6, share: least / ms };
}

/** Wall time of the first engine over another's; undefined where either has none. */
export function ratio({ outcomes }: CaseResult, ours: string, theirs: string): number | undefined {
  const [a, b] = [outcomes[ours], outcomes[theirs]];
  return a?.status === 'measured' && b?.status === 'measured' ? a.timing.wall.median / b.timing.wall.median : undefined;
}

/** Kernels in order of first use, with how often where more than once. */
export function kernelsOf(outcome: Outcome): string {
  if (outcome.status !== 'measured') return '';
  const counts = new Map<string, number>();
  for (const { name } of outcome.kernels) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, n]) => (n > 1 ? `${n} x ${name}` : name)).join(' + ');
}

export const shapesOf = ({ layer: { x, w, stride = 1, kind } }: CaseResult): string =>
  `${x.join('·')}${w ? ` ${kind === 'max_pool2d' ? 'window ' : ''}${w.join('·')}` : ''}${stride > 1 ? ` /${stride}` : ''}`;

export interface Comparison {
  readonly group: string;
  readonly engine: string;
  readonly cases: number;
  /** Sums of the medians of wall time over the cases that both measured, in milliseconds. */
  readonly ours: number;
  readonly theirs: number;
  /** Median of the ratios ours : theirs. */
  readonly ratio: number;
  /** Cases in which this engine takes longer. */
  readonly slower: readonly { readonly name: string; readonly ratio: number }[];
}

/** This engine against each other one, network by network. */
export function comparisons({ engines: [first, ...others], cases }: KernelBenchResult): Comparison[] {
  const groups = [...new Set(cases.map(({ layer }) => layer.group))];
  return others.flatMap((engine) => groups.flatMap((group) => {
    const both = cases.filter((c) => c.layer.group === group && ratio(c, first, engine) !== undefined);
    if (both.length === 0) return [];
    const total = (name: string) => both.reduce((sum, { outcomes }) => sum + (outcomes[name] as { timing: Timing }).timing.wall.median, 0);
    const slower = both.map((c) => ({ name: `${c.layer.name} ${c.direction}`, ratio: ratio(c, first, engine)! })).filter((c) => c.ratio > 1);
    return [{ group, engine, cases: both.length, ours: total(first), theirs: total(engine), ratio: median(both.map((c) => ratio(c, first, engine)!)), slower }];
  }));
}

export const failures = ({ cases }: KernelBenchResult): { readonly name: string; readonly engine: string; readonly reason: string; readonly status: 'failed' | 'impossible' }[] =>
  cases.flatMap(({ layer, direction, outcomes }) => Object.entries(outcomes).flatMap(([engine, outcome]) =>
    (outcome.status === 'measured' ? [] : [{ name: `${layer.name} ${direction}`, engine, reason: outcome.reason, status: outcome.status }])));

/** Sentences on what was measured where: for the terminal and the page. */
export function circumstances({ adapter, cores, load, batch, repeats, roofline }: KernelBenchResult): string[] {
  return [
    adapter.software
      ? `${adapter.description}: a SOFTWARE adapter, the CPU computes (${cores} cores); these figures say nothing about a GPU`
      : adapter.description,
    `the adapter itself: ${(roofline.bandwidth / 1e9).toFixed(1)} GB/s read and written by a copy, ${(roofline.flops / 1e9).toFixed(1)} GFLOP/s by chained multiply-adds`,
    `batch ${batch}, ${repeats} measurements of each; load ${load[0].toFixed(1)} before, ${load[1].toFixed(1)} at the end${load[0] > 0.5 || load[1] > cores + 1 ? ': others were at work, take the ratios rather than the times' : ''}`,
  ];
}

/** The result as a person reads it. */
export function showKernelBench(result: KernelBenchResult): string {
  const [first, ...others] = result.engines;
  const rows = result.cases.map((c) => {
    const own = c.outcomes[first];
    const cells = [`${c.layer.name} ${c.direction}`, shapesOf(c)];
    if (own.status !== 'measured') cells.push(own.status === 'failed' ? 'WRONG' : 'impossible', NONE, NONE, NONE, NONE, NONE);
    else {
      const speed = speedOf(c, own.timing, result.roofline);
      const { wall, gpu } = own.timing;
      cells.push(
        gpu ? milliseconds(gpu.median) : NONE, milliseconds(wall.median), `${milliseconds(wall.min)} to ${milliseconds(wall.max)}`,
        speed.gflops === null ? NONE : speed.gflops.toFixed(1), speed.gigabytes.toFixed(1), `${(100 * speed.share).toFixed(0)} %`,
      );
    }
    for (const name of others) {
      const theirs = c.outcomes[name];
      cells.push(
        theirs.status === 'measured' ? milliseconds(theirs.timing.wall.median) : theirs.status === 'failed' ? 'WRONG' : NONE,
        ratio(c, first, name)?.toFixed(2) ?? NONE,
      );
    }
    return [...cells, kernelsOf(own)];
  });
  const header = ['', 'shapes', 'GPU ms', 'wall ms', 'least to most', 'GFLOP/s', 'GB/s', 'of adapter', ...others.flatMap((name) => [`${name} ms`, 'ratio']), 'kernels'];
  const bad = failures(result);
  return [
    ...circumstances(result),
    '',
    columns([header, ...rows]),
    ...comparisons(result).flatMap(({ group, engine, cases, ours, theirs, ratio: middle, slower }) => [
      '',
      `${group}: ${milliseconds(ours)} ms, ${engine} ${milliseconds(theirs)} ms in the ${cases} cases that both did; median ratio ${middle.toFixed(2)}`,
      ...(slower.length ? [`slower than ${engine}: ${slower.map((c) => `${c.name} (${c.ratio.toFixed(2)})`).join(', ')}`] : []),
    ]),
    ...(bad.length ? ['', ...bad.map(({ name, engine, reason, status }) => `${status === 'failed' ? 'WRONG RESULT' : 'not done'}, ${engine}, ${name}: ${reason}`)] : []),
  ].join('\n');
}
