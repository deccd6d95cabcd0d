import { html, type Html } from '../../vision/report/html.ts';
import { plot, type Section } from '../../vision/report/pieces.ts';
import { runPage } from '../../vision/report/report.ts';
import { evaluationSection, headline } from '../../vision/report/section_evaluation.ts';
import { gradCamSection, mistakesSection } from '../../vision/report/section_pictures.ts';
import { trainingSection } from '../../vision/report/section_training.ts';
import type { ReportData, TradeOff } from './data.ts';
import { tradeOffCurve } from './plots_votes.ts';
import { dataSection } from './section_data.ts';
import { extremesSection, fractionsHeadline, fractionsSection } from './section_fractions.ts';
import { shareMapsSection } from './section_shares.ts';
import { votesSection } from './section_votes.ts';

const tradeOffFigures = async (tradeOff: readonly TradeOff[]): Promise<Html[]> =>
  tradeOff.length === 0
    ? []
    : [
        await plot(
          tradeOffCurve(tradeOff),
          'Threshold trade-off',
          'Accuracy on the judged galaxies whose votes reach the label threshold in use and stricter ones, over how many those are. Clearer galaxies are easier, and fewer.',
        ),
      ];

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
  if (evaluation) sections.push(await evaluationSection(evaluation, await tradeOffFigures(evaluation.tradeOff)));
  if (fractions) sections.push(await fractionsSection(fractions));
  if (gradCam && gradCam.cases.length > 0) sections.push(gradCamSection(gradCam));
  if (shareMaps && shareMaps.cases.length > 0) sections.push(shareMapsSection(shareMaps));
  if (extremes) sections.push(extremesSection(extremes));
  if (mistakes && mistakes.length > 0) sections.push(mistakesSection(mistakes));
  const top = html`${evaluation && headline(evaluation)}${fractions && fractionsHeadline(fractions)}`;
  return runPage(run, top, sections);
}
