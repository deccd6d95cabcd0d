import { join } from 'node:path';
import type { Device } from '../../engine/device/device.ts';
import type { Galaxy } from '../galaxy.ts';
import { writeFileAtomic } from '../../models/formats/atomic.node.ts';
import { jsonText } from '../../vision/json_text.ts';
import { CLASSES } from '../labels.ts';
import type { ReportData } from '../report/data.ts';
import { renderReport } from '../report/report.ts';
import { voteShares } from '../report/answer_colour.ts';
import { summariseData } from '../report/summary.node.ts';
import { classColumns } from '../../vision/classes/evaluate.ts';
import { gradCamCases, mistakenCases } from '../../vision/classes/cases.node.ts';
import type { Examination } from '../../vision/answer/predictor.ts';
import { predictionsCsv } from '../../vision/report/predictions.ts';
import type { ReportContext } from '../../vision/report/report_context.ts';
import { RUN_FILES } from '../../vision/train/train.node.ts';
import { classAt, type Judgement } from './evaluate.ts';
import type { LabelOptions } from './task.ts';

/** Writes metrics.json, predictions.csv and report.html into a folder. */
export async function writeReport(
  device: Device,
  examination: Examination<Galaxy>,
  { judgement, threshold, learn }: { readonly judgement: Judgement } & Pick<LabelOptions, 'threshold' | 'learn'>,
  folder: string,
  { run, training, sides, figures }: ReportContext,
): Promise<void> {
  const { dataset, examples: galaxies, network } = examination;
  const classOf = classAt(dataset, threshold);
  const { evaluation, mistakes, logLoss } = judgement;
  const metrics = { ...evaluation, logLoss, adapter: device.adapter.description, ...figures };
  await writeFileAtomic(join(folder, RUN_FILES.metrics), `${jsonText(metrics)}\n`);
  const columns = classColumns(judgement);
  await writeFileAtomic(join(folder, RUN_FILES.predictions), predictionsCsv(examination, sides, columns));

  const splits = sides.map(({ name, examples: side }) => ({
    name,
    counts: CLASSES.map((_, k) => side.filter((g) => classOf(g) === k).length),
  }));
  const { data } = await summariseData(dataset, { threshold, splits });
  const unclear = sides.flatMap(({ examples }) => examples.filter((g) => classOf(g) < 0)).length;
  const report: ReportData = {
    run,
    data: learn === 'votes' ? { ...data, learntVotes: { unclear } } : data,
    training,
    evaluation,
    gradCam: { layer: network.lastConv, cases: await gradCamCases(device, examination, judgement) },
    mistakes: (await mistakenCases(examination, judgement)).map((mistake, i) => {
      const { votes } = dataset.examples[galaxies[mistakes[i].index]];
      return { ...mistake, ...(votes && { shares: voteShares(votes) }) };
    }),
  };
  await writeFileAtomic(join(folder, RUN_FILES.report), await renderReport(report));
}
