import type { ContactSheet, Explained, Picture } from '../report/data.ts';
import { html, type Html } from '../report/html.ts';
import { card, count, decimal, figure, image, plot, table, type Section } from '../report/pieces.ts';
import { rowLink } from '../report/predictions.ts';
import { caseFigure, readingMaps } from '../report/section_pictures.ts';
import type { TargetFigures } from './evaluate.ts';
import { residualHistogram, valueHistogram, valuesScatter } from './plots.ts';
import { FIGURE_HEADS, figureRows, number } from './show.ts';

/** A column of targets over the images that take part. */
export interface TargetColumn {
  readonly name: string;
  readonly values: readonly number[];
}

/** The first section of a report on targets. */
export interface TargetSummary {
  readonly dataset: string;
  readonly splits: readonly { readonly name: string; readonly images: number }[];
  /** Images without values. */
  readonly leftOut: number;
  readonly notes: readonly string[];
  readonly columns: readonly TargetColumn[];
  readonly sheets: readonly ContactSheet[];
}

/** Columns that have figures of their own: the first of them. */
export const DRAWN_COLUMNS = 12;

const quantile = (sorted: readonly number[], share: number): number => sorted[Math.round(share * (sorted.length - 1))];

/** The heads of the table of values, and its rows. */
export const TARGET_HEADS = [
  'target',
  'least',
  'quarter',
  'median',
  'three quarters',
  'most',
  'mean',
  'deviation',
] as const;
export const targetRows = ({ columns }: TargetSummary): string[][] =>
  columns.map(({ name, values }) => {
    const sorted = [...values].sort((a, b) => a - b);
    const mean = values.reduce((sum, value) => sum + value / values.length, 0);
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2 / values.length, 0));
    return [name, ...[...[0, 0.25, 0.5, 0.75, 1].map((share) => quantile(sorted, share)), mean, deviation].map(number)];
  });

/** How many images there are, how their targets lie, and those at either end. */
export async function targetsSection(summary: TargetSummary): Promise<Section> {
  const { dataset, splits, leftOut, notes, columns, sheets } = summary;
  const figures = await Promise.all(
    columns
      .slice(0, DRAWN_COLUMNS)
      .map(({ name, values }) => plot(valueHistogram(name, values), name, 'How many images have which value.')),
  );
  return {
    id: 'data',
    title: 'The data',
    body: html`<p>${dataset}: ${splits.map(({ name, images }, i) => `${i > 0 ? ', ' : ''}${count(images)} images ${name === 'all' ? 'with targets' : `on the side ${name}`}`)}${leftOut > 0 && `; ${count(leftOut)} without targets, which are left out`}.</p>
${notes.length > 0 && html`<ul class="soft">${notes.map((note) => html`<li>${note}</li>`)}</ul>`}
${table({ caption: 'Values of each target', columns: TARGET_HEADS, rows: targetRows(summary) })}
<div class="grid">${figures}</div>
${sheets.length > 0 && html`<h3>Examples</h3><div class="grid">${sheets.map(({ title, count: n, picture }) => figure(image(picture, `Contact sheet of ${n} images: ${title}`), title, `${n} of these images.`))}</div>`}`,
  };
}

/** The numbers a reader came for, as cards. */
export const targetsHeadline = ({ rmse, r2, images, columns }: TargetFigures): Html =>
  html`<ul class="numbers">
${card(decimal(r2), 'R²', columns.length === 1 ? '0 is what the mean answers, 1 is perfect' : `the mean over ${columns.length} targets; 1 is perfect`)}
${card(decimal(rmse), 'RMSE', 'in standard deviations of the targets')}
${card(count(images), 'Images judged', columns.map(({ name }) => name).join(', '))}
</ul>`;

/** Dots of a column, and the differences of all images. */
export interface ColumnPoints {
  readonly name: string;
  readonly points: readonly { readonly truth: number; readonly predicted: number }[];
  readonly residuals: readonly number[];
}

export async function numbersSection(figures: TargetFigures, columns: readonly ColumnPoints[]): Promise<Section> {
  const drawn = await Promise.all(
    columns
      .slice(0, DRAWN_COLUMNS)
      .flatMap(({ name, points, residuals }) => [
        plot(
          valuesScatter(points),
          `${name}: predicted over true`,
          `${count(points.length)} of ${count(residuals.length)} images, a dot each; on the dashed line both are the same.`,
        ),
        plot(
          residualHistogram(residuals),
          `${name}: errors`,
          'Predicted less true. A peak beside 0 means that the network errs to one side.',
        ),
      ]),
  );
  return {
    id: 'evaluation',
    title: 'The evaluation',
    body: html`<p>Measured on ${count(figures.images)} images: ${figures.measuredOn}. RMSE, MAE and bias are in the units of each target; the mean answer is the RMSE of answering every image with the mean.</p>
${table({ caption: 'Figures of each target', columns: FIGURE_HEADS, rows: figureRows(figures) })}
<div class="grid">${drawn}</div>`,
  };
}

/** An image with what is predicted and true of one target. */
export interface NumberCase {
  readonly id: string;
  readonly target: string;
  readonly predicted: number;
  readonly truth: number;
}

const told = ({ target, predicted, truth, id }: NumberCase): Html =>
  html`<strong>${target} ${number(predicted)}</strong>; true ${number(truth)} ${rowLink(id)}`;

export const numberMapsSection = (layer: string, cases: readonly (NumberCase & Explained)[]): Section => ({
  id: 'grad-cam',
  title: 'Where the network looks',
  body: html`${readingMaps(layer, 'one target, of the images of which the most and the least of it is predicted')}
<div class="cases">${cases.map((item) => caseFigure(item, html`<strong>${item.target} ${number(item.predicted)}</strong>; true ${number(item.truth)}.`))}</div>`,
});

export const errorsSection = (cases: readonly (NumberCase & { readonly picture: Picture })[]): Section => ({
  id: 'mistakes',
  title: 'The largest errors',
  body: html`<p>The images whose prediction is furthest from the truth, in standard deviations of the target. Often the number itself deserves a second look.</p>
<div class="mistakes">${cases.map(
    (item) => html`<figure>${image(item.picture, `Image ${item.id}`)}<figcaption>${told(item)}</figcaption></figure>
`,
  )}</div>`,
});
