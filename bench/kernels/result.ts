import type { AdapterSummary } from '../../engine/device/device.ts';
import type { Summary } from '../statistics.ts';
import type { Case } from './cases.ts';
import type { KernelName } from './contender.ts';
import type { Layer } from './layer.ts';

/** How long one engine took for one case; all in milliseconds of one run. */
export interface Timing {
  readonly wall: Summary;
  /** CPU time of all threads; null where nothing tells it, as in a browser. */
  readonly cpu: Summary | null;
  /** By timestamps before and after the runs; null where the engine or the adapter has none. */
  readonly gpu: Summary | null;
  /** Runs submitted at once in each measurement. */
  readonly runs: number;
}

interface Measured {
  readonly status: 'measured';
  readonly timing: Timing;
  readonly kernels: readonly KernelName[];
  /**
   * From the reference, as relative L2 over the sampled elements; null for what the others are held against, of a whole
   * network.
   */
  readonly difference: number | null;
}

interface Undone {
  /** `failed`: a wrong result, which is not timed. `impossible`: the engine or the adapter cannot do it. */
  readonly status: 'failed' | 'impossible';
  readonly reason: string;
}

/** What became of a case in one engine. */
export type Outcome = Measured | Undone;

export interface CaseResult {
  readonly layer: Layer;
  readonly direction: Case['direction'];
  readonly flops: number;
  readonly bytes: number;
  /** By the engine's name. */
  readonly outcomes: Readonly<Record<string, Outcome>>;
}

export type Clock = 'gpu' | 'wall' | 'cpu';

/** The times of one run by a clock; wall time where that clock has none. */
export function timesBy(clock: Clock, { wall, cpu, gpu }: Timing, cores: number): Summary {
  if (clock === 'cpu' && cpu) return { median: cpu.median / cores, min: cpu.min / cores, max: cpu.max / cores };
  return (clock === 'gpu' && gpu) || wall;
}

/** What the adapter reaches when it does nothing else. */
export interface Roofline {
  /** Bytes per second, read and written, of a copy. */
  readonly bandwidth: number;
  /** Floating point operations per second of chained multiply-adds. */
  readonly flops: number;
}

/** What was measured, wherever that was. */
export interface KernelFigures {
  readonly adapter: AdapterSummary;
  readonly cores: number;
  readonly batch: number;
  readonly repeats: number;
  /** The first is this one. */
  readonly engines: readonly string[];
  /**
   * What speeds are taken from. `cpu`, a software adapter on a busy machine: CPU time of all threads divided by the
   * number of cores.
   */
  readonly clock: Clock;
  readonly roofline: Roofline;
  readonly cases: readonly CaseResult[];
}

/** As `bench kernels` gives it. */
export interface KernelBenchResult extends KernelFigures {
  /** Processes that wanted a core in the minute before the start and before the end. */
  readonly load: readonly [number, number];
}
