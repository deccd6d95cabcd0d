import type { Galaxies, Votes } from '../galaxy.ts';
import type { RgbImage } from '../../vision/data/rgb_image.ts';
import { CLASSES, label, labelTable, type ClassName } from '../labels.ts';
import type { DataSummary, ThresholdCounts } from './data.ts';
import type { SplitCounts } from '../../vision/report/data.ts';
import { toSheets } from '../../vision/report/encode.node.ts';
import { contactSheets } from '../../vision/report/contact_sheets.node.ts';

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
  const classOf = (galaxy: number) => {
    const { votes } = dataset.examples[galaxy];
    return votes && label(votes, threshold);
  };
  const sheets = await contactSheets(dataset, CLASSES, classOf, examples, notes);
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
      sheets: await toSheets(sheets),
    },
  };
}

function countsAt(dataset: Galaxies, threshold: number): ThresholdCounts {
  const rows = new Map(labelTable(dataset, threshold).map(({ name, count }) => [name, count]));
  return { threshold, counts: CLASSES.map((name) => rows.get(name)!), ambiguous: rows.get('ambiguous')! };
}
