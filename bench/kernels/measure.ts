import { cpus, loadavg } from 'node:os';
import type { AdapterSummary } from '../../engine/device/device.ts';
import { UserError } from '../../engine/user_error.ts';
import { ContenderProcess } from '../contender_process.ts';
import { relativeDifference, summarise, type Summary } from '../statistics.ts';
import { adapterLayers, casesOf, drawOperands, nameOf, sampledElements, type Case } from './cases.ts';
import type { KernelAnswers, KernelName, KernelQuestions } from './contender.ts';
import { allLayers, type Group, type Layer } from './layers.ts';
import { reference, type Expected } from './reference.ts';

export interface KernelBenchOptions {
  readonly groups: readonly Group[];
  /** Only cases whose name ("blocks.1.expand input_grad") contains this. */
  readonly only?: string;
  readonly batch: number;
  /** Timed measurements of each case, after three to warm up. */
  readonly repeats: number;
  readonly adapter?: string;
  /** The first is this engine: a name, and the program of its process. */
  readonly contenders: readonly (readonly [name: string, program: readonly string[]])[];
  readonly onProgress?: (text: string) => void;
  /** All layers there are; others in tests. */
  readonly layers?: readonly Layer[];
}

/** How long one engine took for one case; all in milliseconds of one run. */
export interface Timing {
  readonly wall: Summary;
  readonly cpu: Summary;
  /** By timestamps around each kernel; null where the engine or the adapter has none. */
  readonly gpu: Summary | null;
  /** Runs submitted at once in each measurement. */
  readonly runs: number;
}

interface Measured {
  readonly status: 'measured';
  readonly timing: Timing;
  readonly kernels: readonly KernelName[];
  /** From the reference, as relative L2 over the sampled elements. */
  readonly difference: number;
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

/** The times of one run by a clock: GPU time where there are timestamps, wall time where not. */
export function timesBy(clock: Clock, { wall, cpu, gpu }: Timing, cores: number): Summary {
  return clock === 'cpu' ? { median: cpu.median / cores, min: cpu.min / cores, max: cpu.max / cores } : clock === 'wall' ? wall : (gpu ?? wall);
}

/** What the adapter reaches when it does nothing else. */
export interface Roofline {
  /** Bytes per second, read and written, of a copy. */
  readonly bandwidth: number;
  /** Floating point operations per second of chained multiply-adds. */
  readonly flops: number;
}

export interface KernelBenchResult {
  readonly adapter: AdapterSummary;
  readonly cores: number;
  /** Processes that wanted a core in the minute before the start and before the end. */
  readonly load: readonly [number, number];
  readonly batch: number;
  readonly repeats: number;
  readonly engines: readonly string[];
  /** What speeds are taken from. `cpu`, a software adapter on a busy machine: CPU time of all threads divided by the number of cores. */
  readonly clock: Clock;
  readonly roofline: Roofline;
  readonly cases: readonly CaseResult[];
}

/** How far a peer's results may be from the reference, as relative L2 over the sampled elements: sums of products in float32, in any order. */
const PEER_TOLERANCE = 1e-4;
/** A measurement submits as many runs as fill this many milliseconds, and no more than so many. */
const FILL = 60;
const MOST_RUNS = 200;

/** A case that is ready to be timed: see Measured and Timing. */
interface Ready {
  readonly kernels: readonly KernelName[];
  readonly difference: number;
  readonly runs: number;
}

type Process = ContenderProcess<KernelAnswers, KernelQuestions>;

/** An engine's process, started anew where it died of a case. */
class Engine implements Disposable {
  private process: Process | undefined;
  opened: KernelAnswers['open'] | undefined;

  constructor(readonly name: string, private readonly program: readonly string[], private readonly adapter?: string) {}

  async open(): Promise<Process> {
    if (!this.process) {
      this.process = new ContenderProcess(this.name, this.program, false);
      this.opened = await this.process.ask({ ask: 'open', adapter: this.adapter });
    }
    return this.process;
  }

