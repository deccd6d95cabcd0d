import { cpus, loadavg } from 'node:os';
import type { AdapterSummary } from '../engine/device/device.ts';
import { UserError } from '../engine/user_error.ts';
import type { Answers, Job, KernelTime } from './contender.ts';
import { ContenderProcess } from './contender_process.ts';
import { TOLERANCE } from './job_data.ts';
import { median, relativeDifference, summarise, type Summary } from './statistics.ts';

export interface ModelBenchOptions {
  readonly job: Job;
  /** Timed repetitions, after the first run and one more to warm up. */
  readonly repeats: number;
  /** Drivers' caches of compiled shaders off. */
  readonly cold: boolean;
  readonly profile: boolean;
  /** The first is measured against each of the others: a name, and the program of its process. */
  readonly contenders: readonly (readonly [name: string, program: readonly string[]])[];
  readonly onProgress?: (text: string) => void;
}

export interface ContenderResult {
  readonly name: string;
  /** Milliseconds of one run (forward pass or training step), upload and download included. */
  readonly run: Summary;
  readonly runs: readonly number[];
  /** Milliseconds of one run until all of it was submitted: encoding, binding, upload. */
  readonly issue: Summary;
  /**
   * Milliseconds of CPU time of one run, all threads: on a software adapter what others at work on the machine hardly
   * change.
   */
  readonly cpu: Summary;
  readonly cpuRuns: readonly number[];
  /** Milliseconds from nothing to the end of the first run: modules, device, weights, graph, compilation. */
  readonly firstRun: number;
  /** Bytes: of the process after the runs, at its peak, and in GPU buffers by the engine's own count. */
  readonly memory: Answers['memory'];
  /**
   * Relative L2 difference of its outputs from the first contender's: logits, or the losses of two steps. Null for
   * itself.
   */
  readonly difference: readonly number[] | null;
}

export interface ModelBenchResult {
  readonly job: Job;
  readonly adapter: AdapterSummary;
  readonly cores: number;
  /**
   * Processes that wanted a core in the minute before the start: above 0.5, others were at work beside the benchmark.
   */
  readonly loadBefore: number;
  readonly cold: boolean;
  readonly contenders: readonly ContenderResult[];
  readonly kernels: readonly KernelTime[] | null;
}

/** Activations rounded to f16 after every layer: each is off by up to 2^-11, to either side. */
const HALF_TOLERANCE = { ...TOLERANCE, forward: [3e-2], train: [3e-2, 1e-1] } as const;

/**
 * Measures the same job in all contenders: opens one after the other, compares their outputs, and only then times them
 * in turn (a, b, a, b, ...), so that whatever else the machine does meets all of them alike.
 * @throws UserError where a contender fails, uses another adapter, or computes something else
 */
export async function benchModels({
  job,
  repeats,
  cold,
  profile,
  contenders,
  onProgress = () => {},
}: ModelBenchOptions): Promise<ModelBenchResult> {
  const loadBefore = loadavg()[0];
  const running: {
    process: ContenderProcess;
    opened: Answers['open'];
    outputs: (readonly number[])[];
    times: Answers['run'][];
  }[] = [];
  using _processes = { [Symbol.dispose]: () => running.forEach(({ process }) => process[Symbol.dispose]()) };
  const tolerances = (job.precision === 'f16' ? HALF_TOLERANCE : TOLERANCE)[job.work];

  for (const [name, program] of contenders) {
    onProgress(`${name}: first run`);
    const process = new ContenderProcess(name, program, cold);
    try {
      const opened = await process.ask({ ask: 'open', job });
      const outputs = [opened.output, (await process.ask({ ask: 'run' })).output];
      running.push({ process, opened, outputs, times: [] });
    } catch (error) {
      process[Symbol.dispose]();
      throw error;
    }
    compare(running[0], running[running.length - 1], tolerances);
  }
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const { process, times } of running) {
      onProgress(`${process.name}: run ${repeat + 1} of ${repeats}`);
      times.push(await process.ask({ ask: 'run' }));
    }
  }
  const results: ContenderResult[] = [];
  for (const contender of running) {
    const { process, opened, times } = contender;
    const [runs, cpuRuns] = [times.map(({ milliseconds }) => milliseconds), times.map(({ cpu }) => cpu)];
    results.push({
      name: process.name,
      run: summarise(runs),
      runs,
      issue: summarise(times.map(({ issue }) => issue)),
      cpu: summarise(cpuRuns),
      cpuRuns,
      firstRun: opened.milliseconds,
      memory: await process.ask({ ask: 'memory' }),
      difference: contender === running[0] ? null : differences(running[0], contender, tolerances.length),
    });
  }
  const kernels = profile ? await running[0].process.ask({ ask: 'profile' }) : null;
  return {
    job,
    adapter: running[0].opened.adapter,
    cores: cpus().length,
    loadBefore,
    cold,
    contenders: results,
    kernels,
  };
}

interface Opened {
  readonly process: { readonly name: string };
  readonly opened: { readonly adapter: AdapterSummary };
  readonly outputs: readonly (readonly number[])[];
}

const differences = (a: Opened, b: Opened, count: number): number[] =>
  Array.from({ length: count }, (_, i) => relativeDifference(b.outputs[i], a.outputs[i]));

/** @throws UserError where the two did not do the same thing on the same adapter */
export function compare(a: Opened, b: Opened, tolerances: readonly number[]): void {
  const [here, there] = [a.opened.adapter.description, b.opened.adapter.description];
  if (here !== there)
    throw new UserError(
      `${a.process.name} runs on ${here} and ${b.process.name} on ${there}; choose one with --adapter`,
    );
  differences(a, b, tolerances.length).forEach((difference, i) => {
    // Not `>`: a difference that is no number is no agreement.
    if (!(difference <= tolerances[i])) {
      throw new UserError(
        `${b.process.name} computes something else than ${a.process.name}: relative difference ${difference.toExponential(1)} in run ${i + 1}, ${tolerances[i]} is allowed; nothing was timed`,
      );
    }
  });
}

/** Share of b's time that a takes: the median over the pairs of neighbouring runs. */
export const share = (a: readonly number[], b: readonly number[]): number => median(a.map((ms, i) => ms / b[i]));
