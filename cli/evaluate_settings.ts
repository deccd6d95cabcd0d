import { resolve } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { taskKind, taskOf, type TaskChoice } from '../galaxies/tasks.ts';
import { holdsColumns } from '../vision/data/archive_paths.ts';
import { sideName } from '../vision/data/folds.ts';
import { optionsOf, type StoredOptions } from '../vision/train/options_file.node.ts';
import { partsOfValidation } from '../vision/train/parts_of_validation.ts';
import type { Fold } from '../vision/train/task.ts';
import { SUMMARY } from './crossval_folder.node.ts';
import type { LoadedModel, OnnxFlags } from './load_model.node.ts';
import { dataSpec, type DataFlags, type DataSpec } from './open_data.node.ts';
import { defaultData, type GlobalOptions } from './options.ts';

export interface EvaluateFlags extends GlobalOptions, DataFlags, OnnxFlags {
  readonly split?: Split;
  readonly threshold?: number;
  readonly valFraction?: number;
  readonly trainOnly?: string;
  readonly tta?: number;
  readonly skipBad?: boolean;
  readonly out?: string;
}

export type Split = 'validation' | 'train' | 'test' | 'all';

/** What is judged: images, the part of them, and how they are told of. */
export interface Settings extends DataSpec {
  readonly split: Split;
  readonly task: TaskChoice;
  readonly valFraction: number;
  readonly testFraction?: number;
  readonly trainOnly: string | null;
  readonly fold?: Fold;
  readonly skipBad: boolean;
  readonly limit?: number;
  readonly tta: number;
  readonly measuredOn: string;
}

/** A model that is judged, and what is known of its training. */
interface Judged {
  readonly path: string;
  readonly model: LoadedModel;
  readonly stored: TaskChoice;
  /** How many answer together. */
  readonly networks: number;
}

/** How a table is read: with the columns that a model predicts, where nothing else is said. */
function withTargets({ data, table }: DataSpec, task: TaskChoice, outputs: readonly string[]): DataSpec['table'] {
  if (!taskKind(task.name).learnsValues) return table;
  if (table?.targets && table.targets.join() !== outputs.join())
    throw new UserError(
      `--target-columns ${table.targets.join(',')}: this model predicts ${outputs.join(',')}; leave it out, or name the same`,
    );
  return table || holdsColumns(data) ? { ...table, targets: outputs } : table;
}

/** How the table of a training is read again: with its columns, but for those that flags name. */
function sameTable(trained: StoredOptions['table'], given: DataSpec['table'], flags: DataFlags): DataSpec['table'] {
  if (!trained) return given;
  const { image, ...columns } = given ?? {};
  return { ...trained, ...columns, ...(flags.imageColumn !== undefined && { image }) };
}

/** Throws where flags divide the images of a training otherwise than they were: a side would hold what it did not. */
function requireSameSplit(
  data: string,
  { fold, valFraction, trainOnly, table }: StoredOptions,
  flags: EvaluateFlags,
): void {
  if (fold && (flags.valFraction !== undefined || flags.trainOnly !== undefined))
    throw new UserError(
      `--val-fraction and --train-only say nothing here: ${data} was divided into ${fold.of} folds; leave them out, or give other --data`,
    );
  const other = (
    [
      ['--val-fraction', flags.valFraction, valFraction],
      ['--train-only', flags.trainOnly, trainOnly ?? undefined],
      ['--split-column', flags.splitColumn, table?.split],
    ] as const
  ).find(([, now, then]) => now !== undefined && now !== then);
  if (other)
    throw new UserError(
      `${other[0]} ${other[1]}: ${data} was divided with ${other[2] === undefined ? 'none' : `${other[0]} ${other[2]}`} when the model was trained on it, and its images would come to other sides; leave it out, or give other --data`,
    );
}

/**
 * What the flags leave open: as in the model's training where the data is the same, and all images where it is not.
 */
export function settingsFor({ path, model, stored, networks }: Judged, flags: EvaluateFlags): Settings {
  const { file, stretch, classes } = model;
  const trained = optionsOf(file!, path);
  if (stored.name !== 'smooth-or-featured' && flags.threshold !== undefined)
    throw new UserError(
      `--threshold makes labels of votes, and this model ${taskKind(stored.name).words.answers}; leave it out`,
    );
  const given = dataSpec(flags);
  const data = given?.data ?? trained.data ?? defaultData();
  const isSame = trained.data !== undefined && resolve(data) === resolve(trained.data);
  // Of other data nothing is known but the columns that the model predicts.
  const known: Partial<StoredOptions> = isSame ? trained : {};
  if (isSame) requireSameSplit(data, trained, flags);
  const table = isSame
    ? sameTable(trained.table, given && withTargets(given, stored, classes), flags)
    : withTargets({ ...given, data }, stored, classes);
  // A fold is made of all images that take part, so it is the same only among the same.
  const { fold } = known;
  if (fold && networks > 1 && (flags.split === 'train' || flags.split === 'validation'))
    throw new UserError(
      `--split ${flags.split} is nothing to an ensemble: each image of ${data} is on the validation side of one of its networks; evaluate a fold, or give other --data`,
    );
  const fair = networks === 1 ? 'validation' : trained.testFraction ? 'test' : 'all';
  const split = flags.split ?? (isSame ? fair : 'all');
  const part = isSame ? partOf(split, stored, trained, networks) : '';
  return {
    data,
    ...(table && { table }),
    ...(stretch && { stretch }),
    split,
    task: stored.name === 'smooth-or-featured' ? { ...stored, threshold: flags.threshold ?? stored.threshold } : stored,
    valFraction: flags.valFraction ?? known.valFraction ?? 0.2,
    ...(known.testFraction && { testFraction: known.testFraction }),
    trainOnly: flags.trainOnly ?? known.trainOnly ?? null,
    ...(fold && networks === 1 && { fold }),
    skipBad: flags.skipBad ?? known.skipBad ?? false,
    ...(known.limit !== undefined && { limit: known.limit }),
    tta: flags.tta ?? trained.tta ?? 1,
    measuredOn: `${sideOf(split, stored, fold)} of ${data}${part}`,
  };
}

function sideOf(split: Split, { name }: TaskChoice, fold: Fold | undefined): string {
  if (split === 'all') return `all ${taskKind(name).words.known}`;
  return split === 'test' ? 'the test split' : sideName(split, fold);
}

/** The part that a split of a model's own data had in its training, in words; empty where it had none. */
function partOf(split: Split, stored: TaskChoice, trained: StoredOptions, networks: number): string {
  if (split === 'test') return '';
  if (split === 'train') return ', which the model was trained on';
  if (split === 'all')
    return networks === 1
      ? ', among them those that the model was trained on'
      : `, among them those that the ${networks} networks were trained on (the fair figure is in ${SUMMARY})`;
  const parts = partsOfValidation(trained, taskOf(stored)).map(({ did }) => did);
  return parts.length === 0 ? '' : `, which ${parts.join(' and ')}`;
}
