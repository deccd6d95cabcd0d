import type { Explained, GradCamSummary, Mistake, ShareMaps } from './data.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { decimal, image, percent } from './pieces.ts';
import type { Section } from './pieces.ts';
import { classColour } from './svg.ts';

/** Truth and answer in words, coloured but not by colour alone. */
function verdict({ truth, predicted }: { truth: string; predicted: string }, score: number): Html {
  return truth === predicted
    ? html`<span class="right">✓ ${predicted}</span>, score ${decimal(score)}`
    : html`<span class="wrong">✗ ${predicted}</span>, score ${decimal(score)}; volunteers say ${truth}`;
}

function caseFigure({ id, input, maps }: Explained, caption: Html): Html {
  const tiles = [{ method: 'Input', picture: input }, ...maps];
  return html`<figure><ul class="maps" style="--n:${tiles.length}">${tiles.map(
    ({ method, picture }) => html`<li>${image(picture, `${method} of galaxy ${id}`)}<span>${method}</span></li>`,
  )}</ul>
<figcaption>${caption} <span class="id">Galaxy ${id}</span></figcaption></figure>
`;
}

/** How to read the maps, after what they explain. */
const readingMaps = (layer: string, explained: string): Html =>
  html`<p>Grad-CAM at layer <code>${layer}</code> for ${explained}: bright places raised its score, from low <span class="scale" aria-hidden="true"></span> to high. Guided backprop shows single pixels that speak for (light) or against (dark) it.</p>`;

/** Overlays grouped by true class, right answers before wrong ones. */
export function gradCamSection({ layer, cases }: GradCamSummary): Section {
  const truths = [...new Set(cases.map(({ truth }) => truth))];
  const groups = truths
    .flatMap((truth) =>
      [true, false].map((right) => ({
        title: `${truth}, answered ${right ? 'right' : 'wrong'}`,
        items: cases.filter((item) => item.truth === truth && (item.predicted === truth) === right),
      })),
    )
    .filter(({ items }) => items.length > 0);
  return {
    id: 'grad-cam',
    title: 'Where the network looks',
    body: html`${readingMaps(layer, 'the predicted class')}
${groups.map(({ title, items }) => html`<h3>${title}</h3><div class="cases">${items.map((item) => caseFigure(item, verdict(item, item.score)))}</div>`)}`,
  };
}

/** For each question the galaxy with the strongest answer to it. */
export function shareMapsSection({ layer, cases }: ShareMaps): Section {
  return {
    id: 'grad-cam',
    title: 'Where the network looks',
    body: html`${readingMaps(layer, 'one answer to each question, and the galaxy of which the network predicts most of it beyond the mean')}
<div class="cases">${cases.map((item) => caseFigure(item, html`<strong>${item.question}: ${item.answer}.</strong> Predicted ${percent(item.predicted, 0)} of the votes (${percent(item.mean, 0)} on average); given ${percent(item.voted, 0)}.`))}</div>`,
  };
}

/** A bar of the three shares; the same numbers stand beside it as text. */
function voteBar(votes: NonNullable<Mistake['votes']>): Html {
  const names = ['smooth', 'featured', 'artifact'] as const;
  return html`<div class="votes" aria-hidden="true">${names.map(
    (name, i) => html`<i style="width:${(100 * votes[name]).toFixed(1)}%;background:${classColour(name, i)}"></i>`,
  )}</div>
Votes: ${names.map((name, i) => `${i > 0 ? ', ' : ''}${name} ${percent(votes[name], 0)}`)}`;
}

/** The wrong answers the network was surest of: where to look for mislabelled galaxies and for blind spots. */
export function mistakesSection(mistakes: readonly Mistake[]): Section {
  return {
    id: 'mistakes',
    title: 'The most confident mistakes',
    body: html`<p>The wrong answers the network was surest of, with the volunteers' votes. Often the votes are divided, or the label itself deserves a second look.</p>
<div class="mistakes">${mistakes.map(
      (mistake) => html`<figure>${mistake.picture && image(mistake.picture, `Galaxy ${mistake.id}`)}
<figcaption>${verdict(mistake, mistake.confidence)} <span class="id">Galaxy ${mistake.id}</span>${mistake.votes && voteBar(mistake.votes)}</figcaption></figure>
`,
    )}</div>`,
  };
}
