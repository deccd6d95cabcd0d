import { reshape } from '../../engine/ops/leaves.ts';
import { square, sub } from '../../engine/ops/pointwise.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { UserError } from '../../engine/user_error.ts';
import { CHALLENGE_COLUMNS } from '../columns.ts';
import type { Galaxies, Galaxy } from '../galaxy.ts';
import { sidesOf } from '../../vision/data/folds.ts';
import type { Split } from '../../vision/data/split.ts';
import type { SplitOptions, Task } from '../../vision/train/task.ts';
import { voteStratum } from '../vote_stratum.ts';
import { HEADS, type HeadName } from './heads.ts';
import { squaredError } from './rmse.ts';

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
    figure: { name: 'RMSE', of: Math.sqrt },
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
      const error = (row: ArrayLike<number>, galaxy: number) => squaredError(row, votesOf(galaxy));
      return { dataset, train, validation, target: votesOf, loss: error, mark: error };
    },
  };
}
