import { jsonText } from '../vision/json_text.ts';
import { join } from 'node:path';
import { labelTable } from '../galaxies/labels.ts';
import { openDataset } from '../galaxies/open_dataset.node.ts';
import { toPng } from '../vision/report/encode.node.ts';
import { percent } from '../vision/report/pieces.ts';
import { thresholdBars } from '../galaxies/report/plots_votes.ts';
import { voteHistogram } from '../galaxies/report/plots_votes.ts';
import { renderStats } from '../galaxies/report/stats.ts';
import { summariseData, type Summary } from '../galaxies/report/summary.node.ts';
import { renderSvg } from '../vision/report/svg.ts';
import { writeFileAtomic } from '../models/formats/atomic.node.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';
import type { GlobalOptions } from './options.ts';

export interface StatsOptions extends GlobalOptions {
  readonly data: string;
  readonly threshold: number;
  readonly out: string;
}

/** Counts, page and pictures of a dataset: writes stats.html, an .svg a plot and a .png a class, prints the counts. */
export async function dataStats({ data, threshold, out, json }: StatsOptions): Promise<void> {
  const dataset = await openDataset(data);
  try {
    const rows = labelTable(dataset, threshold);
    const summary = await summariseData(dataset, { threshold });
    const files = await writeAll(out, summary);
    const { thresholds, notes } = summary.data;
    if (json)
      console.log(
        jsonText({
          dataset: dataset.name,
          galaxies: dataset.examples.length,
          threshold,
          classes: rows,
          thresholds,
          notes,
          files,
        }),
      );
    else {
      console.log(
        `${dataset.name}: ${dataset.examples.length} galaxies, labelled where one answer has at least ${threshold} of the votes`,
      );
      for (const { name, count, share } of rows)
        console.log(`  ${name.padEnd(11)}${String(count).padStart(8)}${percent(share).padStart(9)}`);
      for (const note of notes) console.log(`Note: ${note}`);
      console.log(`Page: ${files[0]}`);
    }
  } finally {
    await dataset.close();
  }
}

/** Writes the page and the pictures; returns their paths, the page first. */
async function writeAll(folder: string, { data, sheets }: Summary): Promise<string[]> {
  makeFolder(folder);
  const files = new Map<string, string | Uint8Array>([
    ['stats.html', await renderStats({ title: `Galaxies of ${data.dataset}`, data })],
  ]);
  for (const name of ['smooth', 'featured', 'artifact'] as const) {
    if (!data.votes) break;
    const spec = voteHistogram(name, data.votes[name], name === 'artifact' ? null : data.threshold);
    files.set(`votes_${name}.svg`, standalone(await renderSvg(spec, `Votes for ${name}`)));
  }
  if (data.thresholds.length > 0)
    files.set(
      'thresholds.svg',
      standalone(await renderSvg(thresholdBars(data.thresholds, data.classes), 'What a threshold costs')),
    );
  for (const [name, image] of sheets) files.set(`examples_${name}.png`, toPng(image));
  for (const [name, contents] of files) await writeFileAtomic(join(folder, name), contents);
  return [...files.keys()].map((name) => join(folder, name));
}

/** On a page the report's style sheet colours a drawing's words; alone, on any viewer's ground, it brings its own. */
const standalone = (svg: string): string => svg.replace(/^<svg /, '<svg color="#333" style="background:#fff" ');
