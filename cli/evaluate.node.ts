import { jsonText } from '../vision/json_text.ts';
import { basename, join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import type { Dataset } from '../vision/data/dataset.ts';
import type { Labelled } from '../vision/data/labelled.ts';
import { taskKind, taskOf, type TaskChoice } from '../galaxies/tasks.ts';
import type { SplitOptions, Task } from '../vision/train/task.ts';
import { lockRunFolder } from '../vision/train/run_folder.node.ts';
import { RUN_FILES } from '../vision/train/train.node.ts';
import { viewsFor } from '../vision/answer/stored_model.ts';
import type { Judged } from '../vision/judge/judged.ts';
import { settingsFor, type EvaluateFlags, type Settings } from './evaluate_settings.ts';
import { judgeModel } from './judge.node.ts';
import { requireNoTraining } from './kept_results.node.ts';
import { loadEnsemble } from './ensemble.node.ts';
import { requireTask } from './load_model.node.ts';
import { openData, tellData, type OpenData } from './open_data.node.ts';
import { provenance } from './provenance.node.ts';
import { terminalProgress } from './progress.node.ts';
import { openSession } from './session.node.ts';
import { requireTrainOnly } from './train_only.ts';

/** Judges a model on images that are known: prints the figures and, with --out, writes metrics.json and report.html. */
export async function evaluate(path: string, flags: EvaluateFlags): Promise<void> {
  if (flags.out !== undefined) requireNoTraining(flags.out);
  using device = await openSession(flags);
  using ensemble = await loadEnsemble(device, path, flags);
  const { model, networks } = ensemble;
  const stored = requireTask(model, path);
  const settings = settingsFor({ path, model, networks, stored }, flags);
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
    requireTrainOnly(dataset, flags.trainOnly);
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
        predict: ensemble.predictFor(task, views),
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
    tell(judged, dataset, settings, flags.json ?? false);
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

function tell(judged: Judged, { name }: Dataset, settings: Settings, json: boolean): void {
  const { split, task, tta } = settings;
  const asked = { data: name, split, task: task.name, threshold: thresholdOf(settings), tta };
  if (json) console.log(jsonText({ ...asked, ...judged.figures }));
  else console.log(`Measured on ${judged.measuredOn}.\n${judged.text}`);
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
  examples.flatMap((example, i) => (example.side === 'test' && taskKind(name).isKnown(example) ? [i] : []));

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
  requireKnown(task, dataset, { outputs, path });
}
