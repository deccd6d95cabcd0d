import type { ContactSheet, Explained, Picture } from '../report/data.ts';
import { html, type Html } from '../report/html.ts';
import { card, count, decimal, figure, image, percent, plot, table, type Section } from '../report/pieces.ts';
import { rowLink } from '../report/predictions.ts';
import { caseFigure, readingMaps } from '../report/section_pictures.ts';
import { valuesScatter } from '../targets/plots.ts';
import type { VoteFigures } from './evaluate.ts';
import { answerTable, QUESTION_HEADS, questionRows, told } from './show.ts';

/** The first section of a report on votes. */
export interface VoteSummary {
  readonly dataset: string;
  readonly splits: readonly { readonly name: string; readonly images: number }[];
  /** Images without votes. */
  readonly leftOut: number;
  readonly notes: readonly string[];
  readonly questions: readonly {
    readonly name: string;
    readonly images: number;
    /** null where only shares of them are known. */
    readonly votes: number | null;
    readonly answers: readonly { readonly name: string; readonly share: number }[];
  }[];
  readonly sheets: readonly ContactSheet[];
}

export const VOTE_HEADS = ['answer', 'share of the votes', 'votes on the question', 'images'] as const;
export const voteRows = ({ questions }: VoteSummary): string[][] =>
  questions.flatMap(({ name, votes, images, answers }) =>
    answers.map((answer) => [`${name}: ${answer.name}`, percent(answer.share), told(votes), String(images)]),
  );

/** How many images and votes there are, how the answers were shared, and images of which most gave the same. */
export function votedSection(summary: VoteSummary): Section {
  const { dataset, splits, leftOut, notes, sheets } = summary;
  return {
    id: 'data',
    title: 'The data',
    body: html`<p>${dataset}: ${splits.map(({ name, images }, i) => `${i > 0 ? ', ' : ''}${count(images)} images ${name === 'all' ? 'with votes' : `on the side ${name}`}`)}${leftOut > 0 && `; ${count(leftOut)} without votes, which are left out`}.</p>
${notes.length > 0 && html`<ul class="soft">${notes.map((note) => html`<li>${note}</li>`)}</ul>`}
${table({ caption: 'How people answered', columns: VOTE_HEADS, rows: voteRows(summary) })}
${sheets.length > 0 && html`<h3>Examples</h3><div class="grid">${sheets.map(({ title, count: n, picture }) => figure(image(picture, `Contact sheet of ${n} images: ${title}`), title, `${n} images of which this answer got the largest share.`))}</div>`}`,
  };
}

/** The numbers a reader came for, as cards. */
export const votesHeadline = ({ rmse, logLoss, constant, images, questions }: VoteFigures): Html =>
  html`<ul class="numbers">
${card(decimal(rmse, 4), 'RMSE', 'of expected less given fractions of the votes')}
${logLoss !== null && card(decimal(logLoss), 'Negative log likelihood', 'of the votes on an image; less is better')}
${constant !== null && card(decimal(constant, 4), 'RMSE of the mean answer', 'what answering each column with its mean gives')}
${card(count(images), 'Images judged', `${questions.length} questions`)}
</ul>`;

/** Dots of a question: given and expected fractions, one for each image and answer. */
export interface QuestionPoints {
  readonly name: string;
  readonly points: readonly { readonly truth: number; readonly predicted: number }[];
}

export async function fractionSection(figures: VoteFigures, questions: readonly QuestionPoints[]): Promise<Section> {
  const drawn = await Promise.all(
    questions
      .filter(({ points }) => points.length > 0)
      .map(({ name, points }) =>
        plot(
          valuesScatter(points),
          name,
          'Expected over given fractions of the votes, a dot an image and answer; on the dashed line both are the same.',
        ),
      ),
  );
  return {
    id: 'evaluation',
    title: 'The evaluation',
    body: html`<p>Measured on ${count(figures.images)} images: ${figures.measuredOn}. ${figures.logLoss === null ? 'A fraction is weighed by the share of the votes that reached its question, and every image counts for every question' : 'A question counts for the images of which somebody was asked it'}; the mean answer is what answering each of them with the mean fractions would give.</p>
<div class="tables">${table({ caption: 'Figures of each question', columns: QUESTION_HEADS, rows: questionRows(figures) })}
${table({ caption: 'Mean fractions of each answer', ...answerTable(figures) })}</div>
<div class="grid">${drawn}</div>`,
  };
}

/** An image with what is expected and was given of one answer. */
export interface FractionCase {
  readonly id: string;
  readonly question: string;
  readonly answer: string;
  readonly expected: number;
  readonly given: number;
}

const sentence = ({ question, answer, expected, given }: FractionCase): Html =>
  html`<strong>${question}: ${answer}.</strong> Expected ${percent(expected, 0)} of the votes; given ${Number.isNaN(given) ? 'none: nobody was asked' : percent(given, 0)}.`;

export const fractionMapsSection = (layer: string, cases: readonly (FractionCase & Explained)[]): Section => ({
  id: 'grad-cam',
  title: 'Where the network looks',
  body: html`${readingMaps(layer, 'one answer to each question, and the image of which the network expects most of it')}
<div class="cases">${cases.map((item) => caseFigure(item, sentence(item)))}</div>`,
});

export const fractionErrorsSection = (cases: readonly (FractionCase & { readonly picture: Picture })[]): Section => ({
  id: 'mistakes',
  title: 'The largest errors',
  body: html`<p>The images and answers whose expected fraction is furthest from the given one.</p>
<div class="mistakes">${cases.map(
    (
      item,
    ) => html`<figure>${image(item.picture, `Image ${item.id}`)}<figcaption>${sentence(item)} ${rowLink(item.id)}</figcaption></figure>
`,
  )}</div>`,
});
