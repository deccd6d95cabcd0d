import { UserError } from '../../engine/user_error.ts';
import type { Galaxies, Galaxy } from '../galaxy.ts';
import { CLASSES, DEFAULT_THRESHOLD, label, softLabel, type ClassName } from '../labels.ts';
import { GALAXY_PRESET } from '../preset.ts';
import { voteStratum } from '../vote_stratum.ts';
import { VOTES, hasFractions, prepareVotes } from './learn_votes.ts';
import { sidesOf } from '../../vision/data/folds.ts';
import type { Split } from '../../vision/data/split.ts';
import { SOFTMAX, judgedBy } from '../../vision/classes/softmax_task.ts';
import type { SplitOptions, Task } from '../../vision/train/task.ts';
import { storedChoices, type TaskKind } from '../../vision/train/task_kind.ts';

/** How votes become the classes that are learnt. */
export interface LabelOptions {
  /** How much of the votes makes a label, 0..1. */
  readonly threshold: number;
  /** Aim at the votes themselves instead of the class. */
  readonly softLabels: boolean;
  /** Share of the target spread evenly over the classes. */
  readonly labelSmoothing: number;
  /**
   * Learn all vote fractions, of galaxies without a label too, and answer the class by those of the first question; or
   * the class alone. Absent: `fit` says votes where the data have them, and elsewhere it is the class.
   */
  readonly learn?: 'class' | 'votes';
}

/**
 * The class of each galaxy, null where no class reaches the threshold, and the side of the split that each labelled one
 * is on.
 */
function labelAndSplit(
  dataset: Galaxies,
  options: SplitOptions & Pick<LabelOptions, 'threshold'>,
): Split & { labels: (ClassName | null)[] } {
  const labels = dataset.examples.map(({ votes }) => (votes ? label(votes, options.threshold) : null));
  const strata = dataset.examples.map(({ votes }, i) => (labels[i] === null ? null : voteStratum(votes!)));
  return { labels, ...sidesOf(dataset, strata, options) };
}

/**
 * Smooth or featured: two classes, by the votes or by cross entropy of their softmax. Galaxies whose votes reach the
 * threshold for neither are never judged, and learnt from by their votes alone.
 */
export function smoothOrFeatured(options: LabelOptions): Task<Galaxy> {
  return {
    name: 'smooth-or-featured',
    outputs: CLASSES,
    ...SOFTMAX,
    ...(options.learn === 'votes' && { learns: VOTES }),
    split: (dataset, sides) => labelAndSplit(dataset, { ...options, ...sides }),
    prepare(dataset, sides) {
      const split = labelAndSplit(dataset, { ...options, ...sides });
      const { labels, train, validation } = split;
      for (const [name, side] of [
        ['training', train],
        ['validation', validation],
      ] as const) {
        for (const className of CLASSES) {
          if (!side.some((i) => labels[i] === className)) {
            throw new UserError(
              `${dataset.name}: no ${className} galaxy reaches the threshold ${options.threshold} on the ${name} side (${side.length} galaxies); give more data, or another --threshold or ${sides.fold ? 'fewer folds' : '--val-fraction'}`,
            );
          }
        }
      }
      if (options.learn === 'votes') return prepareVotes(dataset, split, sides);
      const classOf = (galaxy: number) => CLASSES.indexOf(labels[galaxy]!);
      const smoothing = options.labelSmoothing / CLASSES.length;
      return {
        dataset,
        train,
        validation,
        target(galaxy) {
          const smooth = options.softLabels ? softLabel(dataset.examples[galaxy].votes!) : 1 - classOf(galaxy);
          return [smooth, 1 - smooth].map((p) => p * (1 - options.labelSmoothing) + smoothing);
        },
        ...judgedBy(classOf),
      };
    },
  };
}

export type SmoothOrFeaturedOptions = { readonly name: 'smooth-or-featured' } & LabelOptions;

export const DEFAULT_TASK: SmoothOrFeaturedOptions = {
  name: 'smooth-or-featured',
  threshold: DEFAULT_THRESHOLD,
  softLabels: false,
  labelSmoothing: 0,
};

export const SMOOTH_OR_FEATURED: TaskKind<SmoothOrFeaturedOptions, Galaxy> = {
  name: 'smooth-or-featured',
  data: 'galaxies',
  flags: ['learn', 'threshold', 'softLabels', 'labelSmoothing'],
  preset: GALAXY_PRESET,
  words: {
    known: 'labelled galaxies',
    label: 'votes',
    mismatch: (data) => `was trained on the votes on galaxies, and the images of ${data} have none`,
    answers: 'makes labels of votes',
  },
  choices({
    threshold = DEFAULT_TASK.threshold,
    softLabels = DEFAULT_TASK.softLabels,
    labelSmoothing = DEFAULT_TASK.labelSmoothing,
    learn,
  }) {
    const isOfLabels = softLabels || labelSmoothing > 0;
    if (learn === 'votes' && isOfLabels)
      throw new UserError(
        `--${softLabels ? 'soft-labels' : 'label-smoothing'} says how the class is learnt, and --learn votes learns the votes as they are; leave one of them out`,
      );
    const said = learn ?? (isOfLabels ? 'class' : undefined);
    return {
      name: 'smooth-or-featured',
      threshold,
      softLabels,
      labelSmoothing,
      ...(said && { learn: said as LabelOptions['learn'] }),
    };
  },
  // A training for the class says nothing of it, as those of earlier versions, so that these can be gone on with.
  fit({ learn, ...rest }, dataset) {
    const learnsVotes = learn !== 'class' && hasFractions(dataset);
    if (learn === 'votes' && !learnsVotes)
      throw new UserError(
        `--learn votes needs all ${VOTES.outputs.length} vote fractions of the challenge, and ${dataset.name} has those of the first question alone; leave it out`,
      );
    return { options: learnsVotes ? { ...rest, learn: 'votes' } : rest, outputs: CLASSES };
  },
  resume({ learn, ...rest }, begun, fitted) {
    const could = fitted === undefined || fitted.learn === 'votes';
    const learnsVotes = learn === undefined ? could && begun['learn'] === 'votes' : learn === 'votes';
    return learnsVotes ? { ...rest, learn: 'votes' } : rest;
  },
  stored(file) {
    const { threshold, learn } = storedChoices(file);
    return {
      ...DEFAULT_TASK,
      ...(typeof threshold === 'number' && { threshold }),
      ...(learn === 'votes' && { learn }),
    };
  },
  make: smoothOrFeatured,
  isKnown: ({ votes }) => votes !== null,
  requireKnown() {},
};
