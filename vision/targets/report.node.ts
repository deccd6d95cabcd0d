import { join } from 'node:path';
import type { Device } from '../../engine/device/device.ts';
import { writeFileAtomic } from '../../models/formats/atomic.node.ts';
import { plainPicture } from '../answer/draw.ts';
import type { Examination } from '../answer/predictor.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Labelled } from '../data/labelled.ts';
import { hashId } from '../data/split.ts';
import { jsonText } from '../json_text.ts';
import { contactSheets } from '../report/contact_sheets.node.ts';
import { toPicture, toSheets } from '../report/encode.node.ts';
import { explainForReport } from '../report/explain_for_report.node.ts';
import { runPage } from '../report/report.ts';
import { predictionsCsv, pairedColumns } from '../report/predictions.ts';
import type { ReportContext } from '../report/report_context.ts';
import { trainingSection } from '../report/section_training.ts';
import { RUN_FILES } from '../train/train.node.ts';
import type { TargetJudgement } from './evaluate.ts';
import {
  errorsSection,
  numberMapsSection,
  numbersSection,
  targetsHeadline,
  targetsSection,
  type NumberCase,
  type TargetSummary,
} from './sections.ts';
import type { TargetOptions } from './task.ts';

/** Images drawn as dots, explained, and shown for their errors. */
const DOTS = 1000;
const EXPLAINED = 12;
const ERRORS = 12;
/** Columns of which the images at either end are shown, and the share of images that is an end. */
const SHEETS = 3;
const END = 0.1;

type Sides = readonly { readonly name: string; readonly examples: readonly number[] }[];

/** What a dataset of targets holds: how the numbers lie, and the images at either end. */
export async function summariseTargets(
  dataset: Dataset<Labelled>,
  columns: readonly string[],
  sides: Sides,
): Promise<TargetSummary> {
  const notes = [...dataset.notes];
  const all = sides.flatMap(({ examples }) => examples);
  const numberOf = (example: number, k: number): number => dataset.examples[example].values![k];
  const sheets: TargetSummary['sheets'][number][] = [];
  for (const [k, name] of columns.slice(0, SHEETS).entries()) {
    const order = [...all].sort((a, b) => numberOf(a, k) - numberOf(b, k));
    const some = Math.max(1, Math.floor(END * order.length));
    const ends = new Map([
      ...order.slice(0, some).map((example) => [example, `${name}: least`] as const),
      ...order.slice(-some).map((example) => [example, `${name}: most`] as const),
    ]);
    const titles = [`${name}: least`, `${name}: most`];
    const found = await contactSheets(dataset, titles, (example) => ends.get(example) ?? null, 16, notes);
    sheets.push(...(await toSheets(found)));
  }
  return {
    dataset: dataset.name,
    splits: sides.map(({ name, examples }) => ({ name, images: examples.length })),
    leftOut: dataset.examples.filter(({ values }) => values === null).length,
    notes,
    columns: columns.map((name, k) => ({ name, values: all.map((example) => numberOf(example, k)) })),
    sheets,
  };
}

/** Writes metrics.json, predictions.csv and report.html into a folder. */
export async function writeTargetReport(
  device: Device,
  examination: Examination<Labelled>,
  { task, judgement }: { readonly task: TargetOptions; readonly judgement: TargetJudgement },
  folder: string,
  { run, training, sides, figures }: ReportContext,
): Promise<void> {
  const { dataset, network } = examination;
  const metrics = { ...judgement.figures, adapter: device.adapter.description, ...figures };
  await writeFileAtomic(join(folder, RUN_FILES.metrics), `${jsonText(metrics)}\n`);
  const columns = pairedColumns(
    task.columns,
    (i) => judgement.truth[i],
    (i) => judgement.predicted[i],
  );
  await writeFileAtomic(join(folder, RUN_FILES.predictions), predictionsCsv(examination, sides, columns));
  const summary = await summariseTargets(dataset, task.columns, sides);
  const page = runPage(run, targetsHeadline(judgement.figures), [
    await targetsSection(summary),
    ...(training ? [await trainingSection(training)] : []),
    await numbersSection(judgement.figures, pointsOf(examination, task, judgement)),
    numberMapsSection(network.lastConv, await explainedCases(device, examination, task, judgement)),
    errorsSection(await largestErrors(examination, task, judgement)),
  ]);
  await writeFileAtomic(join(folder, RUN_FILES.report), page);
}

/** The dots of each column: of many images the first in the order of a hash of their ids. */
function pointsOf(
  { dataset, examples }: Examination<Labelled>,
  { columns }: TargetOptions,
  { predicted, truth }: TargetJudgement,
): Parameters<typeof numbersSection>[1] {
  const rows = examples
    .map((example, row) => ({ row, hash: hashId(dataset.examples[example].id) }))
    .sort((a, b) => a.hash - b.hash)
    .slice(0, DOTS)
    .map(({ row }) => row);
  return columns.map((name, k) => ({
    name,
    points: rows.map((row) => ({ truth: truth[row][k], predicted: predicted[row][k] })),
    residuals: predicted.map((row, i) => row[k] - truth[i][k]),
  }));
}

/** A row and a column of the answers. */
interface Cell {
  readonly row: number;
  readonly column: number;
}

const caseOf = (
  { dataset, examples }: Examination,
  { columns }: TargetOptions,
  { predicted, truth }: TargetJudgement,
  { row, column }: Cell,
): NumberCase => ({
  id: dataset.examples[examples[row]].id,
  target: columns[column],
  predicted: predicted[row][column],
  truth: truth[row][column],
});

/** Of each target the images of which the most and the least of it is predicted, explained. */
async function explainedCases(
  device: Device,
  examination: Examination<Labelled>,
  task: TargetOptions,
  judgement: TargetJudgement,
): Promise<Parameters<typeof numberMapsSection>[1]> {
  const each = Math.max(1, Math.floor(EXPLAINED / 2 / task.columns.length));
  const cells = task.columns.slice(0, EXPLAINED / 2).flatMap((_, column) => {
    const order = judgement.predicted
      .map((values, row) => ({ row, column, value: values[column] }))
      .sort((a, b) => b.value - a.value || a.row - b.row);
    const most = order.slice(0, Math.min(each, Math.ceil(order.length / 2)));
    return [...most, ...order.slice(Math.max(most.length, order.length - each))];
  });
  const explained = await explainForReport(
    device,
    examination,
    cells.map(({ row, column }) => ({ example: examination.examples[row], explained: column })),
  );
  return cells.map((cell, i) => ({ ...explained[i], ...caseOf(examination, task, judgement, cell) }));
}

/** The images whose worst target is furthest from the truth, with their pictures. */
function largestErrors(
  examination: Examination<Labelled>,
  task: TargetOptions,
  judgement: TargetJudgement,
): Promise<Parameters<typeof errorsSection>[0]> {
  const { predicted, truth } = judgement;
  const worst = predicted
    .map((values, row) => {
      const errors = values.map((value, k) => Math.abs(value - truth[row][k]) / task.deviation[k]);
      const error = Math.max(...errors);
      return { row, column: errors.indexOf(error), error };
    })
    .sort((a, b) => b.error - a.error || a.row - b.row)
    .slice(0, ERRORS);
  return Promise.all(
    worst.map(async (cell) => ({
      ...caseOf(examination, task, judgement, cell),
      picture: await toPicture(
        await plainPicture(examination.dataset, examination.views.geometry, examination.examples[cell.row]),
      ),
    })),
  );
}
