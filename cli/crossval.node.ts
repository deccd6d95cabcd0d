import { jsonText } from '../vision/json_text.ts';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { summariseFolds, type CrossvalSummary, type FoldResult } from '../vision/judge/crossval.ts';
import { sidesHash } from '../vision/data/folds.ts';
import { FIGURES } from '../vision/judge/figures.ts';
import type { TaskChoice } from '../galaxies/tasks.ts';
import type { TrainOptions } from '../vision/train/options.ts';
import { RUN_FILES, requireOptions } from '../vision/train/train.node.ts';
import { writeFileAtomic } from '../models/formats/atomic.node.ts';
import { SUMMARY, begunFolds, foldFolder, isFinished, listFolds, unfinished } from './crossval_folder.node.ts';
import { readMetrics } from './metrics_file.node.ts';
import { terminalProgress } from './progress.node.ts';
import { openSession } from './session.node.ts';
import { textTable } from '../vision/report/text_table.ts';
import { openTraining, tellSoftware, tellTest, trainAndJudge, type Lesson, type TrainFlags } from './train.node.ts';

export interface CrossvalFlags extends TrainFlags {
  readonly folds: number;
  /** The only one to train, from 1. */
  readonly fold?: number;
}

/**
 * Trains a network for each fold in a run directory of its own, those that are finished aside, and tells what they say
 * together.
 */
export async function crossval(flags: CrossvalFlags): Promise<void> {
  const { folds, fold, out, json } = flags;
  if (fold !== undefined && fold > folds)
    throw new UserError(`--fold ${fold}: there are only ${folds} folds; give 1 to ${folds}, or more --folds`);
  const progress = terminalProgress();
  const { dataset, options, task } = await openTraining({ ...flags, valFraction: 1 / folds }, progress);
  try {
    const all = optionsOfFolds({ dataset, task }, options, folds);
    requireBegunAlike(out, all);
    const chosen = fold === undefined ? all : [all[fold - 1]];
    const todo = chosen.filter((each) => !isFinished(foldFolder(out, each.fold!.index)));
    if (todo.length < chosen.length)
      progress.line(
        `${chosen.length - todo.length} of ${chosen.length} folds ${chosen.length - todo.length === 1 ? 'was' : 'were'} finished before`,
      );
    if (todo.length > 0) {
      using device = await openSession(flags);
      tellSoftware(device, progress);
      const { tuning } = device;
      for (const each of todo) {
        progress.line(`fold ${each.fold!.index} of ${folds}`);
        // A run that resumes has its own.
        device.tuning = tuning;
        const { headline } = await trainAndJudge(device, { dataset, task }, each, {
          folder: foldFolder(out, each.fold!.index),
          progress,
          acceptChanges: flags.acceptChanges,
          packBytes: flags.pack * 2 ** 30,
        });
        progress.line(headline);
      }
    }
    const missing = unfinished(out, folds);
    if (missing.length > 0) {
      const finished = chosen.map((each) => each.fold!.index);
      if (json)
        console.log(jsonText({ folds: finished.map((each) => resultOf(out, each, options.task.name)), missing }));
      else
        console.log(
          `Fold ${finished.join(', ')} of ${folds} is finished; the summary comes with the last: ${listFolds(missing)}`,
        );
      return;
    }
    // Other processes may have begun theirs since.
    requireBegunAlike(out, all);
    const summary = summariseFolds(
      task.figure.name,
      all.map((_, i) => resultOf(out, i + 1, options.task.name)),
    );
    const { fold: _fold, ...common } = all[0];
    const text = `${jsonText({ ...summary, options: common })}\n`;
    await writeFileAtomic(join(out, SUMMARY), text);
    if (json) process.stdout.write(text);
    else {
      console.log(`${showSummary(summary)}\nSummary: ${join(out, SUMMARY)}`);
      tellTest(flags);
    }
  } finally {
    progress.end();
    await dataset.close();
  }
}

/** The options of every fold's training. Throws where one of them cannot be trained, before any is. */
function optionsOfFolds(
  { dataset, task }: Lesson,
  options: TrainOptions<TaskChoice>,
  folds: number,
): TrainOptions<TaskChoice>[] {
  const ids = dataset.examples.map(({ id }) => id);
  return Array.from({ length: folds }, (_, i) => {
    const fold = { index: i + 1, of: folds, seed: options.seed };
    task.prepare(dataset, { ...options, fold });
    return { ...options, fold: { ...fold, sides: sidesHash(ids, task.split(dataset, { ...options, fold })) } };
  });
}

/** Throws where a folder holds what does not belong to a cross-validation with these options. */
function requireBegunAlike(out: string, all: readonly TrainOptions[]): void {
  if (existsSync(join(out, RUN_FILES.config)))
    throw new UserError(`${out} holds a single training; give another --out`);
  for (const [index, earlier] of begunFolds(out)) {
    const run = foldFolder(out, index);
    if (earlier.fold === undefined) throw new UserError(`${run} holds a training on no fold; give another --out`);
    const { sides, ...fold } = earlier.fold;
    const folds = fold.of;
    if (folds !== all.length)
      throw new UserError(
        `${out} holds a cross-validation of ${folds} folds, and this is one of ${all.length}; give --folds ${folds} to go on with it, or another --out`,
      );
    const options = all[index - 1];
    const { sides: now, ...same } = options.fold!;
    // Told only where nothing else explains it.
    requireOptions(run, { ...earlier, fold }, { ...options, fold: same });
    if (sides !== now)
      throw new UserError(
        `${out} was begun with other images: images or labels of ${options.data} have changed since, and with them the folds; give the same ones to go on, or another --out`,
      );
  }
}

/** What a finished fold came to, from its metrics.json. */
function resultOf(out: string, fold: number, task: string): FoldResult {
  const metrics = readMetrics(join(foldFolder(out, fold), RUN_FILES.metrics), task);
  const { counts, keep, bestEpoch } = metrics;
  const figure = 'rmse' in metrics ? metrics.rmse : metrics.accuracy.value;
  return { fold, ...counts, bestEpoch: keep === 'best' ? bestEpoch : null, figure };
}

function showSummary({ figure, folds, mean, standardDeviation, outOfFold }: CrossvalSummary): string {
  const { show } = FIGURES[figure];
  const table = textTable(
    ['fold', 'trained on', 'judged on', 'best epoch', figure],
    folds.map(({ fold, train, validation, bestEpoch, figure: value }) => [
      String(fold),
      String(train),
      String(validation),
      bestEpoch === null ? 'last kept' : String(bestEpoch),
      show(value),
    ]),
  );
  const interval =
    outOfFold.low === undefined ? '' : ` (95 % interval ${show(outOfFold.low)} to ${show(outOfFold.high!)})`;
  return `${table}\n\n${figure} ${show(mean)} ± ${show(standardDeviation)}: mean and standard deviation of ${folds.length} folds\n${figure} ${show(outOfFold.value)}${interval} over all ${outOfFold.images} images together, each predicted by the network that did not train on it`;
}
