import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { RUN_FILES } from '../vision/train/run_files.ts';
import { isBegun } from './crossval_folder.node.ts';

const OWN: ReadonlySet<string> = new Set(Object.values(RUN_FILES));

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/**
 * Throws where a folder is a training's, or that of a cross-validation or a sweep: what a command writes there would
 * take the place of what the training says of itself, or make a fold look finished.
 */
export function requireNoTraining(out: string): void {
  const found = isBegun(out)
    ? 'a training, whose own figures and report would be replaced'
    : isFolder(out) && readdirSync(out).some((name) => isBegun(join(out, name)))
      ? 'the trainings of a cross-validation or a sweep'
      : /^fold-\d+$/.test(basename(out)) && isFolder(dirname(out)) && holdsFold(dirname(out))
        ? 'a fold of a cross-validation'
        : undefined;
  if (found) throw new UserError(`${out} holds ${found}; give another --out`);
}

const holdsFold = (folder: string): boolean =>
  readdirSync(folder).some((name) => /^fold-\d+$/.test(name) && isBegun(join(folder, name)));

/** Throws where a file is one that a training keeps in its folder. @param option what names the file */
export function requireNoRunFile(file: string, option: '--out' | '--to'): void {
  if (OWN.has(basename(file)) && isBegun(dirname(file)))
    throw new UserError(`${file} belongs to the training in ${dirname(file)}; give another ${option}`);
}
