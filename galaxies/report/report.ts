import type { ReportData } from './data.ts';
import { html } from './html.ts';
import { duration, page } from './pieces.ts';
import type { Section } from './pieces.ts';
import { dataSection } from './section_data.ts';
import { evaluationSection, headline } from './section_evaluation.ts';
import { fractionsHeadline, fractionsSection } from './section_fractions.ts';
import { gradCamSection, mistakesSection } from './section_pictures.ts';
import { trainingSection } from './section_training.ts';

/**
 * The report of a training run as one HTML file that refers to nothing outside itself. Sections whose data is absent
 * are left out; the same data gives the same bytes. Throws where a picture is not a `data:image/` URI.
 */
export async function renderReport(report: ReportData): Promise<string> {
  const { run, data, training, evaluation, fractions, gradCam, mistakes } = report;
  const sections: Section[] = [];
  if (data) sections.push(await dataSection(data));
  if (training) sections.push(await trainingSection(training));
  if (evaluation) sections.push(await evaluationSection(evaluation));
  if (fractions) sections.push(fractionsSection(fractions));
  if (gradCam && gradCam.cases.length > 0) sections.push(gradCamSection(gradCam));
  if (mistakes && mistakes.length > 0) sections.push(mistakesSection(mistakes));
  const facts = [
    ['Model', run.model], ['Adapter', run.adapter],
    ...(run.seconds === undefined ? [] : [['Time in epochs', duration(run.seconds)] as const]),
    ...(run.seed === undefined ? [] : [['Seed', run.seed] as const]),
  ] as const;
  return page(run.name, html`<dl class="facts">${facts.map(([name, value]) =>
    html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
${evaluation && headline(evaluation)}${fractions && fractionsHeadline(fractions)}`, sections);
}
