import { join } from 'node:path';
import type { Device } from '../../engine/device/device.ts';
import { writeFileAtomic } from '../../models/formats/atomic.node.ts';
import { predicted } from '../metrics.ts';
import type { GradCamCase, Mistake as ReportedMistake, ReportData } from '../report/data.ts';
import { toPicture } from '../report/encode.node.ts';
import { renderReport } from '../report/report.ts';
import { summariseData } from '../report/summary.node.ts';
import { drawMap, plainPicture } from './draw.ts';
import { judge, predictGalaxies, type Judgement } from './evaluate.ts';
import { METHODS, explainGalaxies } from './explain.ts';
import type { ClassifyOptions } from './options.ts';
import type { Progress } from './progress.ts';
import { RUN_FILES, type Trained } from './train.node.ts';

/** Cases a class and verdict (right or wrong) in the report's Grad-CAM section. */
const CASES = 3;

/** Judges a trained classifier on its validation galaxies and writes metrics.json and report.html into the run directory. */
export async function reportRun(device: Device, trained: Trained, options: ClassifyOptions, folder: string, name: string, progress: Progress): Promise<Judgement> {
  const { prepared, state, model, parameters, views } = trained;
  const { dataset, classes, validation } = prepared;
  const probabilities = await predictGalaxies(device, model.network, parameters, views, validation, options.tta, progress);
  const labels = validation.map((g) => prepared.classOf(g));
  const measuredOn = `the validation split, which took no part in training${options.tta > 1 ? `, each galaxy averaged over ${options.tta} symmetries of the square` : ''}`;
  const judgement = judge(dataset, validation, { probabilities, labels, classes: classes.length }, classes, measuredOn);
  const { evaluation, mistakes } = judgement;

  const seconds = state.history.reduce((sum, epoch) => sum + epoch.seconds, 0);
  const metrics = {
    ...evaluation, logLoss: judgement.logLoss, seconds, bestEpoch: state.best?.epoch ?? null, keep: options.keep, history: state.history,
    counts: { train: prepared.train.length, validation: validation.length }, adapter: device.adapter.description, parameters: parameters.trainableSize, options,
  };
  await writeFileAtomic(join(folder, RUN_FILES.metrics), `${JSON.stringify(metrics, null, 2)}\n`);

  const countBy = (side: readonly number[]) => classes.map((_, k) => side.filter((g) => prepared.classOf(g) === k).length);
  const { data } = await summariseData(dataset, {
    threshold: options.threshold,
    splits: [{ name: 'train', counts: countBy(prepared.train) }, { name: 'validation', counts: countBy(validation) }],
  });
  const report: ReportData = {
    run: { name, model: model.network.name, adapter: device.adapter.description, seconds, seed: options.seed },
    data,
    training: {
      epochs: state.history,
      ...(options.keep === 'best' && state.best && { bestEpoch: state.best.epoch }),
      configuration: Object.entries(options).map(([key, value]) => ({ name: key, value: typeof value === 'object' ? JSON.stringify(value) : value })),
    },
    evaluation,
    gradCam: { layer: model.network.lastConv, cases: await gradCamCases(device, trained, judgement) },
    mistakes: await Promise.all(mistakes.map(async ({ index, label, predicted: guess, confidence }): Promise<ReportedMistake> => ({
      id: dataset.galaxies[validation[index]].id, truth: classes[label], predicted: classes[guess], confidence,
      votes: dataset.galaxies[validation[index]].votes, picture: toPicture(await plainPicture(dataset, views.geometry, validation[index])),
    }))),
  };
  await writeFileAtomic(join(folder, RUN_FILES.report), await renderReport(report));
  return judgement;
}

/** The surest right and wrong answers of each class, explained. */
async function gradCamCases(device: Device, trained: Trained, { predictions }: Judgement): Promise<GradCamCase[]> {
  const { prepared, model, parameters, views } = trained;
  const { classes, validation, dataset } = prepared;
  const rows = validation.map((galaxy, row) => {
    const guess = predicted(predictions, row);
    return { galaxy, truth: predictions.labels[row], guess, confidence: predictions.probabilities[row * classes.length + guess] };
  }).sort((a, b) => b.confidence - a.confidence || a.galaxy - b.galaxy);
  const chosen = [true, false].flatMap((right) => classes.flatMap((_, k) => rows.filter((r) => r.truth === k && (r.guess === k) === right).slice(0, CASES)));
  const explanations = await explainGalaxies(device, model.network, parameters, views, chosen.map(({ galaxy, guess }) => ({ galaxy, explained: guess })), METHODS);
  return Promise.all(chosen.map(async ({ galaxy, truth, guess, confidence }, i): Promise<GradCamCase> => {
    const picture = await plainPicture(dataset, views.geometry, galaxy);
    return {
      id: dataset.galaxies[galaxy].id, truth: classes[truth], predicted: classes[guess], score: confidence, input: toPicture(picture),
      maps: explanations[i].maps.map((map) => ({ method: map.method, picture: toPicture(drawMap(picture, map)) })),
    };
  }));
}
