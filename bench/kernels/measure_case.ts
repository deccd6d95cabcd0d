import { mebibytes } from '../../engine/device/mebibytes.ts';
import { sizeOf } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import type { Asked } from '../contender.ts';
import { TOLERANCE } from '../job_data.ts';
import { relativeDifference, summarise } from '../statistics.ts';
import { casesOf, drawOperands, sampledElements, type Case } from './cases.ts';
import type { KernelAnswers, KernelName, KernelQuestions } from './contender.ts';
import type { Layer } from './layer.ts';
import { reference, type Expected } from './reference.ts';
import { timesBy, type CaseResult, type Clock, type Outcome, type Roofline } from './result.ts';

/** An engine that answers from elsewhere: another process, a worker. */
export interface KernelEngine {
  readonly name: string;
  /** Opens it where it is not open. @throws UserError where it cannot be opened */
  open(): Promise<KernelAnswers['open']>;
  /** Opens it where it is not open, and asks. @throws UserError for what this engine cannot do: others go on */
  ask<K extends keyof KernelAnswers>(question: Asked<K, KernelQuestions>): Promise<KernelAnswers[K]>;
  /** Ends it; the next question gets a fresh one. */
  drop(): void;
}

/**
 * How far a peer's results may be from the reference, as relative L2 over the sampled elements: sums of products in
 * float32, in any order.
 */
const PEER_TOLERANCE = 1e-4;
/** Of result r of a case. A whole network is as in `bench models` and `bench train`. */
const toleranceOf = ({ layer, direction }: Case, r: number): number =>
  layer.kind !== 'network' ? PEER_TOLERANCE : direction === 'forward' ? TOLERANCE.forward[0] : TOLERANCE.train[r];
/** A measurement submits as many runs as fill this many milliseconds, and no more than so many. */
const FILL = 60;
const MOST_RUNS = 200;

/** Of every result the elements that `sampledElements` names. */
type KernelSamples = readonly (readonly number[])[];
type Reference = readonly (readonly Expected[])[];
type Undone = Exclude<Outcome, { status: 'measured' }>;

/** A case that is ready to be timed: see Outcome and Timing. */
interface Ready {
  readonly kernels: readonly KernelName[];
  readonly difference: number | null;
  readonly runs: number;
  readonly samples: KernelSamples;
}

/**
 * Measures a case in all engines. A result is compared before it is timed: that of the first engine, ours, with float64
 * references, element by element within what rounding explains, the others' with the same references. Of a whole
 * network the others' are held against ours. Then measurements take turns (a, b, a, b, ...).
 */
export async function measureCase(c: Case, engines: readonly KernelEngine[], repeats: number): Promise<CaseResult> {
  // All engines in their order, whatever becomes of them.
  const untried: Outcome = { status: 'impossible', reason: 'not tried' };
  const outcomes: Record<string, Outcome> = Object.fromEntries(engines.map(({ name }) => [name, untried]));
  const { layer, direction, flops, bytes } = c;
  const result: CaseResult = { layer, direction, flops, bytes, outcomes };
  const { maxStorageBinding, adapter } = await engines[0].open();
  const largest = Math.max(...[...c.operands, ...c.results].map(({ shape }) => 4 * sizeOf(shape)));
  if (largest > maxStorageBinding) {
    // Before hundreds of megabytes are drawn for nothing.
    const reason = `it needs a buffer of ${mebibytes(largest)}, and ${adapter.description} binds at most ${mebibytes(maxStorageBinding)}`;
    for (const { name } of engines) outcomes[name] = { status: 'impossible', reason };
    return result;
  }
  const operands = drawOperands(c);
  let expected: Reference | undefined =
    c.layer.kind === 'network'
      ? undefined
      : c.results.map((named) => sampledElements(named).map(reference(c, operands, named.name)));
  const ready: (Ready & { engine: KernelEngine; times: KernelAnswers['time'][] })[] = [];
  for (const engine of engines) {
    if (!expected && engine !== engines[0]) {
      outcomes[engine.name] = {
        status: 'impossible',
        reason: `there is nothing to hold it against: ${engines[0].name} has no result`,
      };
      continue;
    }
    const outcome = await prepare(engine, c, expected, engine === engines[0]);
    if ('status' in outcome) outcomes[engine.name] = outcome;
    else {
      ready.push({ engine, ...outcome, times: [] });
      expected ??= outcome.samples.map((values) => values.map((value) => ({ value, bound: 0 })));
    }
  }
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const { engine, runs, times } of ready) {
      const time =
        outcomes[engine.name] === untried && (await attempt(engine, () => engine.ask({ ask: 'time', runs })));
      if (time && 'status' in time) outcomes[engine.name] = time;
      else if (time) times.push(time);
    }
  }
  for (const { engine, kernels, difference, runs, times } of ready.filter(
    ({ engine }) => outcomes[engine.name] === untried,
  )) {
    await attempt(engine, () => engine.ask({ ask: 'release' }));
    const summary = (clock: 'cpu' | 'gpu') => {
      const told = times.map((time) => time[clock]).filter((ms) => ms !== null);
      return told.length ? summarise(told) : null;
    };
    outcomes[engine.name] = {
      status: 'measured',
      timing: { wall: summarise(times.map((time) => time.wall)), cpu: summary('cpu'), gpu: summary('gpu'), runs },
      kernels,
      difference,
    };
  }
  return result;
}

