import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { readOptions, type StoredOptions } from '../vision/train/options_file.node.ts';
import { RUN_FILES } from '../vision/train/train.node.ts';

/** The file in the folder of a cross-validation that says what its folds say together. */
export const SUMMARY = 'crossval.json';

export const foldFolder = (folder: string, fold: number): string => join(folder, `fold-${fold}`);

export const isBegun = (run: string): boolean => existsSync(join(run, RUN_FILES.config));

/** A report is the last thing that a run writes. One without options is none of a run. */
export const isFinished = (run: string): boolean => isBegun(run) && existsSync(join(run, RUN_FILES.report));

/** The options of the runs that were begun in the folder of a cross-validation, by the number of their fold. */
export function begunFolds(folder: string): Map<number, StoredOptions> {
  const begun = new Map<number, StoredOptions>();
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return begun;
  for (const name of readdirSync(folder)) {
    const config = join(folder, name, RUN_FILES.config);
    const fold = /^fold-([1-9]\d*)$/.exec(name)?.[1];
    if (fold !== undefined && existsSync(config)) begun.set(Number(fold), readOptions(config));
  }
  return begun;
}

/**
 * The run directories of a cross-validation; undefined where the path is another thing. Throws where some are not
 * finished, and names them.
 */
export function finishedFolds(path: string): string[] | undefined {
  if (existsSync(join(path, RUN_FILES.config))) return undefined;
  const begun = [...begunFolds(path).values()];
  const folds = begun[0]?.fold?.of;
  if (folds === undefined) return undefined;
  const missing = unfinished(path, folds);
  if (missing.length > 0)
    throw new UserError(
      `${path} is a cross-validation of ${folds} folds that is not finished: ${listFolds(missing)}; give its command again to go on`,
    );
  const options = begun.map(({ fold, ...common }) => JSON.stringify([common, fold?.of]));
  if (new Set(options).size > 1)
    throw new UserError(
      `${path} holds folds that were trained with different options; give its command again to see which`,
    );
  return Array.from({ length: folds }, (_, i) => foldFolder(path, i + 1));
}

export const unfinished = (folder: string, folds: number): number[] =>
  Array.from({ length: folds }, (_, i) => i + 1).filter((fold) => !isFinished(foldFolder(folder, fold)));

/** `fold 3 is missing`, `folds 1, 4 are missing` */
export const listFolds = (folds: readonly number[]): string =>
  folds.length === 1 ? `fold ${folds[0]} is missing` : `folds ${folds.join(', ')} are missing`;
