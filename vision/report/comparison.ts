import type { ComparisonData, Epoch } from './data.ts';
import { html } from './html.ts';
import type { Html } from './html.ts';
import { key, page, plot, table } from './pieces.ts';
import type { Section } from './pieces.ts';
import { runCurves } from './plots_runs.ts';
import { COLOURS } from './svg.ts';

/** Two turns through the colours; the second is dashed. */
export const MOST_RUNS = 2 * COLOURS;

/** What an epoch measures beside the loss, then the loss. */
const metricsOf = ({ train }: Epoch): string[] => [...Object.keys(train).filter((name) => name !== 'loss'), 'loss'];

async function curvesSection(
  { task, runs }: ComparisonData['curves'][number],
  names: readonly string[],
  several: boolean,
): Promise<Section> {
  const figures: Html[] = [];
  for (const metric of metricsOf(runs[0].epochs[0])) {
    for (const part of ['validation', 'train'] as const) {
      const title = `${metric === 'loss' ? 'Loss' : metric === 'accuracy' ? 'Accuracy' : metric}, ${part === 'train' ? 'training' : 'validation'}`;
      figures.push(
        await plot(runCurves(runs, metric, part), title, key(runs.map(({ place }) => ({ name: names[place], place })))),
      );
    }
  }
  return {
    id: `curves-${task}`,
    title: several ? `The curves: ${task}` : 'The curves',
    body: html`<div class="grid">${figures}</div>`,
  };
}

/**
 * Trainings beside each other on a page: their table, their options, their curves over each other. Same promises as
 * `renderReport`.
 */
export async function renderComparison({
  title,
  warnings,
  runs,
  options,
  names,
  curves,
}: ComparisonData): Promise<string> {
  const drawn = curves.filter((group) => group.runs.length > 0);
  const sections: Section[] = [
    {
      id: 'runs',
      title: 'The runs',
      body: html`${warnings.map((warning) => html`<p class="wrong">Warning: ${warning}.</p>`)}
<p>Figures are those of the validation split. Best is the epoch with the smallest validation loss; training and validation count images.</p>
${table({ caption: 'Figures and networks', columns: runs.columns, rows: runs.rows })}
${options.rows.length > 0 && table({ caption: 'The options in which they differ', columns: options.columns, rows: options.rows, plain: true })}`,
    },
  ];
  for (const group of drawn) sections.push(await curvesSection(group, names, drawn.length > 1));
  return page(title, html`<p class="soft">Trainings beside each other.</p>`, sections);
}
