import type { Examination } from '../answer/predictor.ts';
import { csvField } from '../data/csv.ts';
import { RUN_FILES } from '../train/run_files.ts';
import { html, type Html } from './html.ts';
import type { ReportContext } from './report_context.ts';

/** What a task tells of a judged image: the columns, and the fields of row `i` of the examination. */
export interface PredictionColumns {
  readonly names: readonly string[];
  row(i: number): readonly string[];
}

/** The csv of judged images in their order: id, side, and what the task tells. */
export function predictionsCsv(
  { dataset, examples }: Pick<Examination, 'dataset' | 'examples'>,
  sides: ReportContext['sides'],
  { names, row }: PredictionColumns,
): string {
  const sideOf = new Map(sides.flatMap(({ name, examples: some }) => some.map((example) => [example, name] as const)));
  const lines = examples.map((example, i) => [dataset.examples[example].id, sideOf.get(example) ?? '', ...row(i)]);
  return [['id', 'side', ...names], ...lines].map((fields) => `${fields.map(csvField).join(',')}\n`).join('');
}

/** A number of the data and what is predicted for it, a pair of columns each. A share that nobody gave is empty. */
export const pairedColumns = (
  names: readonly string[],
  truth: (i: number) => ArrayLike<number>,
  predicted: (i: number) => ArrayLike<number>,
): PredictionColumns => ({
  names: names.flatMap((name) => [`${name}_truth`, `${name}_predicted`]),
  row: (i) => names.flatMap((_, k) => [eightDigits(truth(i)[k]), eightDigits(predicted(i)[k])]),
});

/** Eight digits: what a network computes is no more exact. */
export const eightDigits = (value: number): string => (Number.isNaN(value) ? '' : String(Number(value.toPrecision(8))));

/** The name of an image of a report, which leads to its row; browsers that show text find the id in it. */
export const rowLink = (id: string, noun = 'Image'): Html =>
  html`<a class="id" href="${RUN_FILES.predictions}#:~:text=${encodeURIComponent(id.replace(/\p{Surrogate}/gu, '\ufffd')).replaceAll('-', '%2D')}">${noun} ${id}</a>`;
