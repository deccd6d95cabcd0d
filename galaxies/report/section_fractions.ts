import type { Fractions } from './data.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { count, decimal, table } from './pieces.ts';
import type { Section } from './pieces.ts';

/** The numbers a reader came for, as cards. */
export function fractionsHeadline({ rmse, constant, galaxies }: Fractions): Html {
  const card = (value: string, name: string, detail: string) => html`<li>${name}<strong>${value}</strong><small>${detail}</small></li>`;
  return html`<ul class="numbers">
${card(decimal(rmse, 4), 'RMSE', 'over all galaxies and columns; 0 is perfect')}
${card(decimal(constant, 4), 'Constant answer', 'RMSE of each column\'s mean over these galaxies')}
${card(count(galaxies), 'Galaxies judged', 'against the shares of their votes')}
</ul>`;
}

/** How far predicted vote fractions are from the votes. */
export function fractionsSection({ measuredOn, galaxies, perQuestion, perColumn }: Fractions): Section {
  return {
    id: 'evaluation',
    title: 'The evaluation',
    body: html`<p>Measured on ${count(galaxies)} galaxies: ${measuredOn}. The error is the root of the mean squared difference between predicted and given shares of the votes; beside it what the mean of each column would give.</p>
<div class="tables">${table({
    caption: 'RMSE by question',
    columns: ['question', 'RMSE', 'constant answer'],
    rows: perQuestion.map(({ number, text, rmse, constant }) => [`${number}. ${text}`, decimal(rmse, 4), decimal(constant, 4)]),
  })}${table({
    caption: 'RMSE by column',
    columns: ['column', 'answer', 'RMSE', 'constant answer'],
    rows: perColumn.map(({ name, answer, rmse, constant }) => [name, answer, decimal(rmse, 4), decimal(constant, 4)]),
  })}</div>`,
  };
}