interface RooflineOptions {
  readonly repeats: number;
  readonly clock: Clock;
  readonly cores: number;
  onProgress(text: string): void;
}

/**
 * What the adapter reaches by these layers, a copy and chained multiply-adds, in this engine. @throws UserError where
 * it fails at one
 */
export async function measureRoofline(
  layers: readonly Layer[],
  engine: KernelEngine,
  { repeats, clock, cores, onProgress }: RooflineOptions,
): Promise<Roofline> {
  const roofline = { bandwidth: 0, flops: 0 };
  for (const c of layers.flatMap(casesOf)) {
    onProgress(`the adapter itself: ${c.layer.name}`);
    const outcome = (await measureCase(c, [engine], Math.max(3, repeats))).outcomes[engine.name];
    if (outcome.status !== 'measured')
      throw new UserError(`the adapter's ${c.layer.name} could not be measured: ${outcome.reason}`);
    const seconds = timesBy(clock, outcome.timing, cores).min / 1000;
    if (c.layer.kind === 'copy') roofline.bandwidth = c.bytes / seconds;
    else roofline.flops = c.flops / seconds;
  }
  return roofline;
}

/**
 * Asks an engine. Where that fails, it may be gone or hold what it could not finish: it is ended, and the next question
 * gets a fresh one.
 */
async function attempt<T>(engine: KernelEngine, ask: () => Promise<T>): Promise<T | Undone> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    engine.drop();
    // Dawn's messages go on for lines about where they arose.
    return { status: 'impossible', reason: error.message.split('\n')[0] };
  }
}

/** Has an engine compute the case once, compares, and finds how many runs fill a measurement. */
const prepare = (
  engine: KernelEngine,
  c: Case,
  expected: Reference | undefined,
  strict: boolean,
): Promise<Ready | Undone> =>
  attempt<Ready | Undone>(engine, async () => {
    const answer = await engine.ask({ ask: 'prepare', case: c });
    if ('unsupported' in answer) return { status: 'impossible', reason: answer.unsupported };
    const { kernels, samples, finite } = answer;
    // Those with subgroup matrices round operands to f16: see kernels/matmul/matrix_tiling.ts.
    const halves = kernels.some(({ name }) => /^matmul_v3$|_matrix$/.test(name));
    const within = halves
      ? expected?.map((result) => result.map((e) => ({ ...e, bound: e.bound + (e.halves ?? 0) })))
      : expected;
    const reason = !finite ? 'a result is not finite' : within ? compareSamples(c, samples, within, strict) : null;
    if (reason !== null) return { status: 'failed', reason };
    const difference = expected
      ? relativeDifference(
          samples.flat(),
          expected.flat().map(({ value }) => value),
        )
      : null;
    // The first one may make ready what compute did not need.
    await engine.ask({ ask: 'time', runs: 1 });
    const { wall } = await engine.ask({ ask: 'time', runs: 1 });
    return { kernels, difference, samples, runs: Math.max(1, Math.min(MOST_RUNS, Math.round(FILL / wall))) };
  });

/**
 * What is wrong with the sampled elements, or null.
 * @param strict every element within its own bound; otherwise all of a result together within what `toleranceOf` allows
 */
export function compareSamples(c: Case, samples: KernelSamples, expected: Reference, strict: boolean): string | null {
  for (const [r, result] of c.results.entries()) {
    const [got, want] = [samples[r], expected[r]];
    const elements = sampledElements(result);
    // Not `>`: a difference that is no number is no agreement.
    const wrong = strict
      ? want.findIndex(({ value, bound }, i) => !(Math.abs(got[i] - value) <= bound + 2 ** -24 * Math.abs(value)))
      : -1;
    if (wrong >= 0)
      return `${result.name}[${elements[wrong]}] is ${got[wrong]} and should be ${want[wrong].value} within ${want[wrong].bound.toExponential(1)}`;
    const difference = relativeDifference(
      got,
      want.map(({ value }) => value),
    );
    const tolerance = toleranceOf(c, r);
    if (!strict && !(difference <= tolerance))
      return `${result.name} differs by ${difference.toExponential(1)} relative, ${tolerance} is allowed`;
  }
  return null;
}
