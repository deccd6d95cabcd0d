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
import { votesOn, type VoteJudgement } from './evaluate.ts';
import { columnsOf, placesOf, type Schema } from './schema.ts';
import {
  fractionErrorsSection,
  fractionMapsSection,
  fractionSection,
  votedSection,
  votesHeadline,
  type FractionCase,
  type VoteSummary,
} from './sections.ts';
import { isVoted } from './task.ts';

/** Images drawn as dots, questions explained, and answers shown for their errors. */
const DOTS = 300;
const EXPLAINED = 12;
const ERRORS = 12;

/** What a dataset of votes holds: how people answered, and images of the answers to the first question. */
export async function summariseVotes(
  dataset: Dataset<Labelled>,
  schema: Schema,
  sides: readonly { readonly name: string; readonly examples: readonly number[] }[],
): Promise<VoteSummary> {
  const notes = [...dataset.notes];
  const all = sides.flatMap(({ examples }) => examples);
  const places = placesOf(schema);
  const rows = all.map((example) => dataset.examples[example].values!);
  const questions = schema.map(({ name, answers }, q) => {
    const { from, count } = places[q];
    const sums = answers.map((_, k) => rows.reduce((sum, row) => sum + row[from + k], 0));
    const total = sums.reduce((a, b) => a + b, 0);
    return {
      name,
      votes: votesOn(rows, places[q]),
      images: rows.filter((row) => row.slice(from, from + count).some((n) => n > 0)).length,
      answers: answers.map((answer, k) => ({ name: answer.name, share: total > 0 ? sums[k] / total : 0 })),
    };
  });
  // The answer to the first question that got most of an image's votes.
  const [{ name, answers }] = schema;
  const titles = answers.map((answer) => `${name}: ${answer.name}`);
  const most = new Map(
    all.map((example) => {
      const votes = dataset.examples[example].values!.slice(0, answers.length);
      return [example, titles[votes.indexOf(Math.max(...votes))]] as const;
    }),
  );
  const sheets = await contactSheets(dataset, titles, (example) => most.get(example) ?? null, 16, notes);
  return {
    dataset: dataset.name,
    splits: sides.map(({ name: side, examples }) => ({ name: side, images: examples.length })),
    leftOut: dataset.examples.filter((example) => !isVoted(example)).length,
    notes,
    questions,
    sheets: await toSheets(sheets),
  };
}

interface Judged {
  readonly schema: Schema;
  readonly judgement: VoteJudgement;
}

/** Writes metrics.json, predictions.csv and report.html into a folder. */
export async function writeVoteReport(
  device: Device,
  examination: Examination<Labelled>,
  judged: Judged,
  folder: string,
  { run, training, sides, figures }: ReportContext,
): Promise<void> {
  const { dataset, network } = examination;
  const { schema, judgement } = judged;
  const metrics = { ...judgement.figures, adapter: device.adapter.description, ...figures };
  await writeFileAtomic(join(folder, RUN_FILES.metrics), `${jsonText(metrics)}\n`);
  const columns = pairedColumns(
    columnsOf(schema),
    (i) => judgement.given[i],
    (i) => judgement.expected[i],
  );
  await writeFileAtomic(join(folder, RUN_FILES.predictions), predictionsCsv(examination, sides, columns));
  const page = runPage(run, votesHeadline(judgement.figures), [
    votedSection(await summariseVotes(dataset, schema, sides)),
    ...(training ? [await trainingSection(training)] : []),
    await fractionSection(judgement.figures, pointsOf(examination, judged)),
    fractionMapsSection(network.lastConv, await strongest(device, examination, judged)),
    fractionErrorsSection(await largestErrors(examination, judged)),
  ]);
  await writeFileAtomic(join(folder, RUN_FILES.report), page);
}

/** The dots of each question: of many images the first in the order of a hash of their ids. */
function pointsOf(
  { dataset, examples }: Examination<Labelled>,
  { schema, judgement: { expected, given } }: Judged,
): Parameters<typeof fractionSection>[1] {
  const places = placesOf(schema);
  const rows = examples
    .map((example, row) => ({ row, hash: hashId(dataset.examples[example].id) }))
    .sort((a, b) => a.hash - b.hash)
    .slice(0, DOTS)
    .map(({ row }) => row);
  return schema.map(({ name, answers }, q) => ({
    name,
    points: rows
      .flatMap((row) => answers.map((_, k) => ({ row, column: places[q].from + k })))
      .map(({ row, column }) => ({ truth: given[row][column], predicted: expected[row][column] }))
      .filter(({ truth }) => !Number.isNaN(truth)),
  }));
}

/** A row and a column of the answers. */
interface Cell {
  readonly row: number;
  readonly column: number;
}

function caseOf(
  { dataset, examples }: Examination,
  { schema, judgement }: Judged,
  { row, column }: Cell,
): FractionCase {
  const named = schema.flatMap(({ name, answers }) =>
    answers.map((answer) => ({ question: name, answer: answer.name })),
  );
  return {
    id: dataset.examples[examples[row]].id,
    ...named[column],
    expected: judgement.expected[row][column],
    given: judgement.given[row][column],
  };
}

/** For each question the image and the answer of which most is expected beyond the mean; no image comes twice. */
async function strongest(
  device: Device,
  examination: Examination<Labelled>,
  judged: Judged,
): Promise<Parameters<typeof fractionMapsSection>[1]> {
  const { expected } = judged.judgement;
  const taken = new Set<number>();
  const cells = placesOf(judged.schema)
    .slice(0, EXPLAINED)
    .flatMap(({ from, count }): Cell[] => {
      const found = Array.from({ length: count }, (_, k) => {
        const column = from + k;
        const mean = expected.reduce((sum, row) => sum + row[column] / expected.length, 0);
        return expected.map((row, i) => ({ row: i, column, above: row[column] - mean }));
      })
        .flat()
        .filter(({ row }) => !taken.has(row));
      if (found.length === 0) return [];
      const best = found.reduce((a, b) => (b.above > a.above ? b : a));
      taken.add(best.row);
      return [best];
    });
  const explained = await explainForReport(
    device,
    examination,
    cells.map(({ row, column }) => ({ example: examination.examples[row], explained: column })),
  );
  return cells.map((cell, i) => ({ ...explained[i], ...caseOf(examination, judged, cell) }));
}

/** Of the images with the largest errors the answer that is furthest off, with their pictures. */
function largestErrors(
  examination: Examination<Labelled>,
  judged: Judged,
): Promise<Parameters<typeof fractionErrorsSection>[0]> {
  const { expected, given } = judged.judgement;
  const worst = expected
    .map((values, row) => {
      const errors = Array.from(values, (value, k) =>
        Number.isNaN(given[row][k]) ? 0 : Math.abs(value - given[row][k]),
      );
      const error = Math.max(...errors);
      return { row, column: errors.indexOf(error), error };
    })
    .sort((a, b) => b.error - a.error || a.row - b.row)
    .slice(0, ERRORS);
  return Promise.all(
    worst.map(async (cell) => ({
      ...caseOf(examination, judged, cell),
      picture: await toPicture(
        await plainPicture(examination.dataset, examination.views.geometry, examination.examples[cell.row]),
      ),
    })),
  );
}
