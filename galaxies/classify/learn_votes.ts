import { judgedBy } from '../../vision/classes/softmax_task.ts';
import { sidesOf } from '../../vision/data/folds.ts';
import type { Split } from '../../vision/data/split.ts';
import { meanSquare } from '../../vision/judge/column_errors.ts';
import type { Learnt, Prepared, SplitOptions } from '../../vision/train/task.ts';
import { challenge } from '../challenge/task.ts';
import type { Galaxies } from '../galaxy.ts';
import type { ClassName } from '../labels.ts';

/**
 * All 37 vote fractions, as the challenge learns them. The first two are those of smooth and featured, by the softmax
 * of the first question: without the third answer, an artifact, they are the softmax of their own logits.
 */
export const VOTES: Learnt = challenge('tree');

/** Whether all galaxies with votes have the 37 fractions. */
export const hasFractions = ({ examples }: Galaxies): boolean =>
  examples.some(({ votes }) => votes) && examples.every(({ votes }) => !votes || votes.all);

/**
 * A training on the fractions: from the labelled galaxies, and from those without a label that are not on the
 * validation side or kept for a test. In folds these have no side, and all are learnt from: none is ever judged.
 */
export function prepareVotes(
  dataset: Galaxies,
  { labels, train, validation }: Split & { readonly labels: readonly (ClassName | null)[] },
  { fold, ...sides }: SplitOptions,
): Prepared {
  const unclear = dataset.examples.map(({ votes }, i) => (votes && labels[i] === null ? 'unclear' : null));
  const { train: further } = sidesOf(dataset, unclear, { ...sides, ...(fold && { valFraction: 0 }) });
  const votesOf = (galaxy: number) => dataset.examples[galaxy].votes!.all!;
  // Of a galaxy without a label too, the class is what more volunteers saw.
  const classOf = (galaxy: number) => Number(votesOf(galaxy)[1] > votesOf(galaxy)[0]);
  const { mark } = judgedBy(classOf);
  return {
    dataset,
    train: [...train, ...further].sort((a, b) => a - b),
    validation,
    target: votesOf,
    classOf,
    loss: (row, galaxy) => meanSquare(row, votesOf(galaxy)),
    mark: (row, galaxy) => mark([row[0], row[1]], galaxy),
  };
}
