import { join } from 'node:path';
import type { Device } from '../../engine/device/device.ts';
import { writeFileAtomic } from '../../models/formats/atomic.node.ts';
import { predicted } from '../metrics.ts';
import type { GradCamCase, Mistake as ReportedMistake, ReportData, SplitCounts } from '../report/data.ts';
import { toPicture } from '../report/encode.node.ts';
import { renderReport } from '../report/report.ts';
import { summariseData } from '../report/summary.node.ts';
import { drawMap, plainPicture } from './draw.ts';
import { examine, type Examination, type Judgement } from './evaluate.ts';
import { METHODS, explainGalaxies } from './explain.ts';
import type { ClassifyOptions } from './options.ts';
import type { Progress } from './progress.ts';
import { RUN_FILES, type Trained } from './train.node.ts';

/** Cases a class and verdict (right or wrong) in the report's Grad-CAM section. */
const CASES = 4;

/** What a report says beside the judgement. */
export interface ReportContext {
  readonly run: ReportData['run'];
  readonly training?: ReportData['training'];
  readonly threshold: number;
  readonly splits: readonly SplitCounts[];
  /** What metrics.json holds further. */
  readonly figures: object;
}

/** Judges a trained classifier on its validation galaxies and writes metrics.json and report.html into the run directory. */
export async function reportRun(device: Device, trained: Trained, options: ClassifyOptions, folder: string, name: string, progress: Progress): Promise<Judgement> {
  const { prepared, state, model, parameters, views } = trained;
  const { dataset, classes, train, validation, classOf } = prepared;
  const measuredOn = 'the validation split, which took no part in training';
  const examination: Examination = { network: model.network, parameters, views, dataset, classes, galaxies: validation, classOf, tta: options.tta, measuredOn };
  const judgement = await examine(device, examination, progress);

  const seconds = state.history.reduce((sum, epoch) => sum + epoch.seconds, 0);
  await writeReport(device, examination, judgement, folder, {
    run: { name, model: model.network.name, adapter: device.adapter.description, seconds, seed: options.seed },
    training: {
      epochs: state.history,
      ...(options.keep === 'best' && state.best && { bestEpoch: state.best.epoch }),
      configuration: Object.entries(options).map(([key, value]) => ({ name: key, value: typeof value === 'object' ? JSON.stringify(value) : value })),
    },
    threshold: options.threshold,
    splits: [{ name: 'train', counts: countClasses(classes, train, classOf) }, { name: 'validation', counts: countClasses(classes, validation, classOf) }],
    figures: {
      seconds, bestEpoch: state.best?.epoch ?? null, keep: options.keep, history: state.history,
      counts: { train: train.length, validation: validation.length }, parameters: parameters.trainableSize, options,
    },
  });
  return judgement;
}

/** How many of these galaxies are of each class. */
export const countClasses = (classes: readonly string[], galaxies: readonly number[], classOf: (galaxy: number) => number): number[] =>
  classes.map((_, k) => galaxies.filter((g) => classOf(g) === k).length);

/** Writes metrics.json and report.html into a folder. */
export async function writeReport(device: Device, examination: Examination, judgement: Judgement, folder: string, { run, training, threshold, splits, figures }: ReportContext): Promise<void> {
  const { dataset, classes, galaxies, views, network } = examination;
  const { evaluation, mistakes, logLoss } = judgement;
  const metrics = { ...evaluation, logLoss, adapter: device.adapter.description, ...figures };
  await writeFileAtomic(join(folder, RUN_FILES.metrics), `${JSON.stringify(metrics, null, 2)}\n`);

  const { data } = await summariseData(dataset, { threshold, splits });
  const report: ReportData = {
    run,
    data,
    training,
    evaluation,
    gradCam: { layer: network.lastConv, cases: await gradCamCases(device, examination, judgement) },
    mistakes: await Promise.all(mistakes.map(async ({ index, label, predicted: guess, confidence }): Promise<ReportedMistake> => {
      const galaxy = galaxies[index];
      const { id, votes } = dataset.galaxies[galaxy];
      return { id, truth: classes[label], predicted: classes[guess], confidence, votes, picture: toPicture(await plainPicture(dataset, views.geometry, galaxy)) };
    })),
  };
  await writeFileAtomic(join(folder, RUN_FILES.report), await renderReport(report));
}

/** The surest right and wrong answers of each class, explained. */
async function gradCamCases(device: Device, { network, parameters, views, classes, galaxies, dataset }: Examination, { predictions }: Judgement): Promise<GradCamCase[]> {
  const rows = galaxies.map((galaxy, row) => {
    const guess = predicted(predictions, row);
    return { galaxy, truth: predictions.labels[row], guess, confidence: predictions.probabilities[row * classes.length + guess] };
  }).sort((a, b) => b.confidence - a.confidence || a.galaxy - b.galaxy);
  const chosen = [true, false].flatMap((right) => classes.flatMap((_, k) => rows.filter((r) => r.truth === k && (r.guess === k) === right).slice(0, CASES)));
  const explanations = await explainGalaxies(device, network, parameters, views, chosen.map(({ galaxy, guess }) => ({ galaxy, explained: guess })), METHODS);
  return Promise.all(chosen.map(async ({ galaxy, truth, guess, confidence }, i): Promise<GradCamCase> => {
    const picture = await plainPicture(dataset, views.geometry, galaxy);
    return {
      id: dataset.galaxies[galaxy].id, truth: classes[truth], predicted: classes[guess], score: confidence, input: toPicture(picture),
      maps: explanations[i].maps.map((map) => ({ method: map.method, picture: toPicture(drawMap(picture, map)) })),
    };
  }));
}
