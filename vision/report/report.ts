import type { RunFacts } from './data.ts';
import { html, type Content } from './html.ts';
import { duration, page, type Section } from './pieces.ts';

const trainingTime = (seconds: number, frontSeconds = 0): string =>
  `${duration(seconds)}${frontSeconds > 0 ? `, of it ${duration(frontSeconds)} in the frozen front` : ''}`;

/**
 * The report of a run as one HTML file that refers to nothing outside itself: what the run is, the `headline` of its
 * task, and sections. The same data gives the same bytes.
 */
export function runPage(run: RunFacts, headline: Content, sections: readonly Section[]): string {
  const facts = [
    ['Model', run.model],
    ['Adapter', run.adapter],
    ...(run.seconds === undefined ? [] : [['Training time', trainingTime(run.seconds, run.frontSeconds)] as const]),
    ...(run.seed === undefined ? [] : [['Seed', run.seed] as const]),
    ...(run.version === undefined ? [] : [['Tuningfork', run.version] as const]),
    ...(run.date === undefined ? [] : [['Made on', run.date] as const]),
    ...(run.command === undefined ? [] : [['Command', run.command] as const]),
  ] as const;
  return page(
    run.name,
    html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${headline}`,
    sections,
  );
}
