import type { Explained, GradCamSummary, Mistake, Shares } from './data.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { decimal, image, percent } from './pieces.ts';
import { rowLink } from './predictions.ts';
import type { Section } from './pieces.ts';

/** Truth and answer in words, coloured but not by colour alone. */
function verdict({ truth, predicted }: { truth: string; predicted: string }, score: number): Html {
  return truth === predicted
    ? html`<span class="right">✓ ${predicted}</span>, score ${decimal(score)}`
    : html`<span class="wrong">✗ ${predicted}</span>, score ${decimal(score)}; labelled ${truth}`;
}

/** An image and its maps side by side; `linked` to its row in a table of predictions where there is one. */
export function caseFigure({ id, input, maps }: Explained, caption: Html, linked = true): Html {
  const tiles = [{ method: 'Input', picture: input }, ...maps];
  return html`<figure><ul class="maps" style="--n:${tiles.length}">${tiles.map(
    ({ method, picture }) => html`<li>${image(picture, `${method} of image ${id}`)}<span>${method}</span></li>`,
  )}</ul>
<figcaption>${caption}${linked && html` ${rowLink(id)}`}</figcaption></figure>
`;
}

/** How to read the maps, after what they explain. */
export const readingMaps = (layer: string, explained: string): Html =>
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

/** A bar of shares; the same numbers stand beside it as text. */
const shareBar = ({ title, parts }: Shares): Html =>
  html`<div class="shares" aria-hidden="true">${parts.map(
    ({ share, colour }) => html`<i style="width:${(100 * share).toFixed(1)}%;background:${colour}"></i>`,
  )}</div>
${title}: ${parts.map(({ name, share }, i) => `${i > 0 ? ', ' : ''}${name} ${percent(share, 0)}`)}`;

/** The wrong answers the network was surest of: where to look for mislabelled images and for blind spots. */
export function mistakesSection(mistakes: readonly Mistake[]): Section {
  return {
    id: 'mistakes',
    title: 'The most confident mistakes',
    body: html`<p>The wrong answers the network was surest of. Often the label itself deserves a second look.</p>
<div class="mistakes">${mistakes.map(
      (mistake) => html`<figure>${mistake.picture && image(mistake.picture, `Image ${mistake.id}`)}
<figcaption>${verdict(mistake, mistake.confidence)} ${rowLink(mistake.id)}${mistake.shares && shareBar(mistake.shares)}</figcaption></figure>
`,
    )}</div>`,
  };
}
