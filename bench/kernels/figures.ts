import { median } from '../statistics.ts';
import { timesBy, type CaseResult, type KernelFigures, type Outcome, type Timing } from './result.ts';

/*
 * What follows from a result, for whoever shows it: in a terminal, on a page, in a browser.
 */

export const milliseconds = (ms: number): string => (ms < 1 ? ms.toFixed(3) : ms < 100 ? ms.toFixed(2) : ms.toFixed(0));

/** A case's speed in one engine. */
export interface Speed {
  /** Median milliseconds by the result's clock. */
  readonly milliseconds: number;
  readonly gflops: number | null;
  readonly gigabytes: number;
  /**
   * The share of the adapter: the time that its arithmetic or its memory alone would take, whichever is longer, over
   * the time taken.
   */
  readonly share: number;
}

type Circumstances = Pick<KernelFigures, 'clock' | 'cores' | 'roofline'>;

export function speedOf(
  { flops, bytes }: Pick<CaseResult, 'flops' | 'bytes'>,
  timing: Timing,
  { clock, cores, roofline }: Circumstances,
): Speed {
  const ms = timesBy(clock, timing, cores).median;
  const least = 1000 * Math.max(flops / roofline.flops, bytes / roofline.bandwidth);
  return {
    milliseconds: ms,
    gflops: flops > 0 ? flops / ms / 1e6 : null,
    gigabytes: bytes / ms / 1e6,
    share: least / ms,
  };
}

/**
 * Median milliseconds of a case by the clock that all engines have: wall time, or CPU time on a busy machine. Undefined
 * where it was not measured.
 */
export function comparable(
  { outcomes }: CaseResult,
  engine: string,
  { clock, cores }: Circumstances,
): number | undefined {
  const outcome = outcomes[engine];
  return outcome?.status === 'measured'
    ? timesBy(clock === 'cpu' ? 'cpu' : 'wall', outcome.timing, cores).median
    : undefined;
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

/** A layer's kind as it is summed up: convolutions by the size of their filters. */
export const kindOf = ({ layer: { kind, w } }: Pick<CaseResult, 'layer'>): string =>
  kind === 'conv2d' ? `conv ${w![0]}x${w![1]}` : kind === 'depthwise_conv2d' ? 'depthwise' : kind.replace('_', ' ');

/** This engine against another in all layers of a kind and direction in a group. */
export interface Comparison {
  readonly group: string;
  readonly kind: string;
  readonly direction: string;
  readonly engine: string;
  readonly cases: number;
  /** Sums of the medians over the cases that both measured, in milliseconds: see `comparable`. */
  readonly ours: number;
  readonly theirs: number;
  /** Median of the ratios ours : theirs. */
  readonly ratio: number;
  /** Cases in which this engine takes longer, by more than a tenth. */
  readonly slower: readonly { readonly name: string; readonly ratio: number }[];
}

export function comparisons(result: KernelFigures): Comparison[] {
  const {
    engines: [first, ...others],
    cases,
  } = result;
  const keyOf = (c: CaseResult): string => JSON.stringify([c.layer.group, kindOf(c), c.direction]);
  const keys = [...new Set(cases.map(keyOf))];
  return others.flatMap((engine) =>
    keys.flatMap((key) => {
      const both = cases
        .filter((c) => keyOf(c) === key)
        .flatMap((c) => {
          const [ours, theirs] = [first, engine].map((name) => comparable(c, name, result));
          return ours !== undefined && theirs !== undefined
            ? [{ name: `${c.layer.name} ${c.direction}`, ours, theirs, ratio: ours / theirs }]
            : [];
        });
      if (both.length === 0) return [];
      const [group, kind, direction] = JSON.parse(key) as string[];
      const total = (whose: 'ours' | 'theirs') => both.reduce((sum, times) => sum + times[whose], 0);
      const slower = both.filter((c) => c.ratio > 1.1);
      return [
        {
          group,
          kind,
          direction,
          engine,
          cases: both.length,
          ours: total('ours'),
          theirs: total('theirs'),
          ratio: median(both.map((c) => c.ratio)),
          slower,
        },
      ];
    }),
  );
}

/** One sentence an engine that was faster anywhere. */
export function slowerThan(result: KernelFigures): string[] {
  const [first, ...others] = result.engines;
  return others.flatMap((engine) => {
    const slower = comparisons(result)
      .filter((c) => c.engine === engine)
      .flatMap((c) => c.slower)
      .sort((a, b) => b.ratio - a.ratio);
    return slower.length
      ? [`${first} is slower than ${engine} in: ${slower.map((c) => `${c.name} (${c.ratio.toFixed(2)})`).join(', ')}`]
      : [];
  });
}

export interface Failure {
  readonly engine: string;
  readonly status: 'failed' | 'impossible';
  readonly reason: string;
  /** The cases that it is the reason for. */
  readonly names: readonly string[];
}

/** What was not measured: equal reasons once. */
export function failures({ cases }: KernelFigures): Failure[] {
  const found = new Map<string, Failure & { names: string[] }>();
  for (const { layer, direction, outcomes } of cases) {
    for (const [engine, outcome] of Object.entries(outcomes)) {
      if (outcome.status === 'measured') continue;
      const { status, reason } = outcome;
      const key = JSON.stringify([engine, status, reason]);
      if (!found.has(key)) found.set(key, { engine, status, reason, names: [] });
      found.get(key)!.names.push(`${layer.name} ${direction}`);
    }
  }
  return [...found.values()];
}

/** `conv1_1 forward`, or how many they are. */
export const casesOfFailure = ({ names }: Failure): string =>
  names.length > 1 ? `${names.length} cases, the first ${names[0]}` : names[0];
