import { rowLink } from '../../vision/report/predictions.ts';
import type { Extremes, Fractions, FractionsCase } from './data.ts';
import { html } from '../../vision/report/html.ts';
import type { Html } from '../../vision/report/html.ts';
import { answerKey, card, count, decimal, image, percent, plot, table } from '../../vision/report/pieces.ts';
import type { Section } from '../../vision/report/pieces.ts';
import { questionErrors, sharesScatter } from './plots_fractions.ts';
import { histogram } from '../../vision/report/plots_histograms.ts';
import { colours } from '../../vision/report/svg.ts';

/** The numbers a reader came for, as cards. */
export function fractionsHeadline({ rmse, constant, galaxies, own: { median } }: Fractions): Html {
  return html`<ul class="numbers">
${card(decimal(rmse, 4), 'RMSE', 'over all galaxies and columns; 0 is perfect')}
${card(decimal(constant, 4), 'Constant answer', "RMSE of each column's mean over these galaxies")}
${card(decimal(median, 4), 'Median galaxy', 'half of the galaxies have a smaller RMSE')}
${card(count(galaxies), 'Galaxies judged', 'against the shares of their votes')}
</ul>`;
}

/** How far predicted vote fractions are from the votes. */
export async function fractionsSection({
  measuredOn,
  galaxies,
  perQuestion,
  perColumn,
  own,
  drawn,
}: Fractions): Promise<Section> {
  const high = Math.ceil(Math.max(...own.values) * 20) / 20 || 0.05;
  const errors = [
    await plot(
      questionErrors(perQuestion),
      'RMSE by question',
      'Few votes reach the late questions, so their shares are small, and so are their errors: compare with what the means of the columns give.',
    ),
    await plot(
      histogram(own.values, {
        low: 0,
        high,
        colour: colours.purple,
        x: 'RMSE of a galaxy',
        y: 'galaxies',
        median: own.median,
        digits: 3,
        height: 210,
      }),
      'RMSE by galaxy',
      'How many galaxies have which error of their own. A long tail to the right: few galaxies make much of the total.',
    ),
  ];
  const scatters = await Promise.all(
    perQuestion.map(async (question) =>
      plot(
        sharesScatter(question),
        `${question.number}. ${question.text}`,
        html`RMSE ${decimal(question.rmse, 3)}. ${answerKey(question.answers)}`,
      ),
    ),
  );
  return {
    id: 'evaluation',
    title: 'The evaluation',
    body: html`<p>Measured on ${count(galaxies)} galaxies: ${measuredOn}. The error is the root of the mean squared difference between predicted and given shares of the votes; beside it what the mean of each column would give.</p>
<div class="grid">${errors}</div>
<div class="tables">${table({
      caption: 'RMSE by question, and that of the constant answer',
      columns: ['question', 'RMSE', 'constant'],
      rows: perQuestion.map(({ number, text, rmse, constant }) => [
        `${number}. ${text}`,
        decimal(rmse, 4),
        decimal(constant, 4),
      ]),
    })}${table({
      caption: 'RMSE by column, and that of the constant answer',
      columns: ['column', 'RMSE', 'constant'],
      rows: perColumn.map(({ name, answer, rmse, constant }) => [
        `${name} ${answer}`,
        decimal(rmse, 4),
        decimal(constant, 4),
      ]),
    })}</div>
<h3>Predicted and given</h3>
<p>A dot is an answer for ${drawn < galaxies ? `one of ${count(drawn)} galaxies, drawn by a hash of their ids` : 'one galaxy'}. On the dashed line the network predicts what the volunteers gave; a cloud that lies flatter than the line is a network that keeps to the mean.</p>
<div class="grid three">${scatters}</div>`,
  };
}

const bar = (share: number, colour: string): Html =>
  html`<i style="width:${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%;background:${colour}"></i>`;

/** A galaxy with its answers as pairs of bars. */
function caseFigure({ id, rmse, picture, questions }: FractionsCase): Html {
  return html`<figure class="answers">${image(picture, `Galaxy ${id}`)}
<table><caption><strong>RMSE ${decimal(rmse)}</strong> ${rowLink(id, 'Galaxy')}</caption>
<thead><tr><th scope="col">answer</th><th scope="col" aria-hidden="true"></th><th scope="col">given</th><th scope="col">predicted</th></tr></thead>
${questions.map(
  ({ number, text, answers }) => html`<tbody><tr><th scope="rowgroup" colspan="4">${number}. ${text}</th></tr>
${answers.map(
  ({
    text: answer,
    voted,
    predicted,
    most,
  }) => html`<tr${most && html` class="marked"`}><th scope="row">${answer}</th><td class="pair" aria-hidden="true">${bar(voted, colours.grey)}${bar(predicted, colours.purple)}</td><td>${percent(voted, 0)}</td><td>${percent(predicted, 0)}</td></tr>
`,
)}</tbody>`,
)}</table></figure>
`;
}

/** The galaxies that the network answered best and worst for, with both vectors. */
export function extremesSection({ best, worst }: Extremes): Section {
  return {
    id: 'extremes',
    title: 'The best and the worst',
    body: html`<p>The questions on the way through the decision tree that most volunteers take, and on the network's where it takes another, with the answers that got some share of the votes; the volunteers' most frequent one is bold.</p>
<p><span class="key"><i style="background:${colours.grey}"></i>given by the volunteers</span> <span class="key"><i style="background:${colours.purple}"></i>predicted by the network</span></p>
${(
  [
    ['The smallest errors', best],
    ['The largest errors', worst],
  ] as const
).map(
  ([title, cases]) =>
    cases.length > 0 &&
    html`<h3>${title}</h3>
<div class="cases three">${cases.map(caseFigure)}</div>`,
)}`,
  };
}
