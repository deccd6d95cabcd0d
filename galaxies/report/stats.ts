import type { StatsData } from './data.ts';
import { html } from '../../vision/report/html.ts';
import { page, type Section } from '../../vision/report/pieces.ts';
import { dataSection } from './section_data.ts';

/** The page of `data stats`: the first section of a training report, on its own. Same promises as `renderReport`. */
export async function renderStats({ title, data }: StatsData, further: readonly Section[] = []): Promise<string> {
  return page(title, html`<p class="soft">What the galaxies look like and what the volunteers said about them.</p>`, [
    await dataSection(data),
    ...further,
  ]);
}
