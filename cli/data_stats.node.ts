import { jsonText } from '../vision/json_text.ts';
import { join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { labelTable } from '../galaxies/labels.ts';
import type { Galaxies } from '../galaxies/galaxy.ts';
import { summariseClasses } from '../vision/classes/report.node.ts';
import type { Dataset } from '../vision/data/dataset.ts';
import { classNames, type Labelled } from '../vision/data/labelled.ts';
import { imagesMet, type ImagesMet } from '../vision/data/images_met.node.ts';
import type { Progress } from '../vision/progress.ts';
import { imageSentences, imagesSection } from '../vision/report/section_images.ts';
import { summariseTargets } from '../vision/targets/report.node.ts';
import { targetsSection, TARGET_HEADS, targetRows } from '../vision/targets/sections.ts';
import { TARGETS } from '../vision/targets/task.ts';
import { summariseVotes } from '../vision/votes/report.node.ts';
import { votedSection, VOTE_HEADS, voteRows } from '../vision/votes/sections.ts';
import type { Schema } from '../vision/votes/schema.ts';
import { VOTES } from '../vision/votes/task.ts';
import { classesSection } from '../vision/report/section_classes.ts';
import { dataSpecOrDrawn, fileName, openData, type DataFlags } from './open_data.node.ts';
import { terminalProgress } from './progress.node.ts';
import { textTable } from '../vision/report/text_table.ts';
import { toPng } from '../vision/report/encode.node.ts';
import { page, percent, type Section } from '../vision/report/pieces.ts';
import { thresholdBars } from '../galaxies/report/plots_votes.ts';
import { voteHistogram } from '../galaxies/report/plots_votes.ts';
import { renderStats } from '../galaxies/report/stats.ts';
import { summariseData, type Summary } from '../galaxies/report/summary.node.ts';
import { renderSvg } from '../vision/report/svg.ts';
import { writeFileAtomic } from '../models/formats/atomic.node.ts';
import { makeFolder } from '../models/formats/make_folder.node.ts';
import type { GlobalOptions } from './options.ts';

export interface StatsOptions extends GlobalOptions, DataFlags {
  readonly threshold: number;
  readonly skipBad?: boolean;
  /** Decode no more than the images that are shown. */
  readonly quick?: boolean;
  readonly out: string;
}

/** Counts, page and pictures of a dataset: writes stats.html, an .svg a plot and a .png a class, prints the counts. */
export async function dataStats(options: StatsOptions): Promise<void> {
  const progress = terminalProgress();
  const opened = await openData(dataSpecOrDrawn(options), progress, { skipBad: options.skipBad });
  const { dataset } = opened;
  try {
    const told = { ...options, met: options.quick ? undefined : await met(dataset, progress) };
    if (opened.kind === 'galaxies') await galaxyStats(opened.dataset, told);
    else if (options.schema) await voteStats(opened.dataset, options.schema, told);
    else if (opened.targets.length > 0) await targetStats(opened.dataset, opened.targets, told);
    else await classStats(opened.dataset, told);
  } finally {
    progress.end();
    await dataset.close();
  }
}

/** What the commands print and show: the options, and what images were met; undefined where none was decoded. */
interface Told extends StatsOptions {
  readonly met: ImagesMet | undefined;
}

/** Decodes all images. Drawn ones are all alike, and tell nothing. */
async function met(dataset: Dataset, progress: Progress): Promise<ImagesMet | undefined> {
  if (!dataset.stamp) return undefined;
  progress.start('decoding images', dataset.examples.length);
  const found = await imagesMet(dataset, (done) => progress.tick(done));
  progress.end();
  return found;
}

const tellMet = (found: ImagesMet | undefined): void => {
  for (const sentence of found ? imageSentences(found) : []) console.log(sentence);
};

const metSections = (found: ImagesMet | undefined): Section[] => (found ? [imagesSection(found)] : []);

async function galaxyStats(dataset: Galaxies, { threshold, out, json, met: found }: Told): Promise<void> {
  const rows = labelTable(dataset, threshold);
  const summary = await summariseData(dataset, { threshold });
  const files = await writeAll(out, summary, metSections(found));
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
        ...found,
        files,
      }),
    );
  else {
    console.log(
      `${dataset.name}: ${dataset.examples.length} galaxies, labelled where one answer has at least ${threshold} of the votes`,
    );
    for (const { name, count, share } of rows)
      console.log(`  ${name.padEnd(11)}${String(count).padStart(8)}${percent(share).padStart(9)}`);
    tellMet(found);
    for (const note of notes) console.log(`Note: ${note}`);
    console.log(`Page: ${files[0]}`);
  }
}

/** The images that are known, by the sides that the data name. */
function sidesIn({ examples }: Dataset<Labelled>, known: (example: Labelled) => boolean) {
  const all = examples.flatMap((example, i) => (known(example) ? [i] : []));
  const named = (['train', 'validation', 'test'] as const)
    .map((side) => ({ name: side as string, examples: all.filter((i) => examples[i].side === side) }))
    .filter((side) => side.examples.length > 0);
  const rest = all.filter((i) => examples[i].side === null);
  return rest.length > 0 ? [...named, { name: named.length > 0 ? 'no side' : 'all', examples: rest }] : named;
}

