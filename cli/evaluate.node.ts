import { jsonText } from '../vision/json_text.ts';
import { basename, join, resolve } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { holdsColumns } from '../vision/data/archive_paths.ts';
import { sideName } from '../vision/data/folds.ts';
import type { Dataset } from '../vision/data/dataset.ts';
import type { Labelled } from '../vision/data/labelled.ts';
import { taskKind, taskOf, type TaskChoice } from '../galaxies/tasks.ts';
import type { Fold, SplitOptions, Task } from '../vision/train/task.ts';
import { lockRunFolder } from '../vision/train/run_folder.node.ts';
import { RUN_FILES } from '../vision/train/train.node.ts';
import { optionsOf } from '../vision/train/options_file.node.ts';
import { viewsFor } from '../vision/answer/stored_model.ts';
import { SUMMARY } from './crossval_folder.node.ts';
import { judgeModel } from './judge.node.ts';
import { loadEnsemble } from './ensemble.node.ts';
import { requireTask, type LoadedModel, type OnnxFlags } from './load_model.node.ts';
import { dataSpec, openData, tellData, type DataFlags, type DataSpec, type OpenData } from './open_data.node.ts';
import { defaultData, type GlobalOptions } from './options.ts';
import { provenance } from './provenance.node.ts';
import { terminalProgress } from './progress.node.ts';
import { openSession } from './session.node.ts';

export interface EvaluateFlags extends GlobalOptions, DataFlags, OnnxFlags {
  readonly split?: Split;
  readonly threshold?: number;
  readonly valFraction?: number;
  readonly trainOnly?: string;
  readonly tta?: number;
  readonly skipBad?: boolean;
  readonly out?: string;
}

type Split = 'validation' | 'train' | 'test' | 'all';

/** Judges a model on galaxies with votes: prints the figures and, with --out, writes metrics.json and report.html. */
export async function evaluate(path: string, flags: EvaluateFlags): Promise<void> {
  using device = await openSession(flags);
  using ensemble = await loadEnsemble(device, path, flags);
  const { model, networks } = ensemble;
  const stored = requireTask(model, path);
  const settings = settingsFor(model, path, networks, stored, flags);
  const task = taskOf(settings.task, model.classes);
  if (model.classes.join() !== task.outputs.join())
    throw new UserError(
      `${path}: its classes are ${model.classes.join(', ')}, and the task has ${task.outputs.join(', ')}`,
    );
  const progress = terminalProgress();
  const opened = await openData(settings, progress, settings);
  const { dataset } = opened;
  try {
    requireKind(opened, settings.task, path, model.classes);
    tellData(opened, settings, progress);
    const examples = examplesOf(opened, task, settings);
    const {
      built: { network },
      parameters,
    } = model;
    const views = viewsFor(model, dataset);
    const judged = await judgeModel(
      device,
      {
        network,
        parameters,
        predict: ensemble.predictWith(task, views),
        task,
        views,
        dataset,
        examples,
        tta: settings.tta,
        measuredOn: settings.measuredOn,
      },
      settings.task,
      progress,
    );
    if (flags.json)
      console.log(
        jsonText({
          data: dataset.name,
          split: settings.split,
          task: settings.task.name,
          threshold: thresholdOf(settings),
          tta: settings.tta,
          ...judged.figures,
        }),
      );
    else console.log(`Measured on ${judged.measuredOn}.\n${judged.text}`);
    if (flags.out === undefined) return;

    using _lock = lockRunFolder(flags.out);
    await judged.write(flags.out, {
      run: {
        name: `${basename(path)} on ${dataset.name}`,
        model: networks === 1 ? network.name : `${network.name}, mean of ${networks} networks (maps are of the first)`,
        adapter: device.adapter.description,
        ...provenance(),
      },
      sides: [{ name: settings.split, examples }],
      figures: { ...settings, model: path },
    });
    if (!flags.json) console.log(`\nReport: ${join(flags.out, RUN_FILES.report)}`);
  } finally {
    progress.end();
    await dataset.close();
  }
}

const thresholdOf = ({ task }: Settings): number | undefined =>
  task.name === 'smooth-or-featured' ? task.threshold : undefined;

/** The images of the split that is judged. @throws UserError where there are none */
function examplesOf(opened: OpenData, task: Task, settings: Settings): number[] {
  const { dataset } = opened;
  const { train, validation } = task.split(dataset, settings);
  const test = [
    ...(opened.kind === 'images' ? knownTest(opened.dataset, settings.task) : []),
    ...keptForTest(task, dataset, settings),
  ].sort((a, b) => a - b);
  const all = [...train, ...validation, ...test].sort((a, b) => a - b);
  const examples = { train, validation, test, all }[settings.split];
  const threshold = thresholdOf(settings);
  if (examples.length === 0)
    throw new UserError(
      `${dataset.name} has no image to judge on: none of the ${settings.split === 'all' ? 'images' : `${settings.split} split`} has ${taskKind(settings.task.name).words.label}${threshold === undefined ? '' : ` that reach the threshold ${threshold}`}`,
    );
  return examples;
}

/** The images of which enough is known that the data keep for a test. */
const knownTest = ({ examples }: Dataset<Labelled>, { name }: TaskChoice): number[] =>
  examples.flatMap(({ label, values, side }, i) =>
    side === 'test' && (taskKind(name).learnsValues ? values : label) !== null ? [i] : [],
  );

