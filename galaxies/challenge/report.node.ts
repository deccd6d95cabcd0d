import { CHALLENGE_COLUMNS } from '../columns.ts';
import { join } from 'node:path';
import type { Device } from '../../engine/device/device.ts';
import type { Galaxy } from '../galaxy.ts';
import { writeFileAtomic } from '../../models/formats/atomic.node.ts';
import { jsonText } from '../../vision/json_text.ts';
import type { Extremes, FractionsCase, ShareCase } from '../report/data.ts';
import { toPicture } from '../../vision/report/encode.node.ts';
import { renderReport } from '../report/report.ts';
import { plainPicture } from '../../vision/answer/draw.ts';
import { explainForReport } from '../../vision/report/explain_for_report.node.ts';
import type { Examination } from '../../vision/answer/predictor.ts';
import { predictionsCsv, pairedColumns } from '../../vision/report/predictions.ts';
import type { ReportContext } from '../../vision/report/report_context.ts';
import { RUN_FILES } from '../../vision/train/train.node.ts';
import type { ChallengeJudgement } from './evaluate.ts';
import { fractionsData, rowOf, strongestAnswers, summariseVotes, tellingQuestions } from './report_data.ts';

/** Galaxies with the smallest and with the largest error. */
const BEST = 3;
const WORST = 6;

/** Writes metrics.json, predictions.csv and report.html into a folder. */
export async function writeChallengeReport(
  device: Device,
  examination: Examination<Galaxy>,
  judgement: ChallengeJudgement,
  folder: string,
  { run, training, sides, figures }: ReportContext,
): Promise<void> {
  const { dataset, examples: galaxies, network } = examination;
  const metrics = { ...judgement.figures, adapter: device.adapter.description, ...figures };
  await writeFileAtomic(join(folder, RUN_FILES.metrics), `${jsonText(metrics)}\n`);
  const columns = pairedColumns(
    CHALLENGE_COLUMNS,
    (i) => dataset.examples[galaxies[i]].votes!.all!,
    (i) => rowOf(judgement.predictions, i),
  );
  await writeFileAtomic(join(folder, RUN_FILES.predictions), predictionsCsv(examination, sides, columns));

  const fractions = fractionsData(dataset, galaxies, judgement.predictions, judgement.figures);
  const report = await renderReport({
    run,
    votes: summariseVotes(dataset, sides),
    training,
    fractions,
    shareMaps: { layer: network.lastConv, cases: await shareCases(device, examination, judgement.predictions) },
    extremes: await extremesOf(examination, judgement.predictions, fractions.own.values),
  });
  await writeFileAtomic(join(folder, RUN_FILES.report), report);
}

/** For each question the galaxy with the strongest answer, explained. */
async function shareCases(
  device: Device,
  examination: Examination<Galaxy>,
  predictions: Float64Array,
): Promise<ShareCase[]> {
  const { dataset, examples: galaxies } = examination;
  const chosen = strongestAnswers(predictions);
  const explained = await explainForReport(
    device,
    examination,
    chosen.map(({ row, column }) => ({ example: galaxies[row], explained: column })),
  );
  return chosen.map(({ row, column, question, answer, mean }, i) => ({
    ...explained[i],
    question: question.text,
    answer,
    voted: dataset.examples[galaxies[row]].votes!.all![column],
    predicted: rowOf(predictions, row)[column],
    mean,
  }));
}

/** The galaxies with the smallest and the largest errors; none is both. */
async function extremesOf(
  { dataset, examples: galaxies, views }: Examination<Galaxy>,
  predictions: Float64Array,
  errors: readonly number[],
): Promise<Extremes> {
  const order = errors.map((rmse, row) => ({ rmse, row })).sort((a, b) => a.rmse - b.rmse || a.row - b.row);
  const tell = async ({ rmse, row }: (typeof order)[number]): Promise<FractionsCase> => {
    const { id, votes } = dataset.examples[galaxies[row]];
    return {
      id,
      rmse,
      picture: await toPicture(await plainPicture(dataset, views.geometry, galaxies[row])),
      questions: tellingQuestions(votes!.all!, rowOf(predictions, row)),
    };
  };
  const best = order.slice(0, Math.min(BEST, Math.ceil(order.length / 3)));
  const worst = order.slice(Math.max(best.length, order.length - WORST)).reverse();
  return { best: await Promise.all(best.map(tell)), worst: await Promise.all(worst.map(tell)) };
}
