import { html } from '../../vision/report/html.ts';
import { percent, type Section } from '../../vision/report/pieces.ts';
import { caseFigure, readingMaps } from '../../vision/report/section_pictures.ts';
import type { ShareMaps } from './data.ts';

/** For each question the galaxy with the strongest answer to it. */
export function shareMapsSection({ layer, cases }: ShareMaps): Section {
  return {
    id: 'grad-cam',
    title: 'Where the network looks',
    body: html`${readingMaps(layer, 'one answer to each question, and the galaxy of which the network predicts most of it beyond the mean')}
<div class="cases">${cases.map((item) => caseFigure(item, html`<strong>${item.question}: ${item.answer}.</strong> Predicted ${percent(item.predicted, 0)} of the votes (${percent(item.mean, 0)} on average); given ${percent(item.voted, 0)}.`))}</div>`,
  };
}
