import type { Shape } from '../engine/tensor.ts';
import type { TuningTable } from '../engine/tuning.ts';
import type { Choice } from '../kernels/kernel.ts';
import { textTable } from '../vision/report/text_table.ts';

/** What `tune` found for a model. Times in milliseconds. */
export interface TuningReport {
  readonly model: string;
  readonly mode: 'forward' | 'training';
  readonly batch: number;
  readonly size: number;
  readonly adapter: string;
  readonly software: boolean;
  readonly file: string;
  /** Distinct tasks of the program that can be done in several ways. */
  readonly tasks: number;
  /** Those that are measured, now or before, each with how often the program does it; times are of once. */
  readonly tuned: readonly {
    readonly op: string;
    readonly inputs: readonly Shape[];
    readonly output: Shape;
    readonly count: number;
    readonly usual: Choice;
    readonly choice: Choice;
    readonly before: number;
    readonly after: number;
  }[];
  /** Candidates that did not do what the default does. */
  readonly refused: readonly { readonly op: string; readonly choice: Choice; readonly why: string }[];
  /** The whole program once, on inputs of zeros. */
  readonly run: { readonly before: number; readonly after: number };
}

const ms = (value: number): string =>
  value < 10 ? value.toFixed(3) : value < 1000 ? value.toFixed(1) : value.toFixed(0);
const shapes = (all: readonly Shape[]): string => all.map((shape) => shape.join('x')).join(', ');
const saved = (before: number, after: number): string => `${((100 * (before - after)) / before).toFixed(0)} %`;

/** What a choice has in other ways than the default. */
const changes = (usual: Choice, choice: Choice): string =>
  Object.keys(choice)
    .filter((key) => choice[key] !== usual[key])
    .map((key) => `${key} ${usual[key]} -> ${choice[key]}`)
    .join(', ') || 'default';

export function showTuning(report: TuningReport): string {
  const { model, mode, batch, size, adapter, software, file, tasks, tuned, refused, run } = report;
  const sum = (pick: (t: (typeof tuned)[number]) => number) => tuned.reduce((n, t) => n + t.count * pick(t), 0);
  const [before, after] = [sum((t) => t.before), sum((t) => t.after)];
  const rows = [...tuned]
    .sort((a, b) => b.count * (b.before - b.after) - a.count * (a.before - a.after))
    .map((t) => [
      t.op,
      shapes(t.inputs.slice(0, 2)),
      changes(t.usual, t.choice),
      String(t.count),
      ms(t.before),
      ms(t.after),
      t.before === t.after ? '' : saved(t.before, t.after),
    ]);
  return [
    `${model}, ${mode === 'training' ? 'a training step' : 'forward'}, batch ${batch}, ${size} pixels, on ${adapter}${software ? ' (a software adapter)' : ''}`,
    ...(rows.length > 0
      ? [
          '',
          textTable(
            ['op', 'inputs', 'kernels', 'times', 'before ms', 'after ms', 'saved'],
            [...rows, ['all of these', '', '', '', ms(before), ms(after), saved(before, after)]],
            3,
          ),
        ]
      : []),
    '',
    `a whole run: ${ms(run.before)} ms with the defaults, ${ms(run.after)} ms as tuned`,
    ...refused.map(({ op, choice, why }) => `refused for ${op}: ${JSON.stringify(choice)}, since ${why}`),
    tuned.length < tasks
      ? `${tuned.length} of ${tasks} kinds of work are measured: give the same command again to go on`
      : `all ${tasks} kinds of work are measured`,
    `kept in ${file}`,
  ].join('\n');
}

/** A key of the table, which is JSON unless someone wrote it by hand; undefined then. */
function parsedKey(key: string): unknown {
  try {
    return JSON.parse(key.replace(/^f16 /, ''));
  } catch {
    return undefined;
  }
}

/** What a file holds, adapter by adapter. */
export function showTable(path: string, table: TuningTable): string {
  const byAdapter = new Map<string, string[][]>();
  for (const { adapter, task, tuned } of table.entries()) {
    const key = parsedKey(task);
    const [op, inputs, output] = Array.isArray(key) ? key : [task];
    const choice = Object.entries(tuned.choice)
      .map(([key, value]) => `${key} ${value}`)
      .join(', ');
    const row = [
      String(op),
      Array.isArray(inputs) ? inputs.slice(0, 2).join(', ') : '',
      String(output ?? ''),
      choice,
      ms(tuned.before),
      ms(tuned.after),
    ];
    byAdapter.set(adapter, [...(byAdapter.get(adapter) ?? []), row]);
  }
  const parts = [...byAdapter].map(([adapter, rows]) => {
    const { description = adapter } = (parsedKey(adapter) ?? {}) as { description?: string };
    return `${description}\n${textTable(['op', 'inputs', 'output', 'chosen', 'before ms', 'after ms'], rows, 4)}`;
  });
  return parts.length > 0
    ? [...parts, path].join('\n\n')
    : `nothing is tuned yet; ${path} is where \`tuningfork tune\` will keep it`;
}