/** The images of which enough is known that a training kept apart: those that are on a side once none are kept. */
function keptForTest(task: Task, dataset: Dataset, { testFraction, valFraction, trainOnly }: Settings): number[] {
  if (!testFraction) return [];
  const all = (options: SplitOptions): number[] => Object.values(task.split(dataset, options)).flat();
  const part = new Set(all({ valFraction, trainOnly, testFraction }));
  return all({ valFraction, trainOnly }).filter((i) => !part.has(i));
}

/** Throws where a model cannot be judged on such data: it learnt from other ones, or does not know a class of these. */
function requireKind({ kind, dataset }: OpenData, task: TaskChoice, path: string, outputs: readonly string[]): void {
  const { data, words, requireKnown } = taskKind(task.name);
  if (kind !== data) throw new UserError(`${path} ${words.mismatch(dataset.name)}`);
  requireKnown(dataset, outputs, path);
}

interface Settings extends DataSpec {
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

/** How a table is read: with the columns that a model predicts, where nothing else is said. */
function withTargets({ data, table }: DataSpec, task: TaskChoice, outputs: readonly string[]): DataSpec['table'] {
  if (!taskKind(task.name).learnsValues) return table;
  if (table?.targets && table.targets.join() !== outputs.join())
    throw new UserError(
      `--target-columns ${table.targets.join(',')}: this model predicts ${outputs.join(',')}; leave it out, or name the same`,
    );
  return table || holdsColumns(data) ? { ...table, targets: outputs } : table;
}

/**
 * What the flags leave open: as in the model's training where the data is the same, and all galaxies where it is not.
 */
function settingsFor(
  { file, stretch, classes }: LoadedModel,
  path: string,
  networks: number,
  stored: TaskChoice,
  flags: EvaluateFlags,
): Settings {
  const trained = optionsOf(file!, path);
  if (stored.name !== 'smooth-or-featured' && flags.threshold !== undefined)
    throw new UserError(
      `--threshold makes labels of votes, and this model ${taskKind(stored.name).words.answers}; leave it out`,
    );
  const { data: trainedOn } = trained;
  const given = dataSpec(flags);
  const data = given?.data ?? trainedOn ?? defaultData();
  const table = given ? withTargets(given, stored, classes) : trained.table;
  const sameData = trainedOn !== undefined && resolve(data) === resolve(trainedOn);
  // A fold is made of all galaxies that take part, so it is the same only among the same.
  const fold = sameData ? trained.fold : undefined;
  if (fold && (flags.valFraction !== undefined || flags.trainOnly !== undefined))
    throw new UserError(
      `--val-fraction and --train-only say nothing here: ${data} was divided into ${fold.of} folds; leave them out, or give other --data`,
    );
  if (fold && networks > 1 && (flags.split === 'train' || flags.split === 'validation'))
    throw new UserError(
      `--split ${flags.split} is nothing to an ensemble: each image of ${data} is on the validation side of one of its networks; evaluate a fold, or give other --data`,
    );
  const fair = networks === 1 ? 'validation' : trained.testFraction ? 'test' : 'all';
  const split = flags.split ?? (sameData ? fair : 'all');
  return {
    data,
    ...(table && { table }),
    ...(stretch && { stretch }),
    split,
    task: stored.name === 'smooth-or-featured' ? { ...stored, threshold: flags.threshold ?? stored.threshold } : stored,
    valFraction: flags.valFraction ?? (sameData ? trained.valFraction : undefined) ?? 0.2,
    ...(sameData && trained.testFraction && { testFraction: trained.testFraction }),
    trainOnly: flags.trainOnly ?? (sameData ? trained.trainOnly : undefined) ?? null,
    ...(fold && networks === 1 && { fold }),
    skipBad: flags.skipBad ?? (fold !== undefined && trained.skipBad === true),
    ...(fold && { limit: trained.limit }),
    tta: flags.tta ?? trained.tta ?? 1,
    measuredOn: `${sideOf(split, stored, fold)} of ${data}${sameData ? partOf(split, stored, trained, networks) : ''}`,
  };
}

function sideOf(split: Split, { name }: TaskChoice, fold: Fold | undefined): string {
  if (split === 'all') return `all ${taskKind(name).words.known}`;
  return split === 'test' ? 'the test split' : sideName(split, fold);
}

/** The part that a split of a model's own data had in its training, in words; empty where it had none. */
function partOf(
  split: Split,
  stored: TaskChoice,
  { keep }: Pick<ReturnType<typeof optionsOf>, 'keep'>,
  networks: number,
): string {
  if (split === 'test') return '';
  if (split === 'train') return ', which the model was trained on';
  if (split === 'all')
    return networks === 1
      ? ', among them those that the model was trained on'
      : `, among them those that the ${networks} networks were trained on (the fair figure is in ${SUMMARY})`;
  const parts = [
    keep === 'best' && 'chose the epoch that was kept (--keep best)',
    taskOf(stored).learns && 'fitted how sure shares of the votes make an answer',
  ].filter(Boolean);
  return parts.length === 0 ? '' : `, which ${parts.join(' and ')}`;
}