  /** Ends the process; the next case starts another. */
  [Symbol.dispose](): void {
    this.process?.[Symbol.dispose]();
    this.process = undefined;
  }
}

/**
 * Measures every case in all engines. A result is compared before it is timed: this engine's with float64 references, element by element
 * within what rounding explains, the peers' with the same references. Then measurements take turns (a, b, a, b, ...).
 * @throws UserError where nothing is selected, an engine does not open or opens another adapter, or the adapter fails at a copy
 */
export async function benchKernels(options: KernelBenchOptions): Promise<KernelBenchResult> {
  const { batch, repeats, adapter, contenders, groups, only = '', onProgress = () => {} } = options;
  const cases = (options.layers ?? allLayers(batch)).filter(({ group }) => (groups as readonly string[]).includes(group)).flatMap(casesOf)
    .filter((c) => nameOf(c).includes(only));
  if (cases.length === 0) throw new UserError(`no layer of ${groups.join(', ')} is called *${only}*; \`--json\` of a run without --only lists the names`);
  const loadBefore = loadavg()[0];
  const engines = contenders.map(([name, program]) => new Engine(name, program, adapter));
  using _engines = { [Symbol.dispose]: () => engines.forEach((engine) => engine[Symbol.dispose]()) };
  for (const engine of engines) {
    onProgress(`${engine.name}: opening`);
    await engine.open();
    const [here, there] = [engines[0], engine].map(({ opened }) => opened!.adapter.description);
    if (here !== there) throw new UserError(`${engines[0].name} runs on ${here} and ${engine.name} on ${there}; choose one with --adapter`);
  }
  const { opened } = engines[0];

  const measure = async (c: Case, among: readonly Engine[], repeats: number): Promise<CaseResult> => {
    const operands = drawOperands(c);
    const expected = c.results.map((result) => sampledElements(result).map(reference(c, operands, result.name)));
    // All engines in their order, whatever becomes of them.
    const untried: Outcome = { status: 'impossible', reason: 'not tried' };
    const outcomes: Record<string, Outcome> = Object.fromEntries(among.map(({ name }) => [name, untried]));
    const ready: (Ready & { engine: Engine; times: KernelAnswers['time'][] })[] = [];
    for (const engine of among) {
      const outcome = await prepare(engine, c, expected, engine === engines[0]);
      if ('status' in outcome) outcomes[engine.name] = outcome;
      else ready.push({ engine, ...outcome, times: [] });
    }
    for (let repeat = 0; repeat < repeats; repeat++) {
      for (const { engine, runs, times } of ready) {
        const time = outcomes[engine.name] === untried && (await attempt(engine, (process) => process.ask({ ask: 'time', runs })));
        if (time && 'status' in time) outcomes[engine.name] = time;
        else if (time) times.push(time);
      }
    }
    for (const { engine, kernels, difference, runs, times } of ready.filter(({ engine }) => outcomes[engine.name] === untried)) {
      await attempt(engine, (process) => process.ask({ ask: 'release' }));
      const gpu = times.map((time) => time.gpu).filter((ms) => ms !== null);
      const timing = { wall: summarise(times.map((time) => time.wall)), cpu: summarise(times.map((time) => time.cpu)), gpu: gpu.length ? summarise(gpu) : null, runs };
      outcomes[engine.name] = { status: 'measured', timing, kernels, difference };
    }
    const { layer, direction, flops, bytes } = c;
    return { layer, direction, flops, bytes, outcomes };
  };

  const clock: Clock = opened!.adapter.software && loadBefore > 0.5 ? 'cpu' : 'gpu';
  const roofline: { bandwidth: number; flops: number } = { bandwidth: 0, flops: 0 };
  for (const c of adapterLayers(opened!.maxStorageBinding).flatMap(casesOf)) {
    onProgress(`the adapter itself: ${c.layer.name}`);
    const outcome = (await measure(c, engines.slice(0, 1), Math.max(3, repeats))).outcomes[engines[0].name];
    if (outcome.status !== 'measured') throw new UserError(`the adapter's ${c.layer.name} could not be measured: ${outcome.reason}`);
    const seconds = timesBy(clock, outcome.timing, cpus().length).min / 1000;
    if (c.layer.kind === 'copy') roofline.bandwidth = c.bytes / seconds;
    else roofline.flops = c.flops / seconds;
  }
  const results: CaseResult[] = [];
  for (const [i, c] of cases.entries()) {
    onProgress(`${i + 1} of ${cases.length}: ${nameOf(c)}`);
    results.push(await measure(c, engines, repeats));
  }
  return {
    adapter: opened!.adapter, cores: cpus().length, load: [loadBefore, loadavg()[0]], batch, repeats,
    engines: engines.map(({ name }) => name), clock, roofline, cases: results,
  };
}

/** Asks an engine's process. Where that fails, the process may be gone or hold what it could not finish: it is ended, and the next question gets a fresh one. */
async function attempt<T>(engine: Engine, ask: (process: Process) => Promise<T>): Promise<T | Undone> {
  try {
    return await ask(await engine.open());
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    engine[Symbol.dispose]();
    // Dawn's messages go on for lines about where they arose.
    return { status: 'impossible', reason: error.message.split('\n')[0] };
  }
}

/** Has an engine compute the case once, compares, and finds how many runs fill a measurement. */
const prepare = (engine: Engine, c: Case, expected: readonly (readonly Expected[])[], strict: boolean): Promise<Ready | Undone> =>
  attempt<Ready | Undone>(engine, async (process) => {
    const answer = await process.ask({ ask: 'prepare', case: c });
    if ('unsupported' in answer) return { status: 'impossible', reason: answer.unsupported };
    const { kernels, samples, finite } = answer;
    const reason = finite ? compareSamples(c, samples, expected, strict) : 'a result is not finite';
    if (reason !== null) return { status: 'failed', reason };
    const difference = relativeDifference(samples.flat(), expected.flat().map(({ value }) => value));
    // The first one may make ready what compute did not need.
    await process.ask({ ask: 'time', runs: 1 });
    const { wall } = await process.ask({ ask: 'time', runs: 1 });
    return { kernels, difference, runs: Math.max(1, Math.min(MOST_RUNS, Math.round(FILL / wall))) };
  });

/**
 * What is wrong with the sampled elements, or null.
 * @param strict every element within its own bound; otherwise all of a result together within PEER_TOLERANCE
 */
export function compareSamples(c: Case, samples: readonly (readonly number[])[], expected: readonly (readonly Expected[])[], strict: boolean): string | null {
  for (const [r, result] of c.results.entries()) {
    const [got, want] = [samples[r], expected[r]];
    const elements = sampledElements(result);
    // Not `>`: a difference that is no number is no agreement.
    const wrong = strict ? want.findIndex(({ value, bound }, i) => !(Math.abs(got[i] - value) <= bound + 2 ** -24 * Math.abs(value))) : -1;
    if (wrong >= 0) return `${result.name}[${elements[wrong]}] is ${got[wrong]} and should be ${want[wrong].value} within ${want[wrong].bound.toExponential(1)}`;
    const difference = relativeDifference(got, want.map(({ value }) => value));
    if (!strict && !(difference <= PEER_TOLERANCE)) return `${result.name} differs by ${difference.toExponential(1)} relative, ${PEER_TOLERANCE} is allowed`;
  }
  return null;
}
