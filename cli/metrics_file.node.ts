import * as v from 'valibot';
import { count, fields, finite, listOf, wholeFrom } from '../vision/checked_json.ts';
import { readJsonFile } from '../vision/json_file.node.ts';
import { EPOCH } from '../vision/train/state_file.ts';

/** What is read of RUN/metrics.json of every task. */
const COMMON = {
  history: listOf(EPOCH),
  bestEpoch: v.nullable(wholeFrom(1)),
  keep: v.optional(v.picklist(['best', 'last'], '"best" or "last"')),
  seconds: finite,
  parameters: count,
  counts: fields({ train: count, validation: count }),
  judgedOn: v.optional(finite),
};

const FIGURES = {
  numbers: fields({ ...COMMON, rmse: finite, r2: v.optional(v.nullable(finite)) }),
  classes: fields({
    ...COMMON,
    accuracy: fields({ value: finite }),
    auc: v.nullable(finite),
    ece: finite,
  }),
};

export type StoredMetrics = v.InferOutput<(typeof FIGURES)['numbers']> | v.InferOutput<(typeof FIGURES)['classes']>;

/** The tasks that are told by RMSE; all others tell classes apart. */
const WITH_RMSE = ['challenge', 'targets', 'votes'];

/** The figures of a run that was judged. @throws UserError where the file is none of such a run, of this task */
export const readMetrics = (path: string, task: string): StoredMetrics =>
  readJsonFile(
    path,
    WITH_RMSE.includes(task) ? FIGURES.numbers : FIGURES.classes,
    'run the training command again, which writes it anew',
  );
