import { join } from 'node:path';
import type { Device } from '../../engine/device/device.ts';
import type { Galaxy } from '../galaxy.ts';
import { writeFileAtomic } from '../../models/formats/atomic.node.ts';
import { jsonText } from '../../vision/json_text.ts';
import { CLASSES } from '../labels.ts';
import { predicted } from '../../vision/judge/metrics.ts';
import type { GradCamCase, Mistake as ReportedMistake } from '../../vision/report/data.ts';
import type { ReportData } from '../report/data.ts';
import { toPicture } from '../../vision/report/encode.node.ts';
import { renderReport } from '../report/report.ts';
import { voteShares } from '../report/answer_colour.ts';
import { summariseData } from '../report/summary.node.ts';
import { plainPicture } from '../../vision/answer/draw.ts';
import { explainForReport } from '../../vision/report/explain_for_report.node.ts';
import type { Examination } from '../../vision/answer/predictor.ts';
import type { ReportContext } from '../../vision/report/report_context.ts';
import { RUN_FILES } from '../../vision/train/train.node.ts';
import { classAt, type Judgement } from './evaluate.ts';

/** Cases a class and verdict (right or wrong) in the report's Grad-CAM section. */
const CASES = 4;

/** Writes metrics.json and report.html into a folder. */
export async function writeReport(
  device: Device,
  examination: Examination<Galaxy>,
  { judgement, threshold }: { readonly judgement: Judgement; readonly threshold: number },
  folder: string,
  { run, training, sides, figures }: ReportContext,
): Promise<void> {
  const { dataset, examples: galaxies, views, network } = examination;
  const classOf = classAt(dataset, threshold);
  const { evaluation, mistakes, logLoss } = judgement;
  const metrics = { ...evaluation, logLoss, adapter: device.adapter.description, ...figures };
  await writeFileAtomic(join(folder, RUN_FILES.metrics), `${jsonText(metrics)}\n`);

  const splits = sides.map(({ name, examples: side }) => ({
    name,
    counts: CLASSES.map((_, k) => side.filter((g) => classOf(g) === k).length),
  }));
  const { data } = await summariseData(dataset, { threshold, splits });
  const report: ReportData = {
    run,
    data,
    training,
    evaluation,
    gradCam: { layer: network.lastConv, cases: await gradCamCases(device, examination, judgement) },
    mistakes: await Promise.all(
      mistakes.map(async ({ index, label, predicted: guess, confidence }): Promise<ReportedMistake> => {
        const galaxy = galaxies[index];
        const { id, votes } = dataset.examples[galaxy];
        return {
          id,
          truth: CLASSES[label],
          predicted: CLASSES[guess],
          confidence,
          ...(votes && { shares: voteShares(votes) }),
          picture: toPicture(await plainPicture(dataset, views.geometry, galaxy)),
        };
      }),
    ),
  };
  await writeFileAtomic(join(folder, RUN_FILES.report), await renderReport(report));
}

/** The surest right and wrong answers of each class, explained. */
async function gradCamCases(
  device: Device,
  examination: Examination<Galaxy>,
  { predictions }: Judgement,
): Promise<GradCamCase[]> {
  const { examples: galaxies } = examination;
  const rows = galaxies
    .map((galaxy, row) => {
      const guess = predicted(predictions, row);
      return {
        galaxy,
        truth: predictions.labels[row],
        guess,
        confidence: predictions.probabilities[row * CLASSES.length + guess],
      };
    })
    .sort((a, b) => b.confidence - a.confidence || a.galaxy - b.galaxy);
  const chosen = [true, false].flatMap((right) =>
    CLASSES.flatMap((_, k) => rows.filter((r) => r.truth === k && (r.guess === k) === right).slice(0, CASES)),
  );
  const explained = await explainForReport(
    device,
    examination,
    chosen.map(({ galaxy, guess }) => ({ example: galaxy, explained: guess })),
  );
  return chosen.map(({ truth, guess, confidence }, i) => ({
    ...explained[i],
    truth: CLASSES[truth],
    predicted: CLASSES[guess],
    score: confidence,
  }));
}
