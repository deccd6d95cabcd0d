import { resolve } from 'node:path';
import type { ComparisonData } from '../vision/report/data.ts';
import { decimal, duration } from '../vision/report/pieces.ts';
import type { Json } from '../models/formats/model_file.ts';
import type { RunRecord } from './run_record.node.ts';
import { withLetter } from './with_letter.ts';

const NONE = '–';

/** What the table of runs shows of each, by the heads of its columns. */
const COLUMNS: readonly (readonly [string, (run: RunRecord) => string])[] = [
  ['run', ({ path }) => path],
  ['accuracy', ({ figures: { accuracy } }) => decimal(accuracy ?? null)],
  ['AUC', ({ figures: { auc } }) => decimal(auc ?? null)],
  ['ECE', ({ figures: { ece } }) => decimal(ece ?? null)],
  ['RMSE', ({ figures: { rmse } }) => decimal(rmse ?? null, 4)],
  ['R²', ({ figures: { r2 } }) => decimal(r2 ?? null)],
  [
    'epochs',
    ({ finished, epochs, planned }) =>
      finished ? String(epochs.length) : `${epochs.length} of ${planned}, unfinished`,
  ],
  ['best', ({ bestEpoch }) => String(bestEpoch ?? NONE)],
  ['time', ({ seconds }) => duration(seconds)],
  ['model', ({ options: { model, width } }) => `${String(model)}${width === undefined ? '' : ` x ${String(width)}`}`],
  ['task', ({ task, head }) => (task === 'challenge' ? `${task}, ${head}` : task)],
  ['parameters', ({ parameters }) => (parameters === null ? NONE : withLetter(parameters).trim())],
  ['training', ({ counts }) => String(counts?.train ?? NONE)],
  ['validation', ({ counts }) => String(counts?.validation ?? NONE)],
  ['size', ({ options: { size } }) => String(size)],
];

/** The table of runs; columns in which no run has anything are left out. */
function runTable(runs: readonly RunRecord[]): { columns: string[]; rows: string[][] } {
  const shown = COLUMNS.filter(([, show]) => runs.some((run) => show(run) !== NONE));
  return { columns: shown.map(([head]) => head), rows: runs.map((run) => shown.map(([, show]) => show(run))) };
}

/** What the table of runs shows already. */
const SHOWN = ['model', 'width', 'task.name', 'task.head', 'size'];

/**
 * Options by their paths where the runs differ, with the value of each run; undefined where a run has no such option.
 */
export function differences(runs: readonly RunRecord[]): { option: string; values: (Json | undefined)[] }[] {
  return [...new Set(runs.flatMap(({ options }) => Object.keys(options)))]
    .map((option) => ({ option, values: runs.map(({ options }) => options[option]) }))
    .filter(
      ({ option, values }) => !SHOWN.includes(option) && new Set(values.map((value) => JSON.stringify(value))).size > 1,
    );
}

/** A value as a person would write it. */
const showValue = (value: Json | undefined): string =>
  value === undefined ? NONE : typeof value === 'string' ? value : JSON.stringify(value);

/** The options that decide which images a run is judged on. */
const SIDES = [
  'data',
  'limit',
  'skipBad',
  'valFraction',
  'testFraction',
  'trainOnly',
  'table.split',
  'fold.index',
  'fold.of',
  'fold.seed',
  'fold.sides',
  'task.threshold',
];

/** Where the figures of runs of the same task cannot be compared, a sentence each. */
function warnings(runs: readonly RunRecord[]): string[] {
  return [...new Set(runs.map(({ task }) => task))].flatMap((task) => {
    const same = runs.filter((run) => run.task === task);
    const choice = ({ options }: RunRecord, option: string) => {
      const value = options[option];
      return JSON.stringify(
        option === 'data' && typeof value === 'string' && !value.startsWith('synthetic:') ? resolve(value) : value,
      );
    };
    const differing = SIDES.filter((option) => new Set(same.map((run) => choice(run, option))).size > 1);
    if (differing.length > 0)
      return [
        `the runs for ${task} were judged on different images (${differing.join(', ')} differ${differing.length === 1 ? 's' : ''}): their figures cannot be compared`,
      ];
    const counts = [...new Set(same.flatMap(({ counts: known }) => (known ? [known.validation] : [])))];
    const sets = new Set(same.flatMap(({ judgedOn }) => judgedOn ?? []));
    if (counts.length === 1 && sets.size > 1)
      return [
        `the runs for ${task} were judged on different images, as many and by the same options: the data has changed between them, and their figures cannot be compared`,
      ];
    return counts.length > 1
      ? [
          `the runs for ${task} were judged on ${counts.join(' and ')} images though their options are the same: the data has changed between them, and their figures cannot be compared`,
        ]
      : [];
  });
}

/** All that the page shows. */
export function comparisonData(runs: readonly RunRecord[]): ComparisonData {
  return {
    title: `${runs.length} runs compared`,
    warnings: warnings(runs),
    runs: runTable(runs),
    options: {
      columns: ['different options', ...runs.map(({ path }) => path)],
      rows: differences(runs).map(({ option, values }) => [option, ...values.map(showValue)]),
    },
    names: runs.map(({ path }) => path),
    curves: [...new Set(runs.map(({ task }) => task))].map((task) => ({
      task,
      runs: runs.flatMap((run, place) =>
        run.task === task && run.epochs.length > 0 ? [{ place, epochs: run.epochs }] : [],
      ),
    })),
  };
}
