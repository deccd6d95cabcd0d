import { basename, join, resolve } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { examine, type Examination } from '../galaxies/classify/evaluate.ts';
import { labelAndSplit } from '../galaxies/classify/prepare.ts';
import { countClasses, writeReport } from '../galaxies/classify/report.node.ts';
import { RUN_FILES } from '../galaxies/classify/train.node.ts';
import { CLASSES, DEFAULT_THRESHOLD } from '../galaxies/labels.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';
import type { Json } from '../models/formats/model_file.ts';
import { loadModel, requireClasses, viewsFor, type LoadedModel } from './load_model.node.ts';
import { openGalaxies } from './open_galaxies.node.ts';
import { defaultData, type GlobalOptions } from './options.ts';
import { terminalProgress } from './progress.node.ts';
import { openSession } from './session.node.ts';
import { showJudgement } from './show_judgement.ts';

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

/** Judges a model on labelled galaxies: prints the figures and, with --out, writes metrics.json and report.html. */
export async function evaluate(path: string, flags: EvaluateFlags): Promise<void> {
  using device = await openSession(flags);
  using model = await loadModel(device, path);
  requireClasses(model, path);
  if (model.classes.join() !== CLASSES.join()) throw new UserError(`${path}: its classes are ${model.classes.join(', ')}, and galaxies are labelled ${CLASSES.join(', ')}`);
  const settings = settingsFor(model, flags);
  const progress = terminalProgress();
  const dataset = await openGalaxies(settings.data, flags.skipBad ?? false, progress);
  try {
    for (const note of dataset.notes) progress.line(note);
    const { labels, train, validation } = labelAndSplit(dataset, settings);
    const galaxies = { train, validation, all: [...train, ...validation].sort((a, b) => a - b) }[settings.split];
    if (galaxies.length === 0) throw new UserError(`${dataset.name} has no galaxy to judge on: none of the ${settings.split === 'all' ? 'galaxies' : `${settings.split} split`} has votes that reach the threshold ${settings.threshold}`);
    const classOf = (galaxy: number) => CLASSES.indexOf(labels[galaxy]!);
    const examination: Examination = {
      network: model.built.network, parameters: model.parameters, views: viewsFor(model, dataset), dataset,
      classes: model.classes, galaxies, classOf, tta: settings.tta, measuredOn: settings.measuredOn,
    };
    const judgement = await examine(device, examination, progress);
    if (flags.json) console.log(JSON.stringify({ data: dataset.name, split: settings.split, threshold: settings.threshold, tta: settings.tta, ...judgement.evaluation, logLoss: judgement.logLoss }, null, 2));
    else console.log(`Measured on ${judgement.evaluation.measuredOn}.\n${showJudgement(judgement)}`);
    if (flags.out === undefined) return;

    makeFolder(flags.out);
    await writeReport(device, examination, judgement, flags.out, {
      run: { name: `${basename(path)} on ${dataset.name}`, model: model.built.network.name, adapter: device.adapter.description },
      threshold: settings.threshold,
      splits: [{ name: settings.split, counts: countClasses(model.classes, galaxies, classOf) }],
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
  readonly threshold: number;
  readonly valFraction: number;
  readonly trainOnly: string | null;
  readonly tta: number;
  readonly measuredOn: string;
}

/** What the flags leave open: as in the model's training where the data is the same, and all galaxies where it is not. */
function settingsFor({ file }: LoadedModel, flags: EvaluateFlags): Settings {
  const trained = file!.config;
  const number = (value: Json | undefined) => (typeof value === 'number' ? value : undefined);
  const text = (value: Json | undefined) => (typeof value === 'string' ? value : undefined);
  const trainedOn = text(trained.data);
  const data = flags.data ?? trainedOn ?? defaultData();
  const sameData = trainedOn !== undefined && resolve(data) === resolve(trainedOn);
  const split = flags.split ?? (sameData ? 'validation' : 'all');
  const galaxies = split === 'all' ? 'all labelled galaxies' : `the ${split} split`;
  return {
    data,
    split,
    threshold: flags.threshold ?? number(trained.threshold) ?? DEFAULT_THRESHOLD,
    valFraction: flags.valFraction ?? (sameData ? number(trained.valFraction) : undefined) ?? 0.2,
    trainOnly: flags.trainOnly ?? (sameData ? text(trained.trainOnly) : undefined) ?? null,
    tta: flags.tta ?? number(trained.tta) ?? 1,
    measuredOn: `${galaxies} of ${data}${sameData && split !== 'validation' ? ', which the model was trained on' : ''}`,
  };
}
