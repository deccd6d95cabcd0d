import { adapterLine, columns } from '../show.ts';
import {
  casesOfFailure,
  comparable,
  comparisons,
  failures,
  kernelsOf,
  milliseconds,
  shapesOf,
  slowerThan,
  speedOf,
} from './figures.ts';
import { timesBy, type KernelBenchResult } from './result.ts';

const NONE = '-';

/** Comparisons as the rows of a table, and its header. */
export function comparisonTable(result: KernelBenchResult): { header: string[]; rows: string[][] } {
  const [first] = result.engines;
  return {
    header: ['', 'beside', 'cases', `${first} ms`, 'other ms', 'share', 'median share', 'slower in'],
    rows: comparisons(result).map(({ group, kind, direction, engine, cases, ours, theirs, ratio, slower }) => [
      `${group} ${kind} ${direction}`,
      engine,
      String(cases),
      milliseconds(ours),
      milliseconds(theirs),
      (ours / theirs).toFixed(2),
      ratio.toFixed(2),
      String(slower.length),
    ]),
  };
}

/** Sentences on what was measured where: for the terminal and the page. */
export function circumstances({ adapter, cores, load, batch, repeats, roofline, clock }: KernelBenchResult): string[] {
  return [
    adapterLine(adapter, cores),
    `the adapter itself: ${(roofline.bandwidth / 1e9).toFixed(1)} GB/s read and written by a copy, ${(roofline.flops / 1e9).toFixed(1)} GFLOP/s by chained multiply-adds`,
    `batch ${batch}, ${repeats} measurements of each; load ${load[0].toFixed(1)} before, ${load[1].toFixed(1)} at the end${load[0] > 0.5 ? ': others were at work, take the ratios rather than the times' : ''}`,
    clock === 'cpu'
      ? `ms, GFLOP/s, GB/s, ratios: from the CPU time of all threads divided by ${cores} cores, because wall time on a busy machine tells of others`
      : 'ms, GFLOP/s, GB/s: GPU time by timestamps where the adapter has them; ratios: wall time',
  ];
}

/** The result as a person reads it. */
export function showKernelBench(result: KernelBenchResult): string {
  const [first, ...others] = result.engines;
  const rows = result.cases.map((c) => {
    const own = c.outcomes[first];
    const cells = [`${c.layer.name} ${c.direction}`, shapesOf(c)];
    if (own.status !== 'measured')
      cells.push(own.status === 'failed' ? 'WRONG' : 'impossible', NONE, NONE, NONE, NONE, NONE);
    else {
      const speed = speedOf(c, own.timing, result);
      const { min, max } = timesBy(result.clock, own.timing, result.cores);
      cells.push(
        milliseconds(speed.milliseconds),
        `${milliseconds(min)} to ${milliseconds(max)}`,
        milliseconds(own.timing.wall.median),
        speed.gflops === null ? NONE : speed.gflops.toFixed(1),
        speed.gigabytes.toFixed(1),
        `${(100 * speed.share).toFixed(0)} %`,
      );
    }
    for (const name of others) {
      const [ours, theirs] = [first, name].map((engine) => comparable(c, engine, result));
      cells.push(
        theirs !== undefined ? milliseconds(theirs) : c.outcomes[name].status === 'failed' ? 'WRONG' : NONE,
        ours !== undefined && theirs !== undefined ? (ours / theirs).toFixed(2) : NONE,
      );
    }
    return [...cells, kernelsOf(own)];
  });
  const header = [
    '',
    'shapes',
    'ms',
    'least to most',
    'wall ms',
    'GFLOP/s',
    'GB/s',
    'of adapter',
    ...others.flatMap((name) => [`${name} ms`, 'ratio']),
    'kernels',
  ];
  const bad = failures(result);
  const comparison = comparisonTable(result);
  return [
    ...circumstances(result),
    '',
    columns([header, ...rows]),
    ...(others.length > 0 ? ['', columns([comparison.header, ...comparison.rows]), ...slowerThan(result)] : []),
    ...(bad.length
      ? [
          '',
          ...bad.map(
            (failure) =>
              `${failure.status === 'failed' ? 'WRONG RESULT' : 'not done'}, ${failure.engine}, ${casesOfFailure(failure)}: ${failure.reason}`,
          ),
        ]
      : []),
  ].join('\n');
}
