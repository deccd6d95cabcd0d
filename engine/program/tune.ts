import type { Choice, Choices } from '../../kernels/kernel.ts';
import { checkOptions, type Known } from '../check.ts';
import type { Device } from '../device/device.ts';
import { Parameter } from '../device/parameter.ts';
import { Tensor } from '../tensor.ts';
import { hashOf, taskOf, type Tuned, type TuningTable } from '../tuning.ts';
import { compile, type Program } from './program.ts';

/** Work of which a program does `count` times the same, and which can be launched in several ways. */
export interface TuningTask {
  readonly name: string;
  readonly tensor: Tensor;
  readonly choices: Choices;
  readonly count: number;
}

/** A candidate, ready to run. */
export interface Trial extends Disposable {
  result(): Promise<Float32Array>;
  /** Milliseconds of one run. */
  time(): Promise<number>;
}

/** What was found for a task. */
export interface TaskTuning extends Tuned {
  readonly task: TuningTask;
  /** Candidates that were not trusted, and why. */
  readonly refused: readonly { readonly choice: Choice; readonly why: string }[];
}

/** For how long to tune, and whom to tell. */
export interface TuneOptions {
  /** Milliseconds, so that a test can have its own. */
  readonly clock?: () => number;
  /** Milliseconds after which it ends; a task that is under way then is left undecided. */
  readonly budget?: number;
  /** Told before each task. */
  readonly onStart?: (task: TuningTask, index: number, of: number) => void;
}

const OPTIONS: Known<TuneOptions> = { clock: true, budget: true, onStart: true };

/** Pairs of runs, of the default and of the best candidate, that decide between them. */
const DUELS = 7;
/** The default stays unless a candidate takes less than this share of its time: less would be noise. */
const CLEARLY_LESS = 0.95;

/** The distinct tasks of a program. */
export function tuningTasks({ choicePoints }: Pick<Program, 'choicePoints'>): TuningTask[] {
  const tasks = new Map<string, TuningTask>();
  for (const { tensor, choices } of choicePoints) {
    const name = taskOf(tensor, choices);
    if (choices.candidates.length > 1)
      tasks.set(name, { name, tensor, choices, count: (tasks.get(name)?.count ?? 0) + 1 });
  }
  return [...tasks.values()];
}

/**
 * Measures the tasks of a program that the table does not know yet on this adapter, the most costly first, and enters
 * into the table what it finds: after each it yields, so that the table can be stored. A candidate counts only if it
 * computes what the default does.
 */
export async function* tune(
  device: Device,
  program: Pick<Program, 'choicePoints'>,
  table: TuningTable,
  options: TuneOptions = {},
): AsyncGenerator<TaskTuning> {
  checkOptions('tune', options, OPTIONS);
  const { clock = () => performance.now(), budget = Infinity, onStart } = options;
  const end = clock() + budget;
  const open = tuningTasks(program).filter(({ name, choices }) => !table.get(device.identity, name, hashOf(choices)));
  const tasks = await byCost(device, open, clock, clock() + budget / 3);
  for (const [i, task] of tasks.entries()) {
    onStart?.(task, i, tasks.length);
    using operands = new Operands(device, task.tensor);
    const found = await fastest(
      task.choices,
      (choice) => operands.open(task.choices, choice, clock),
      () => clock() >= end,
    );
    if (!found) return;
    const tuned = { ...found, kernels: hashOf(task.choices) };
    const { choice, kernels, before, after } = tuned;
    table.set(device.identity, task.name, { choice, kernels, before, after });
    yield { task, ...tuned };
  }
}

/**
 * Tasks by the time that all their occurrences take together, as far as there is time to find out; the others by the
 * size of what they touch.
 */
async function byCost(
  device: Device,
  tasks: readonly TuningTask[],
  clock: () => number,
  end: number,
): Promise<TuningTask[]> {
  const elements = ({ tensor, count }: TuningTask) =>
    count * [tensor, ...tensor.inputs].reduce((n, { size }) => n + size, 0);
  const bySize = [...tasks].sort((a, b) => elements(b) - elements(a));
  const cost = new Map<TuningTask, number>();
  for (const task of bySize) {
    if (clock() >= end) break;
    using operands = new Operands(device, task.tensor);
    using trial = await operands.open(task.choices, task.choices.candidates[0], clock);
    await trial.time();
    cost.set(task, task.count * (await trial.time()));
  }
  return bySize.sort((a, b) => (cost.get(b) ?? 0) - (cost.get(a) ?? 0));
}

/**
 * The fastest of several candidates; the first is the default, which every other one must agree with and clearly beat.
 * Undefined where time is over before they were all tried.
 */
