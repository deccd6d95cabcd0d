import { UserError } from '../../engine/user_error.ts';
import type { Dataset } from '../dataset.ts';
import { CLASSES, label, softLabel, type ClassName } from '../labels.ts';
import { parseIdRanges, split, type Split } from '../split.ts';
import type { ClassifyOptions } from './options.ts';

/** Galaxies with the class they count as, and which side of the split they are on; indices into the dataset. */
export interface Prepared {
  readonly dataset: Dataset;
  readonly classes: readonly string[];
  readonly train: readonly number[];
  readonly validation: readonly number[];
  /** Class number of a labelled galaxy. */
  classOf(galaxy: number): number;
  /** The target distribution over the classes that training aims at. */
  target(galaxy: number): readonly number[];
}

type PrepareOptions = Pick<ClassifyOptions, 'threshold' | 'softLabels' | 'labelSmoothing' | 'valFraction' | 'trainOnly' | 'seed'>;

/** The class of each galaxy, null where no class reaches the threshold, and the side of the split that each labelled one is on. */
export function labelAndSplit(dataset: Dataset, { threshold, valFraction, trainOnly }: Pick<ClassifyOptions, 'threshold' | 'valFraction' | 'trainOnly'>): Split & { labels: (ClassName | null)[] } {
  const labels = dataset.galaxies.map(({ votes }) => (votes ? label(votes, threshold) : null));
  const ids = dataset.galaxies.map((g) => g.id);
  return { labels, ...split(ids, labels, { valFraction, trainOnly: trainOnly === null ? undefined : parseIdRanges(trainOnly) }) };
}

/** Labels and splits a dataset. Throws a UserError where either side of the split lacks a class. */
export function prepare(dataset: Dataset, options: PrepareOptions): Prepared {
  const { labels, train, validation } = labelAndSplit(dataset, options);
  for (const [name, side] of [['training', train], ['validation', validation]] as const) {
    for (const className of CLASSES) {
      if (!side.some((i) => labels[i] === className)) {
        throw new UserError(`${dataset.name}: no ${className} galaxy reaches the threshold ${options.threshold} on the ${name} side (${side.length} galaxies); give more data, or another --threshold or --val-fraction`);
      }
    }
  }
  const classOf = (galaxy: number) => CLASSES.indexOf(labels[galaxy]!);
  const smoothing = options.labelSmoothing / CLASSES.length;
  return {
    dataset,
    classes: CLASSES,
    train,
    validation,
    classOf,
    target(galaxy) {
      const smooth = options.softLabels ? softLabel(dataset.galaxies[galaxy].votes!) : 1 - classOf(galaxy);
      return [smooth, 1 - smooth].map((p) => p * (1 - options.labelSmoothing) + smoothing);
    },
  };
}
