import type { ReportData } from './data.ts';
import { html } from './html.ts';
import { duration, page } from './pieces.ts';
import type { Section } from './pieces.ts';
import { dataSection } from './section_data.ts';
import { evaluationSection, headline } from './section_evaluation.ts';
import { extremesSection, fractionsHeadline, fractionsSection } from './section_fractions.ts';
import { gradCamSection, mistakesSection, shareMapsSection } from './section_pictures.ts';
import { trainingSection } from './section_training.ts';
import { votesSection } from './section_votes.ts';

/**
 * The report of a training run as one HTML file that refers to nothing outside itself. Sections whose data is absent
 * are left out; the same data gives the same bytes. Throws where a picture is not a `data:image/` URI.
 */
export async function renderReport(report: ReportData): Promise<string> {
  const { run, data, votes, training, evaluation, fractions, gradCam, shareMaps, extremes, mistakes } = report;
  const sections: Section[] = [];
  if (data) sections.push(await dataSection(data));
  if (votes) sections.push(await votesSection(votes));
  if (training) sections.push(await trainingSection(training));
  if (evaluation) sections.push(await evaluationSection(evaluation));
  if (fractions) sections.push(await fractionsSection(fractions));
  if (gradCam && gradCam.cases.length > 0) sections.push(gradCamSection(gradCam));
  if (shareMaps && shareMaps.cases.length > 0) sections.push(shareMapsSection(shareMaps));
  if (extremes) sections.push(extremesSection(extremes));
  if (mistakes && mistakes.length > 0) sections.push(mistakesSection(mistakes));
  const facts = [
    ['Model', run.model],
    ['Adapter', run.adapter],
    ...(run.seconds === undefined ? [] : [['Time in epochs', duration(run.seconds)] as const]),
    ...(run.seed === undefined ? [] : [['Seed', run.seed] as const]),
  ] as const;
  return page(
    run.name,
    html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${evaluation && headline(evaluation)}${fractions && fractionsHeadline(fractions)}`,
    sections,
  );
}
