import { join } from 'node:path';
import type { Device } from '../../engine/device/device.ts';
import { writeFileAtomic } from '../../models/formats/atomic.node.ts';
import type { Examination } from '../answer/predictor.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Labelled } from '../data/labelled.ts';
import type { RgbImage } from '../data/rgb_image.ts';
import { jsonText } from '../json_text.ts';
import { contactSheets } from '../report/contact_sheets.node.ts';
import type { ClassSummary } from '../report/data.ts';
import { toSheets } from '../report/encode.node.ts';
import { runPage } from '../report/report.ts';
import { predictionsCsv } from '../report/predictions.ts';
import type { ReportContext } from '../report/report_context.ts';
import { classesSection } from '../report/section_classes.ts';
import { evaluationSection, headline } from '../report/section_evaluation.ts';
import { gradCamSection, mistakesSection } from '../report/section_pictures.ts';
import { trainingSection } from '../report/section_training.ts';
import { RUN_FILES } from '../train/train.node.ts';
import { gradCamCases, mistakenCases } from './cases.node.ts';
import { classColumns, type ClassJudgement } from './evaluate.ts';

/** Classes that have a contact sheet: the first of them. */
const SHEETS = 12;

export interface ClassStats {
  readonly summary: ClassSummary;
  /** The contact sheets as images, for those who want them as files. */
  readonly sheets: ReadonlyMap<string, RgbImage>;
}

/** What a dataset of classes holds: counts of each class by side, and examples. */
export async function summariseClasses(
  dataset: Dataset<Labelled>,
  classes: readonly string[],
  sides: readonly { readonly name: string; readonly examples: readonly number[] }[],
): Promise<ClassStats> {
  const notes = [...dataset.notes];
  const labelOf = (example: number) => dataset.examples[example].label;
  const most = classes.length > 4 ? 8 : 24;
  const sheets =
    classes.length > 0
      ? await contactSheets(dataset, classes.slice(0, SHEETS), labelOf, most, notes)
      : await contactSheets(dataset, ['no label'], () => 'no label', most, notes);
  const place = new Map(classes.map((name, k) => [name, k]));
  const counts = (examples: readonly number[]) => {
    const found = classes.map(() => 0);
    for (const example of examples) found[place.get(labelOf(example) ?? '') ?? -1]++;
    return found;
  };
  return {
    sheets: new Map([...sheets].map(([name, { image }]) => [name, image])),
    summary: {
      dataset: dataset.name,
      classes,
      splits: sides.map(({ name, examples }) => ({ name, counts: counts(examples) })),
      unlabelled: dataset.examples.filter(({ label }) => label === null).length,
      notes,
      sheets: await toSheets(sheets),
    },
  };
}

/** Writes metrics.json, predictions.csv and report.html into a folder. */
export async function writeClassReport(
  device: Device,
  examination: Examination<Labelled>,
  judgement: ClassJudgement,
  folder: string,
  { run, training, sides, figures }: ReportContext,
): Promise<void> {
  const { dataset, network } = examination;
  const { evaluation, logLoss } = judgement;
  const metrics = { ...evaluation, logLoss, adapter: device.adapter.description, ...figures };
  await writeFileAtomic(join(folder, RUN_FILES.metrics), `${jsonText(metrics)}\n`);
  const columns = classColumns(judgement);
  await writeFileAtomic(join(folder, RUN_FILES.predictions), predictionsCsv(examination, sides, columns));
  const { summary } = await summariseClasses(dataset, evaluation.classes, sides);
  const cases = await gradCamCases(device, examination, judgement);
  const mistakes = await mistakenCases(examination, judgement);
  const page = runPage(run, headline(evaluation), [
    classesSection(summary),
    ...(training ? [await trainingSection(training)] : []),
    await evaluationSection(evaluation),
    ...(cases.length > 0 ? [gradCamSection({ layer: network.lastConv, cases })] : []),
    ...(mistakes.length > 0 ? [mistakesSection(mistakes)] : []),
  ]);
  await writeFileAtomic(join(folder, RUN_FILES.report), page);
}
