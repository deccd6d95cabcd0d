import { basename, join, resolve } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { taskOf, type TaskOptions } from '../galaxies/tasks.ts';
import { RUN_FILES } from '../galaxies/train/train.node.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';
import type { Json } from '../models/formats/model_file.ts';
import { judgeModel } from './judge.node.ts';
import { loadModel, requireTask, viewsFor, type LoadedModel } from './load_model.node.ts';
import { openGalaxies } from './open_galaxies.node.ts';
import { defaultData, type GlobalOptions } from './options.ts';
import { terminalProgress } from './progress.node.ts';
import { openSession } from './session.node.ts';

export interface EvaluateFlags extends GlobalOptions {
  readonly data?: string;
  readonly split?: Split;
  readonly threshold?: number;
  readonly valFraction?: number;
  readonly trainOnly?: string;
  readonly tta?: number;
  readonly skipBad?: boolean;
  readonly out?: string;
}

type Split = 'validation' | 'train' | 'all';

/** Judges a model on galaxies with votes: prints the figures and, with --out, writes metrics.json and report.html. */
export async function evaluate(path: string, flags: EvaluateFlags): Promise<void> {
  using device = await openSession(flags);
  using model = await loadModel(device, path);
  const stored = requireTask(model, path);
  const settings = settingsFor(model, stored, flags);
  const task = taskOf(settings.task);
  if (model.classes.join() !== task.outputs.join()) throw new UserError(`${path}: its classes are ${model.classes.join(', ')}, and galaxies are labelled ${task.outputs.join(', ')}`);
  const progress = terminalProgress();
  const dataset = await openGalaxies(settings.data, flags.skipBad ?? false, progress);
  try {
    for (const note of dataset.notes) progress.line(note);
    const { train, validation } = task.split(dataset, settings);
    const galaxies = { train, validation, all: [...train, ...validation].sort((a, b) => a - b) }[settings.split];
    const threshold = settings.task.name === 'challenge' ? undefined : settings.task.threshold;
    if (galaxies.length === 0) throw new UserError(`${dataset.name} has no galaxy to judge on: none of the ${settings.split === 'all' ? 'galaxies' : `${settings.split} split`} has votes${threshold === undefined ? '' : ` that reach the threshold ${threshold}`}`);
    const { built: { network }, parameters } = model;
    const judged = await judgeModel(device, { network, parameters, task, views: viewsFor(model, dataset), dataset, galaxies, tta: settings.tta, measuredOn: settings.measuredOn }, settings.task, progress);
    if (flags.json) console.log(JSON.stringify({ data: dataset.name, split: settings.split, task: settings.task.name, threshold, tta: settings.tta, ...judged.figures }, null, 2));
    else console.log(`Measured on ${judged.measuredOn}.\n${judged.text}`);
    if (flags.out === undefined) return;

    makeFolder(flags.out);
    await judged.write(flags.out, {
      run: { name: `${basename(path)} on ${dataset.name}`, model: network.name, adapter: device.adapter.description },
      sides: [{ name: settings.split, galaxies }],
      figures: { ...settings, model: path },
    });
    if (!flags.json) console.log(`\nReport: ${join(flags.out, RUN_FILES.report)}`);
  } finally {
    progress.end();
    await dataset.close();
  }
}

interface Settings {
  readonly data: string;
  readonly split: Split;
  readonly task: TaskOptions;
  readonly valFraction: number;
  readonly trainOnly: string | null;
  readonly tta: number;
  readonly measuredOn: string;
}

/** What the flags leave open: as in the model's training where the data is the same, and all galaxies where it is not. */
function settingsFor({ file }: LoadedModel, stored: TaskOptions, flags: EvaluateFlags): Settings {
  if (stored.name === 'challenge' && flags.threshold !== undefined) throw new UserError('--threshold makes labels of votes, and this model predicts the votes themselves; leave it out');
  const trained = file!.config;
  const number = (value: Json | undefined) => (typeof value === 'number' ? value : undefined);
  const text = (value: Json | undefined) => (typeof value === 'string' ? value : undefined);
  const trainedOn = text(trained.data);
  const data = flags.data ?? trainedOn ?? defaultData();
  const sameData = trainedOn !== undefined && resolve(data) === resolve(trainedOn);
  const split = flags.split ?? (sameData ? 'validation' : 'all');
  const galaxies = split === 'all' ? `all ${stored.name === 'challenge' ? 'galaxies with votes' : 'labelled galaxies'}` : `the ${split} split`;
  return {
    data,
    split,
    task: stored.name === 'challenge' ? stored : { ...stored, threshold: flags.threshold ?? stored.threshold },
    valFraction: flags.valFraction ?? (sameData ? number(trained.valFraction) : undefined) ?? 0.2,
    trainOnly: flags.trainOnly ?? (sameData ? text(trained.trainOnly) : undefined) ?? null,
    tta: flags.tta ?? number(trained.tta) ?? 1,
    measuredOn: `${galaxies} of ${data}${sameData && split !== 'validation' ? ', which the model was trained on' : ''}`,
  };
}
