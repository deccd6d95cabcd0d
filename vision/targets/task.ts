import { reshape } from '../../engine/ops/leaves.ts';
import { square, sub } from '../../engine/ops/pointwise.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { UserError } from '../../engine/user_error.ts';
import type { Dataset } from '../data/dataset.ts';
import { sidesOf } from '../data/folds.ts';
import { namedSides, type Labelled } from '../data/labelled.ts';
import type { Split } from '../data/split.ts';
import { FIGURES } from '../judge/figures.ts';
import { UPRIGHT_PRESET } from '../train/presets.ts';
import type { SplitOptions, Task } from '../train/task.ts';
import { storedChoices, type TaskKind } from '../train/task_kind.ts';

/** What is learnt of each column: its values in units of `deviation` from `mean`, both in the units of the data. */
export interface TargetOptions {
  readonly name: 'targets';
  readonly columns: readonly string[];
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** Folds are even in the first column: so many parts of its range have as many images each. */
const PARTS = 10;

/** The part of the range of the first column that each image is in; null of those not known, and of the test. */
function strataOf(examples: readonly Labelled[], isKnown: (example: Labelled) => boolean): (string | null)[] {
  const known = examples.flatMap((example, i) => (isKnown(example) && example.side !== 'test' ? [i] : []));
  const first = (i: number): number => examples[i].values![0];
  const strata: (string | null)[] = examples.map(() => null);
  known
    .sort((a, b) => first(a) - first(b) || (examples[a].id < examples[b].id ? -1 : 1))
    .forEach((index, rank) => (strata[index] = String(Math.floor((rank * PARTS) / known.length))));
  return strata;
}

/** The side of each known image: the one that the data name, or by a hash of its id, or a fold. */
export function splitValued(
  { name, examples }: Dataset<Labelled>,
  options: SplitOptions,
  isKnown: (example: Labelled) => boolean = ({ values }) => values !== null,
  strata: (examples: readonly Labelled[], isKnown: (example: Labelled) => boolean) => (string | null)[] = strataOf,
): Split {
  const named = options.fold ? null : namedSides(examples, isKnown);
  return named ?? sidesOf({ name, examples }, strata(examples, isKnown), options);
}

/** Throws where a side is empty. @param what images are called */
export function requireBothSides(
  { name }: Dataset,
  { train, validation }: Split,
  what: string,
  { fold }: SplitOptions,
): void {
  for (const [side, examples] of [
    ['training', train],
    ['validation', validation],
  ] as const)
    if (examples.length === 0)
      throw new UserError(
        `${name}: no ${what} is on the ${side} side; give more data, or ${fold ? 'fewer folds' : 'another --val-fraction'}`,
      );
}

/** The mean over the columns of the squared error, each in units of its deviation. */
export function standardError(
  predicted: ArrayLike<number>,
  values: ArrayLike<number>,
  deviation: readonly number[],
): number {
  return deviation.reduce((sum, unit, k) => sum + ((predicted[k] - values[k]) / unit) ** 2, 0) / deviation.length;
}

/**
 * Numbers for each image, in any units. The network learns them less their mean, in units of their deviation, by the
 * mean of the squared error.
 */
function targets({ columns, mean: middle, deviation }: TargetOptions): Task<Labelled> {
  return {
    name: 'targets',
    head: 'linear',
    answers: 'values',
    outputs: columns,
    scores: (logits) => logits,
    prediction: (row) => deviation.map((unit, k) => row[k] * unit + middle[k]),
    loss: (scores, wanted) => reshape(mean(square(sub(scores, wanted))), []),
    figure: FIGURES.RMSE,
    split: (dataset, sides) => splitValued(dataset, sides),
    prepare(dataset, sides) {
      const { train, validation } = splitValued(dataset, sides);
      requireBothSides(dataset, { train, validation }, 'image with targets', sides);
      const valuesOf = (example: number) => dataset.examples[example].values!;
      const error = (row: ArrayLike<number>, example: number) => standardError(row, valuesOf(example), deviation);
      return {
        dataset,
        train,
        validation,
        target: (example) => valuesOf(example).map((value, k) => (value - middle[k]) / deviation[k]),
        loss: error,
        mark: error,
      };
    },
  };
}

/**
 * The mean and the standard deviation of each column over the images that are not kept for the test, by the data or by
 * a share. They are the same in all folds, and only say where zero is and how long a unit: nothing is learnt from them.
 */
function scaleOf(columns: readonly string[], dataset: Dataset<Labelled>, sides: SplitOptions): TargetOptions {
  const { name, examples } = dataset;
  const { train, validation } = splitValued(dataset, sides);
  const rows = [...train, ...validation].sort((a, b) => a - b).map((i) => examples[i].values!);
  if (rows.length < 2)
    throw new UserError(
      `${name} has ${rows.length === 0 ? 'no image' : 'one image'} with a number in each of ${columns.join(', ')}; a training needs many`,
    );
  const middle = columns.map((_, k) => rows.reduce((sum, row) => sum + row[k] / rows.length, 0));
  const deviation = middle.map((m, k) =>
    Math.sqrt(rows.reduce((sum, row) => sum + (row[k] - m) ** 2, 0) / rows.length),
  );
  const still = columns.findIndex((_, k) => rows.every((row) => row[k] === rows[0][k]));
  if (still >= 0)
    throw new UserError(
      `${name}: the column ${columns[still]} is ${rows[0][still]} for every image, and there is nothing to learn in it; leave it out`,
    );
  return { name: 'targets', columns, mean: middle, deviation };
}

const UNDIVIDED: SplitOptions = { valFraction: 0, trainOnly: null };

const areNumbers = (values: unknown): values is number[] =>
  Array.isArray(values) && values.every((value) => Number.isFinite(value));

export const TARGETS: TaskKind<TargetOptions, Labelled> = {
  name: 'targets',
  data: 'images',
  learnsValues: true,
  flags: ['targetColumns'],
  preset: UPRIGHT_PRESET,
  words: {
    known: 'images with targets',
    label: 'its targets',
    mismatch: (data) =>
      `predicts numbers, and the images of ${data} have none; give a --table or parquet file with --target-columns`,
    answers: 'predicts numbers',
  },
  choices({ targetColumns = [] }) {
    if (targetColumns.length === 0)
      throw new UserError(
        '--task targets learns numbers: say which columns of the table hold them, by --target-columns',
      );
    return { name: 'targets', columns: targetColumns, mean: [], deviation: [] };
  },
  fit: ({ columns }, dataset, sides = UNDIVIDED) => ({
    options: scaleOf(columns, dataset, sides),
    outputs: columns,
  }),
  resume(choices, { columns, mean, deviation }, fitted = choices) {
    const isSame = Array.isArray(columns) && columns.join() === choices.columns.join();
    return isSame && areNumbers(mean) && areNumbers(deviation) ? { ...choices, mean, deviation } : fitted;
  },
  stored(file, source) {
    const { mean, deviation } = storedChoices(file);
    const columns = file.classes;
    if (
      !areNumbers(mean) ||
      !areNumbers(deviation) ||
      mean.length !== columns.length ||
      deviation.length !== columns.length ||
      deviation.some((unit) => unit <= 0)
    )
      throw new UserError(
        `${source}: it does not say the mean and the deviation of each of ${columns.join(', ')}; the file is damaged or was edited`,
      );
    return { name: 'targets', columns, mean, deviation };
  },
  make: targets,
  isKnown: ({ values }) => values !== null,
  requireKnown() {},
};