/** Counts, page and pictures of images with numbers. */
async function targetStats(
  dataset: Dataset<Labelled>,
  columns: readonly string[],
  { out, json, met: found }: Told,
): Promise<void> {
  const { name, examples } = dataset;
  // Throws where there is nothing to learn.
  TARGETS.fit(TARGETS.choices({ targetColumns: columns }), dataset);
  const sides = sidesIn(dataset, ({ values }) => values !== null);
  const summary = await summariseTargets(dataset, columns, sides);
  const stats = page(`Images of ${name}`, 'What the images look like, and how their targets lie.', [
    await targetsSection(summary),
    ...metSections(found),
  ]);
  const files = await writeFiles(out, [['stats.html', stats]]);
  const { splits, leftOut, notes } = summary;
  const table = targetRows(summary);
  if (json) {
    console.log(
      jsonText({
        dataset: name,
        images: examples.length,
        targets: columns,
        splits,
        withoutTargets: leftOut,
        notes,
        ...found,
        files,
      }),
    );
    return;
  }
  console.log(`${name}: ${examples.length} images, ${examples.length - leftOut} with targets`);
  console.log(textTable(TARGET_HEADS, table));
  tellMet(found);
  for (const note of notes) console.log(`Note: ${note}`);
  console.log(`Page: ${files[0]}`);
}

/** Counts, page and pictures of images that people answered questions on. */
async function voteStats(dataset: Dataset<Labelled>, schema: Schema, { out, json, met: found }: Told): Promise<void> {
  const { name, examples } = dataset;
  VOTES.fit(VOTES.choices({ schema }), dataset);
  const summary = await summariseVotes(
    dataset,
    schema,
    sidesIn(dataset, ({ values }) => values?.some((votes) => votes > 0) ?? false),
  );
  const stats = page(`Images of ${name}`, 'What the images look like, and what people said of them.', [
    votedSection(summary),
    ...metSections(found),
  ]);
  const files = await writeFiles(out, [['stats.html', stats]]);
  const { splits, leftOut, notes, questions } = summary;
  if (json) {
    console.log(
      jsonText({
        dataset: name,
        images: examples.length,
        questions,
        splits,
        withoutVotes: leftOut,
        notes,
        ...found,
        files,
      }),
    );
    return;
  }
  console.log(`${name}: ${examples.length} images, ${examples.length - leftOut} with votes`);
  console.log(textTable(VOTE_HEADS, voteRows(summary)));
  tellMet(found);
  for (const note of notes) console.log(`Note: ${note}`);
  console.log(`Page: ${files[0]}`);
}

/** Counts, page and pictures of images with classes. */
async function classStats(dataset: Dataset<Labelled>, { out, json, met: found }: Told): Promise<void> {
  const { name, examples } = dataset;
  const classes = [...new Set(examples.flatMap(({ label }) => label ?? []))].sort();
  const sides = sidesIn(dataset, ({ label }) => label !== null);
  const { summary, sheets } = await summariseClasses(dataset, classes, sides);
  const stats = page(`Images of ${name}`, 'What the images look like, and of which classes they are.', [
    classesSection(summary),
    ...metSections(found),
  ]);
  const files = await writeFiles(out, [
    ['stats.html', stats],
    ...[...sheets].map(([className, image]) => [`examples_${fileName(className)}.png`, toPng(image)] as const),
  ]);
  const counts = classes.map((className, k) => ({
    name: className,
    count: summary.splits.reduce((sum, split) => sum + split.counts[k], 0),
  }));
  const { splits, unlabelled } = summary;
  const notes = [...summary.notes, ...untrainable(dataset)];
  if (json) {
    console.log(
      jsonText({ dataset: name, images: examples.length, classes: counts, splits, unlabelled, notes, ...found, files }),
    );
    return;
  }
  console.log(`${name}: ${examples.length} images, ${classes.length} classes`);
  const columns = ['class', ...splits.map((split) => split.name)];
  const rows = classes.map((className, k) => [className, ...splits.map((split) => String(split.counts[k]))]);
  if (rows.length > 0) console.log(textTable(columns, rows));
  if (unlabelled > 0) console.log(`${unlabelled} without a label`);
  tellMet(found);
  for (const note of notes) console.log(`Note: ${note}`);
  console.log(`Page: ${files[0]}`);
}

/** Why no training could begin with these labels, where it could not. */
function untrainable({ name, examples }: Dataset<Labelled>): string[] {
  try {
    classNames(name, examples);
    return [];
  } catch (error) {
    if (error instanceof UserError) return [error.message];
    throw error;
  }
}

/** Writes the page and the pictures; returns their paths, the page first. */
async function writeAll(folder: string, { data, sheets }: Summary, further: readonly Section[]): Promise<string[]> {
  const files = new Map<string, string | Uint8Array>([
    ['stats.html', await renderStats({ title: `Galaxies of ${data.dataset}`, data }, further)],
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
  return writeFiles(folder, [...files]);
}

/** Writes files into a folder and returns their paths. */
async function writeFiles(
  folder: string,
  files: readonly (readonly [name: string, contents: string | Uint8Array])[],
): Promise<string[]> {
  makeFolder(folder);
  for (const [name, contents] of files) await writeFileAtomic(join(folder, name), contents);
  return files.map(([name]) => join(folder, name));
}

/** On a page the report's style sheet colours a drawing's words; alone, on any viewer's ground, it brings its own. */
const standalone = (svg: string): string => svg.replace(/^<svg /, '<svg color="#333" style="background:#fff" ');
