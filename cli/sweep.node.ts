import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { UserError } from '../engine/user_error.ts';
import { MOST_RUNS } from '../vision/report/comparison.ts';
import { readOptions } from '../vision/train/options_file.node.ts';
import { RUN_FILES } from '../vision/train/run_files.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import { addTrainOptions } from './commands/train.ts';
import { compare } from './compare.node.ts';
import { isBegun, isFinished } from './crossval_folder.node.ts';
import { terminalProgress } from './progress.node.ts';
import { readRun, type RunRecord } from './run_record.node.ts';
import { expandGrid, type SweepRun, type Value } from './sweep_grid.ts';
import { checkTrainFlags, requireBegunWith, runTraining, type TrainFlags } from './train.node.ts';

export interface SweepFlags extends TrainFlags {
  /** The only one to train, from 1. */
  readonly run?: number;
  /** Train nothing, and tell of what is there. */
  readonly compareOnly?: boolean;
}

/** A training of a sweep with all its flags; `out` is its run directory. */
interface Planned {
  readonly name: string;
  readonly flags: TrainFlags;
}

/** The trainings that a grid asks for. Throws where one of them cannot be, before any is begun. */
export function planSweep(path: string, flags: SweepFlags): Planned[] {
  const option = optionsOfTrain();
  return expandGrid(readGrid(path), path).map(({ name, options }: SweepRun) => {
    const own = Object.fromEntries(Object.entries(options).map(([key, value]) => option(key, value, path)));
    const planned = { name, flags: { ...flags, ...own, out: join(flags.out, name) } };
    try {
      checkTrainFlags(planned.flags);
    } catch (error) {
      throw error instanceof UserError ? new UserError(`${path}: ${name}: ${error.message}`) : error;
    }
    return planned;
  });
}

/** Throws where a training that is finished had other options: what it came to is no answer to these. */
export function requireFinishedAlike(runs: readonly Planned[]): void {
  for (const { flags } of runs)
    if (isFinished(flags.out)) requireBegunWith(flags.out, readOptions(join(flags.out, RUN_FILES.config)), flags);
}

function readGrid(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new UserError(`${path} is not JSON: ${error.message.split('\n')[0]}`);
    throw fileError('read', path, error);
  }
}

/** A parser of an option of `train` as a grid names it, with the checks that the command line makes. */
function optionsOfTrain(): (name: string, value: Value, path: string) => [string, unknown] {
  const { options } = addTrainOptions(new Command('train'), '');
  return (name, value, path) => {
    const option = options.find(({ long }) => long?.replace(/^--(no-)?/, '') === name);
    if (!option || name === 'out')
      throw new UserError(
        `${path}: "${name}" is no option of a sweep; give names as \`tuningfork train --help\` has them, without the dashes: "lr", "weight-decay"`,
      );
    if (option.isBoolean() || option.negate) {
      if (typeof value !== 'boolean')
        throw new UserError(`${path}: "${name}" is true or false, not ${JSON.stringify(value)}`);
      return [option.attributeName(), value];
    }
    try {
      return [option.attributeName(), option.parseArg ? option.parseArg(String(value), undefined) : String(value)];
    } catch (error) {
      if (!(error instanceof InvalidArgumentError)) throw error;
      throw new UserError(`${path}: "${name}" cannot be ${JSON.stringify(value)}. ${error.message}`);
    }
  };
}

/**
 * Trains a network for each combination of a grid in a run directory of its own, those that are finished aside, and
 * compares them. A training that fails does not keep the others from theirs.
 */
export async function sweep(path: string, flags: SweepFlags): Promise<void> {
  const { run, compareOnly, out } = flags;
  const all = planSweep(path, flags);
  if (run !== undefined && run > all.length)
    throw new UserError(`--run ${run}: ${path} asks for ${all.length} trainings; give 1 to ${all.length}`);
  const chosen = run === undefined ? all : [all[run - 1]];
  requireFinishedAlike(chosen);
  const progress = terminalProgress();
  const failed: string[] = [];
  for (const each of compareOnly ? [] : chosen.filter(({ flags: { out } }) => !isFinished(out))) {
    progress.line(`training ${all.indexOf(each) + 1} of ${all.length}: ${each.name}`);
    try {
      progress.line((await runTraining(each.flags)).headline);
    } catch (error) {
      if (!(error instanceof UserError) || run !== undefined) throw error;
      progress.line(`${each.name} failed: ${error.message}`);
      failed.push(each.name);
    }
  }
  const folders = chosen.map(({ flags: { out } }) => out);
  if (run !== undefined) {
    console.log(`Training ${run} of ${all.length} is finished: ${folders[0]}`);
    return;
  }
  const begun = await Promise.all(folders.filter(isBegun).map(readRun));
  const paths = begun.sort((a, b) => rank(a) - rank(b)).map(({ path }) => path);
  if (paths.length > 0) await compare(paths, { ...flags, out: paths.length > MOST_RUNS ? undefined : out });
  if (paths.length > MOST_RUNS)
    progress.line(`A page holds ${MOST_RUNS} runs at most: tuningfork compare with the best of them writes one`);
  const missing = folders.filter((folder) => !isFinished(folder)).length;
  if (missing > 0)
    throw new UserError(
      `${missing} of ${all.length} trainings ${missing === 1 ? 'is' : 'are'} not finished${failed.length > 0 ? ` (${failed.join(', ')} failed)` : ''}; give the same command again to go on`,
    );
}

/** The smaller, the better: those without a figure come last. */
const rank = ({ figures: { rmse, accuracy } }: RunRecord): number =>
  rmse ?? (accuracy === undefined ? Number.MAX_VALUE : -accuracy);
