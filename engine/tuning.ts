import type { Choice, Choices } from '../kernels/kernel.ts';
import type { Tensor } from './tensor.ts';
import { UserError } from './user_error.ts';

/*
 * Which of several ways to launch a kernel is the fastest on an adapter, as far as it was measured (program/tune.ts).
 * Another choice can mean another order of additions, so results depend on it in their last bits: where bits matter,
 * the table is kept with the results.
 */

/** What was measured for a task, if anything was. */
export interface Tuning {
  /**
   * The choice for a task, where one was measured.
   * @param kernels hash of the kernels' sources
   */
  find(task: string, kernels: string): Choice | undefined;
}

/**
 * The op with its shapes and attributes: tensors that share it are computed by the same steps. Where a program of
 * precision f16 has other choices, they are measured apart.
 */
export function taskOf({ op, inputs, attrs, shape, dtype }: Tensor, choices?: Choices): string {
  const task = JSON.stringify([
    op.name,
    inputs.map((t) => `${t.dtype} ${t.shape.join('x')}`),
    `${dtype} ${shape.join('x')}`,
    attrs,
  ]);
  return choices?.halfProducts ? `f16 ${task}` : task;
}

export const hashOf = ({ kernels }: Choices): string => kernels.map(({ hash }) => hash).join('.');

/** The candidate that the tuning names, as long as there is such a one; else the default. */
export function choose<C extends Choice>(choices: Choices<C>, tensor: Tensor, tuning: Tuning): C {
  const { candidates } = choices;
  const found = candidates.length > 1 ? tuning.find(taskOf(tensor, choices), hashOf(choices)) : undefined;
  const wanted = JSON.stringify(found);
  return candidates.find((candidate) => JSON.stringify(candidate) === wanted) ?? candidates[0];
}

/** The outcome of measuring a task: milliseconds of the default and of what was chosen, which may be the default. */
export interface Tuned {
  readonly choice: Choice;
  /** Hash of the sources of the kernels. */
  readonly kernels: string;
  readonly before: number;
  readonly after: number;
}

const FORMAT = 'tuningfork tuning 1';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isChoice = (value: unknown): value is Choice => isRecord(value) && Object.values(value).every(Number.isFinite);
const isTuned = (value: unknown): value is Tuned =>
  isRecord(value) &&
  isChoice(value['choice']) &&
  typeof value['kernels'] === 'string' &&
  Number.isFinite(value['before']) &&
  Number.isFinite(value['after']);

/** What was measured, by adapter and task. As text it is kept in a file, or in whatever storage a browser has. */
export class TuningTable {
  private readonly adapters = new Map<string, Map<string, Tuned>>();

  /** @throws UserError where the text is no table; `source` is what the message calls it */
  static parse(text: string, source: string): TuningTable {
    let read: unknown;
    try {
      read = JSON.parse(text);
    } catch {
      throw new UserError(`${source} holds no tuning: it is not JSON, or is cut short`);
    }
    if (!isRecord(read) || read['format'] !== FORMAT || !isRecord(read['adapters']))
      throw new UserError(`${source} holds no tuning: it does not say "format": "${FORMAT}"`);
    const table = new TuningTable();
    for (const [adapter, tasks] of Object.entries(read['adapters'])) {
      if (!isRecord(tasks)) throw new UserError(`${source} holds no tuning: what it says of ${adapter} is damaged`);
      for (const [task, tuned] of Object.entries(tasks)) {
        if (!isTuned(tuned)) throw new UserError(`${source} holds no tuning: what it says of ${task} is damaged`);
        table.set(adapter, task, tuned);
      }
    }
    return table;
  }

  get size(): number {
    return [...this.adapters.values()].reduce((n, tasks) => n + tasks.size, 0);
  }

  /**
   * Remembers what was found for a task.
   * @param adapter a device's `identity`
   */
  set(adapter: string, task: string, tuned: Tuned): void {
    const tasks = this.adapters.get(adapter) ?? new Map<string, Tuned>();
    this.adapters.set(adapter, tasks.set(task, tuned));
  }

  /** Undefined where the task was not measured on this adapter with these kernels. */
  get(adapter: string, task: string, kernels: string): Tuned | undefined {
    const tuned = this.adapters.get(adapter)?.get(task);
    return tuned?.kernels === kernels ? tuned : undefined;
  }

  /** The choices for one adapter, by its device's `identity`. */
  on(adapter: string): Tuning {
    return { find: (task, kernels) => this.get(adapter, task, kernels)?.choice };
  }

  /** What is known of one adapter. */
  only(adapter: string): TuningTable {
    const table = new TuningTable();
    for (const [task, tuned] of this.adapters.get(adapter) ?? []) table.set(adapter, task, tuned);
    return table;
  }

  /** All that is known. */
  *entries(): Generator<{ adapter: string; task: string; tuned: Tuned }> {
    for (const [adapter, tasks] of this.adapters) for (const [task, tuned] of tasks) yield { adapter, task, tuned };
  }

  /** As JSON, for a file. */
  toString(): string {
    const adapters = Object.fromEntries(
      [...this.adapters].map(([adapter, tasks]) => [adapter, Object.fromEntries(tasks)]),
    );
    return `${JSON.stringify({ format: FORMAT, adapters }, null, 1)}\n`;
  }
}
