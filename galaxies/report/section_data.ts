import type { DataSummary } from './data.ts';
import { html } from '../../vision/report/html.ts';
import type { Html } from '../../vision/report/html.ts';
import { count, decimal, figure, image, percent, plot, table } from '../../vision/report/pieces.ts';
import type { Section } from '../../vision/report/pieces.ts';
import { thresholdBars } from './plots_votes.ts';
import { voteHistogram } from './plots_votes.ts';

const total = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

/** Galaxies per class and split, each with its share of the split. */
function countsTable({ classes, splits, threshold }: DataSummary): Html {
  const cells = (counts: readonly number[], n: number) => [count(n), percent(n / total(counts))];
  return table({
    caption: `Galaxies with a label: at least ${threshold} of the votes for one answer`,
    columns: ['class', ...splits.flatMap(({ name }) => [name, 'share'])],
    rows: [
      ...classes.map((name, i) => [name, ...splits.flatMap(({ counts }) => cells(counts, counts[i]))]),
      ['together', ...splits.flatMap(({ counts }) => cells(counts, total(counts)))],
    ],
    marked: classes.length,
  });
}

function thresholdTable({ classes, thresholds, threshold }: DataSummary): Html {
  return table({
    caption: 'Galaxies of each class at several label thresholds; the one in use is bold',
    columns: ['threshold', ...classes, 'left out', 'share labelled'],
    rows: thresholds.map((row) => [
      decimal(row.threshold, 2),
      ...row.counts.map(count),
      count(row.ambiguous),
      percent(total(row.counts) / (total(row.counts) + row.ambiguous)),
    ]),
    marked: thresholds.findIndex((row) => Math.abs(row.threshold - threshold) < 1e-9),
  });
}

/** What a network learnt that tells the class by votes. */
const learntVotes = ({ unclear }: NonNullable<DataSummary['learntVotes']>): Html =>
  html`<p>The network learnt what shares of the votes all answers got${unclear > 0 && html`, also from ${count(unclear)} galaxies without a label, on which it is not judged`}. The probability of a class follows from the share that it expects of the votes for smooth and featured.</p>`;

/** Tables, vote histograms, thresholds and contact sheets: the same on the stats page and in a training report. */
export async function dataSection(data: DataSummary): Promise<Section> {
  const votes: Html[] = [];
  for (const name of ['smooth', 'featured', 'artifact'] as const) {
    if (!data.votes || data.votes[name].length === 0) continue;
    const threshold = data.classes.includes(name) ? data.threshold : null;
    votes.push(
      await plot(
        voteHistogram(name, data.votes[name], threshold),
        `Votes for “${name}”`,
        threshold === null
          ? 'How many galaxies got which share of the votes for this answer.'
          : html`How many galaxies got which share of the votes for this answer. Those right of the dashed line are labelled ${name}.`,
      ),
    );
  }
  const thresholds =
    data.thresholds.length > 0 &&
    (await plot(
      thresholdBars(data.thresholds, data.classes),
      'What a threshold costs',
      'Each bar is the whole dataset. A higher threshold gives surer labels and leaves more galaxies out.',
    ));
  return {
    id: 'data',
    title: 'The data',
    body: html`<p>${data.dataset}: ${count(total(data.splits.flatMap(({ counts }) => counts)))} labelled galaxies, ${count(data.ambiguous)} ${data.learntVotes ? 'have no label' : 'left out'} because no answer reaches ${data.threshold} of the votes.</p>
${data.learntVotes && learntVotes(data.learntVotes)}
${data.notes.length > 0 && html`<ul class="soft">${data.notes.map((note) => html`<li>${note}</li>`)}</ul>`}
${countsTable(data)}
${votes.length > 0 && html`<h3>What the volunteers said</h3><div class="grid three">${votes}</div>`}
${thresholds && html`<h3>The label threshold</h3><div class="grid">${thresholds}<div>${thresholdTable(data)}</div></div>`}
${
  data.sheets.length > 0 &&
  html`<h3>Examples</h3><div class="grid">${data.sheets.map(({ title, count: n, picture }) =>
    figure(
      image(picture, `Contact sheet of ${n} galaxies labelled ${title}`),
      title,
      `${n} galaxies that the volunteers call ${title}.`,
    ),
  )}</div>`
}`,
  };
}
