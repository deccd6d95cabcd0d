import { reshape } from '../../engine/ops/leaves.ts';
import { square, sub } from '../../engine/ops/pointwise.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { UserError } from '../../engine/user_error.ts';
import { CHALLENGE_COLUMNS } from '../columns.ts';
import type { Galaxies, Galaxy } from '../galaxy.ts';
import { sidesOf } from '../../vision/data/folds.ts';
import type { Split } from '../../vision/data/split.ts';
import { meanSquare } from '../../vision/judge/column_errors.ts';
import { FIGURES } from '../../vision/judge/figures.ts';
import type { SplitOptions, Task } from '../../vision/train/task.ts';
import type { TaskKind } from '../../vision/train/task_kind.ts';
import { GALAXY_PRESET } from '../preset.ts';
import { voteStratum } from '../vote_stratum.ts';
import { HEADS, type HeadName } from './heads.ts';
import { SUBMISSION_HEADER, submissionRow } from './submission.ts';

/**
 * Galaxies with all 37 fractions, and the side of the split that each is on. Throws a UserError where none has them.
 */
export function splitVoted(dataset: Galaxies, options: SplitOptions): Split {
  const strata = dataset.examples.map(({ votes }) => (votes?.all ? voteStratum(votes) : null));
  if (strata.every((stratum) => stratum === null)) {
    throw new UserError(
      `${dataset.name} has no vote fractions to learn from: the challenge needs its ${CHALLENGE_COLUMNS.length} columns, ${CHALLENGE_COLUMNS[0]} to ${CHALLENGE_COLUMNS[CHALLENGE_COLUMNS.length - 1]}, in a csv beside images/`,
    );
  }
  return sidesOf(dataset, strata, options);
}

/** The Galaxy Challenge: all 37 vote fractions, the mean of their squared errors; told as its root. */
export function challenge(head: HeadName): Task<Galaxy> {
  return {
    name: 'challenge',
    head,
    answers: 'fractions',
    outputs: CHALLENGE_COLUMNS,
    scores: HEADS[head],
    prediction: (row) => row,
    loss: (fractions, targets) => reshape(mean(square(sub(fractions, targets))), []),
    figure: FIGURES.RMSE,
    formats: { kaggle: { header: SUBMISSION_HEADER, row: submissionRow } },
    split: splitVoted,
    prepare(dataset, sides) {
      const { train, validation } = splitVoted(dataset, sides);
      for (const [name, side] of [
        ['training', train],
        ['validation', validation],
      ] as const) {
        if (side.length === 0)
          throw new UserError(
            `${dataset.name}: no galaxy with votes is on the ${name} side; give more data, or ${sides.fold ? 'fewer folds' : 'another --val-fraction'}`,
          );
      }
      const votesOf = (galaxy: number) => dataset.examples[galaxy].votes!.all!;
      const error = (row: ArrayLike<number>, galaxy: number) => meanSquare(row, votesOf(galaxy));
      return { dataset, train, validation, target: votesOf, loss: error, mark: error };
    },
  };
}

export interface ChallengeOptions {
  readonly name: 'challenge';
  readonly head: HeadName;
}

export const CHALLENGE: TaskKind<ChallengeOptions, Galaxy> = {
  name: 'challenge',
  data: 'galaxies',
  flags: ['head'],
  preset: GALAXY_PRESET,
  words: {
    known: 'galaxies with votes',
    label: 'votes',
    mismatch: (data) => `was trained on the votes on galaxies, and the images of ${data} have none`,
    answers: 'predicts the votes themselves',
  },
  choices({ head = 'tree' }) {
    if (!Object.hasOwn(HEADS, head))
      throw new UserError(
        `--head ${head} learns from counts, and the challenge gives fractions; give tree or independent`,
      );
    return { name: 'challenge', head: head as HeadName };
  },
  fit: (options) => ({ options, outputs: CHALLENGE_COLUMNS }),
  stored({ task, classes }, source) {
    const { head } = task!;
    if (!Object.hasOwn(HEADS, head))
      throw new UserError(`${source}: it has the head ${head}, which this program does not know`);
    if (classes.join() !== CHALLENGE_COLUMNS.join())
      throw new UserError(
        `${source}: its outputs are ${classes.join(', ')}, which are not the challenge's columns in their order; the file is damaged or was edited`,
      );
    return { name: 'challenge', head: head as HeadName };
  },
  make: ({ head }) => challenge(head),
  isKnown: ({ votes }) => Boolean(votes?.all),
  requireKnown() {},
};
