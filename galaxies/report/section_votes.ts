import type { VoteSummary } from './data.ts';
import { html } from '../../vision/report/html.ts';
import { answerKey, count, decimal, percent, plot, table } from '../../vision/report/pieces.ts';
import type { Section } from '../../vision/report/pieces.ts';
import { voteCurves } from './plots_fractions.ts';

/** How many galaxies there are on which side, and how their votes are distributed. */
export async function votesSection({ dataset, splits, leftOut, notes, questions }: VoteSummary): Promise<Section> {
  const total = splits.reduce((sum, { galaxies }) => sum + galaxies, 0);
  const curves = await Promise.all(
    questions.map(async (question) =>
      plot(
        voteCurves(question),
        `${question.number}. ${question.text}`,
        answerKey(question.answers.map(({ text }) => text)),
      ),
    ),
  );
  return {
    id: 'data',
    title: 'The data',
    body: html`<p>${dataset}: ${count(total)} galaxies with votes${leftOut > 0 && `, ${count(leftOut)} without, which are left out`}.</p>
${notes.length > 0 && html`<ul class="soft">${notes.map((note) => html`<li>${note}</li>`)}</ul>`}
<div class="tables">${table({
      caption: 'Galaxies with votes',
      columns: ['part', 'galaxies', 'share'],
      rows: [
        ...splits.map(({ name, galaxies }) => [name, count(galaxies), percent(galaxies / total)]),
        ['together', count(total), percent(1)],
      ],
      marked: splits.length,
    })}${table({
      caption:
        'What share of the votes reached each question, and how many galaxies got there with half of them or more',
      columns: ['question', 'mean share', 'half or more'],
      rows: questions.map(({ number, text, reached, galaxies }) => [
        `${number}. ${text}`,
        decimal(reached),
        count(galaxies),
      ]),
    })}</div>
<h3>What the volunteers said</h3>
<p>Each curve is an answer: how many of the galaxies gave it at least so much of the votes. The answers of a question sum to the share that reached it, so those of late questions are rarely large.</p>
<div class="grid three">${curves}</div>`,
  };
}
