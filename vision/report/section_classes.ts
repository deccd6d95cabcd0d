import type { ClassSummary } from './data.ts';
import { html } from './html.ts';
import { count, figure, image, percent, table, type Section } from './pieces.ts';

const total = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** So many classes have a row of their own; the rest are counted together. */
const ROWS = 200;

/** How many images of each class there are on which side, and examples. */
export function classesSection({ dataset, classes, splits, unlabelled, notes, sheets }: ClassSummary): Section {
  const cells = (of: (counts: readonly number[]) => number) =>
    splits.flatMap(({ counts }) => [count(of(counts)), percent(of(counts) / total(counts))]);
  const images = total(splits.flatMap(({ counts }) => counts));
  return {
    id: 'data',
    title: 'The data',
    body: html`<p>${dataset}: ${
      classes.length === 0
        ? `${count(unlabelled)} images without labels`
        : `${count(images)} labelled images of ${count(classes.length)} classes${unlabelled > 0 ? `, ${count(unlabelled)} without a label, which are left out` : ''}`
    }.</p>
${notes.length > 0 && html`<ul class="soft">${notes.map((note) => html`<li>${note}</li>`)}</ul>`}
${
  classes.length > 0 &&
  table({
    caption: 'Images of each class',
    columns: ['class', ...splits.flatMap(({ name }) => [name, 'share'])],
    rows: [
      ...classes.slice(0, ROWS).map((name, k) => [name, ...cells((counts) => counts[k])]),
      ...(classes.length > ROWS
        ? [[`${count(classes.length - ROWS)} further classes`, ...cells((counts) => total(counts.slice(ROWS)))]]
        : []),
      ['together', ...cells(total)],
    ],
    marked: Math.min(classes.length, ROWS + 1),
  })
}
${
  sheets.length > 0 &&
  html`<h3>Examples</h3><div class="grid">${sheets.map(({ title, count: n, picture }) =>
    figure(
      image(picture, `Contact sheet of ${n} images of ${title}`),
      title,
      classes.length === 0 ? `${n} of the images.` : `${n} images of this class.`,
    ),
  )}</div>`
}`,
  };
}