export async function fastest(
  choices: Choices,
  open: (choice: Choice) => Promise<Trial>,
  isOver: () => boolean = () => false,
): Promise<Omit<TaskTuning, 'task' | 'kernels'> | undefined> {
  if (isOver()) return undefined;
  const [usual, ...others] = choices.candidates;
  const refused: { choice: Choice; why: string }[] = [];
  using standard = await open(usual);
  const want = await standard.result();
  let looked = Infinity;
  for (let i = 0; i < 3; i++) looked = Math.min(looked, await standard.time());

  let best: Choice | undefined;
  let least = looked;
  for (const choice of others) {
    if (isOver()) return undefined;
    try {
      using trial = await open(choice);
      const why = difference(await trial.result(), want, choices.roundings);
      if (why !== undefined) {
        refused.push({ choice, why });
        continue;
      }
      const first = await trial.time();
      const milliseconds = first > 2 * looked ? first : Math.min(first, await trial.time());
      if (milliseconds < least) [best, least] = [choice, milliseconds];
    } catch (error) {
      refused.push({ choice, why: (error as Error).message });
    }
  }
  if (!best || least > CLEARLY_LESS * looked) return { choice: usual, before: looked, after: looked, refused };

  // What was the least of many may have been luck, or the luck of where its buffers lie: both are opened anew, twice.
  const duels = [
    await duel(
      () => open(usual),
      () => open(best),
    ),
    await duel(
      () => open(best),
      () => open(usual),
    ),
  ];
  const before = Math.min(duels[0].a, duels[1].b);
  const after = Math.min(duels[0].b, duels[1].a);
  const wins = duels[0].share < CLEARLY_LESS && 1 / duels[1].share < CLEARLY_LESS && after < CLEARLY_LESS * before;
  return wins ? { choice: best, before, after, refused } : { choice: usual, before, after: before, refused };
}

/**
 * Times two trials in turn, each as often first as second: the least time of either, and the median of b's time over
 * a's.
 */
async function duel(
  openA: () => Promise<Trial>,
  openB: () => Promise<Trial>,
): Promise<{ a: number; b: number; share: number }> {
  using a = await openA();
  using b = await openB();
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0; i < DUELS; i++) {
    if (i % 2 === 0) pairs.push([await a.time(), await b.time()]);
    else pairs.push([await b.time(), await a.time()].reverse() as [number, number]);
  }
  const shares = pairs.map(([one, other]) => other / one).sort((x, y) => x - y);
  return {
    a: Math.min(...pairs.map(([one]) => one)),
    b: Math.min(...pairs.map(([, other]) => other)),
    share: shares[DUELS >> 1],
  };
}

/**
 * How a result differs from the default's; undefined where rounding accounts for it. On the operands below all sums are
 * of numbers of one sign, so that every addition that rounds is worth a unit of the result (Higham 2002, section 4.2);
 * means, roots and the functions of an epilogue are given some more.
 */
function difference(got: Float32Array, want: Float32Array, roundings: number): string | undefined {
  const allowed = 2 ** -19 + 32 * roundings * 2 ** -24;
  // Not `>`: a NaN is no agreement, unless both have it.
  const wrong = want.findIndex(
    (value, i) => !(Object.is(value, got[i]) || Math.abs(got[i] - value) <= allowed * Math.abs(value)),
  );
  return wrong < 0 ? undefined : `it gives ${got[wrong]} for element ${wrong}, and the default gives ${want[wrong]}`;
}

/** A prime number of values, so that no tile begins with the same ones as its neighbour. */
const PERIOD = 4099;

/**
 * The inputs of a tensor as parameters, filled with small whole numbers: sums of their products are exact in every
 * order, and a candidate that takes a wrong element is found out to the bit. The largest inputs hold 2 and 3, the
 * others 1 and 2, so that a batch norm's differences from its mean are not negative.
 */
class Operands implements Disposable {
  private readonly parameters: Parameter[] = [];
  /** The tensor's op on these inputs. */
  private readonly alone: Tensor;

  constructor(
    private readonly device: Device,
    tensor: Tensor,
  ) {
    const largest = Math.max(...tensor.inputs.map(({ size }) => size));
    const inputs = tensor.inputs.map((t, i) => {
      const parameter = new Parameter(
        device,
        `operand ${i}`,
        t.shape,
        smallNumbers(t.size, t.size === largest ? 2 : 1, i),
      );
      this.parameters.push(parameter);
      return parameter.tensor;
    });
    this.alone = new Tensor(tensor.op, inputs, tensor.attrs, tensor.shape, tensor.dtype);
  }

  open(choices: Choices, choice: Choice, clock: () => number): Promise<Trial> {
    return openTrial(this.device, this.alone, choices, choice, clock);
  }

  [Symbol.dispose](): void {
    for (const parameter of this.parameters) parameter[Symbol.dispose]();
  }
}

/** `low` and `low + 1` in an order without a pattern. */
function smallNumbers(size: number, low: number, seed: number): Float32Array {
  const values = new Float32Array(size);
  let state = seed + 1;
  for (let i = 0; i < Math.min(size, PERIOD); i++) {
    // Xorshift (Marsaglia 2003).
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    values[i] = low + ((state >>> 9) & 1);
  }
  for (let filled = PERIOD; filled < size; filled *= 2) values.copyWithin(filled, 0, Math.min(filled, size - filled));
  return values;
}

/** Wall time is measured over so many milliseconds at least. */
const LEAST_SPAN = 5;

async function openTrial(
  device: Device,
  tensor: Tensor,
  { halfProducts }: Choices,
  choice: Choice,
  clock: () => number,
): Promise<Trial> {
  const program = await compile(device, {
    outputs: [tensor],
    tuning: { find: () => choice },
    precision: halfProducts ? 'f16' : 'f32',
  });
  let runs = 1;
  return {
    async result() {
      program.run();
      return program.read(tensor);
    },
    async time() {
      const steps = await program.profile();
      if (steps) return steps.reduce((a, b) => a + b, 0);
      for (;;) {
        const start = clock();
        for (let i = 0; i < runs; i++) program.run();
        await device.idle();
        const span = clock() - start;
        if (span >= LEAST_SPAN || runs >= 1024) return span / runs;
        runs *= 4;
      }
    },
    [Symbol.dispose]: () => program[Symbol.dispose](),
  };
}
