import { UserError } from '../../engine/user_error.ts';
import type { Galaxies, Votes } from '../galaxy.ts';
import type { RgbImage } from '../../vision/data/rgb_image.ts';
import { CLASSES, label, labelTable, type ClassName } from '../labels.ts';
import { hashId } from '../../vision/data/split.ts';
import type { DataSummary, ThresholdCounts } from './data.ts';
import type { SplitCounts } from '../../vision/report/data.ts';
import { toPicture } from '../../vision/report/encode.node.ts';
import { contactSheet } from '../../vision/report/pictures.ts';

export interface SummaryOptions {
  readonly threshold: number;
  /** Galaxies per class in each part; all together when absent. */
  readonly splits?: readonly SplitCounts[];
  /** Galaxies a class on its contact sheet. */
  readonly examples?: number;
}

export interface Summary {
  readonly data: DataSummary;
  /** The contact sheets as images, for those who want them as files. */
  readonly sheets: ReadonlyMap<ClassName, RgbImage>;
}

const THRESHOLDS = [0.5, 0.6, 0.7, 0.8, 0.9];
const COLUMNS = 8;
const TILE = 96;

/** What a dataset holds: counts at several label thresholds, the votes, and examples of each class. */
export async function summariseData(
  dataset: Galaxies,
  { threshold, splits, examples = 24 }: SummaryOptions,
): Promise<Summary> {
  const voted = dataset.examples.flatMap(({ votes }) => (votes ? [votes] : []));
  const counts = countsAt(dataset, threshold);
  const unlabelled = dataset.examples.length - voted.length;
  const notes = [...dataset.notes];
  if (unlabelled > 0) notes.push(`${unlabelled} galaxies have no votes: they can be predicted, not trained on.`);
  const sheets = await contactSheets(dataset, threshold, examples, notes);
  const shares = (answer: keyof Omit<Votes, 'all'>) => voted.map((votes) => votes[answer]);
  return {
    sheets: new Map([...sheets].map(([name, { image }]) => [name, image])),
    data: {
      dataset: dataset.name,
      classes: CLASSES,
      threshold,
      splits: splits ?? [{ name: 'all', counts: counts.counts }],
      ambiguous: counts.ambiguous,
      notes,
      votes:
        voted.length > 0
          ? { smooth: shares('smooth'), featured: shares('featured'), artifact: shares('artifact') }
          : null,
      thresholds:
        voted.length > 0
          ? [...new Set([...THRESHOLDS, threshold])].sort((a, b) => a - b).map((t) => countsAt(dataset, t))
          : [],
      sheets: [...sheets].map(([className, { image, count }]) => ({ className, count, picture: toPicture(image) })),
    },
  };
}

function countsAt(dataset: Galaxies, threshold: number): ThresholdCounts {
  const rows = new Map(labelTable(dataset, threshold).map(({ name, count }) => [name, count]));
  return { threshold, counts: CLASSES.map((name) => rows.get(name)!), ambiguous: rows.get('ambiguous')! };
}

/**
 * The first `examples` galaxies of each class in the order of a hash of their ids: a sample that favours none, the same
 * each time. An image that cannot be decoded is told in `notes`, and the next takes its place.
 */
async function contactSheets(
  dataset: Galaxies,
  threshold: number,
  examples: number,
  notes: string[],
): Promise<Map<ClassName, { image: RgbImage; count: number }>> {
  const order = dataset.examples
    .map(({ id }, index) => ({ index, hash: hashId(id) }))
    .sort((a, b) => a.hash - b.hash || a.index - b.index);
  const sheets = new Map<ClassName, { image: RgbImage; count: number }>();
  for (const name of CLASSES) {
    const images: RgbImage[] = [];
    for (const { index } of order) {
      if (images.length === examples) break;
      const { votes } = dataset.examples[index];
      if (!votes || label(votes, threshold) !== name) continue;
      try {
        images.push(await dataset.load(index));
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        notes.push(`${error.message}.`);
      }
    }
    if (images.length > 0) sheets.set(name, { image: contactSheet(images, COLUMNS, TILE), count: images.length });
  }
  return sheets;
}
