import { UserError } from '../../engine/user_error.ts';
import type { Dataset } from './dataset.ts';
import { hashId, isKeptForTest, parseIdRanges, split, type Split } from './split.ts';
import type { Fold, Prepared, SplitOptions } from '../train/task.ts';

/** The most folds of a cross-validation. */
export const MOST_FOLDS = 100;

export interface FoldOptions {
  readonly folds: number;
  readonly seed?: number;
}

/**
 * Divides images into folds for cross-validation: each with a stratum is in exactly one fold; those whose stratum is
 * null are in none (unlabelled, or never to be validated on). Within a stratum a hash of id and seed gives the order,
 * and folds take turns along it, through all strata: so the sizes of the folds differ by at most 1 within each stratum
 * and in all, and the order of the ids given does not matter.
 *
 * Unlike the side of `split`, an image's fold can change when others are added: even sizes need a quota.
 * @returns for each fold the indices into `ids`, ascending
 * @throws UserError for fewer than 2 folds, or more than there are images
 */
export function stratifiedFolds(
  ids: readonly string[],
  strata: readonly (string | null)[],
  { folds, seed = 0 }: FoldOptions,
): number[][] {
  if (ids.length !== strata.length) throw new RangeError(`${ids.length} ids and ${strata.length} strata`);
  if (!Number.isInteger(folds) || folds < 2)
    throw new UserError(`${folds} is no number of folds; it must be a whole number of at least 2`);
  const members = ids.flatMap((id, index) => {
    const stratum = strata[index];
    return stratum === null ? [] : [{ index, id, stratum, hash: hashId(id, seed) }];
  });
  if (folds > members.length)
    throw new UserError(
      `${folds} folds of ${members.length} ${members.length === 1 ? 'image' : 'images'}: each fold needs at least one; give fewer folds or more images`,
    );
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  members.sort((a, b) => compare(a.stratum, b.stratum) || a.hash - b.hash || compare(a.id, b.id));
  const result: number[][] = Array.from({ length: folds }, () => []);
  members.forEach(({ index }, position) => result[position % folds].push(index));
  return result.map((fold) => fold.sort((a, b) => a - b));
}

/**
 * The side that each image that takes part is on: by the hash of its id, or by the fold that is validated on. Folds are
 * even in every stratum. Images that are kept for the test take no part.
 * @param all the stratum of each image; null: it takes no part
 * @throws UserError where a fold cannot be made, or is no longer the one that it was
 */
export function sidesOf(
  { name, examples }: Pick<Dataset, 'name' | 'examples'>,
  all: readonly (string | null)[],
  { valFraction, testFraction = 0, trainOnly, fold }: SplitOptions,
): Split {
  const ids = examples.map(({ id }) => id);
  const barred = trainOnly === null ? undefined : parseIdRanges(trainOnly);
  const strata = all.map((stratum, i) => (isKeptForTest(ids[i], testFraction) && !barred?.(ids[i]) ? null : stratum));
  if (!fold) return split(ids, strata, { valFraction, trainOnly: barred });
  const judged = strata.map((stratum, i) => (barred?.(ids[i]) ? null : stratum));
  const validation = stratifiedFolds(ids, judged, { folds: fold.of, seed: fold.seed })[fold.index - 1];
  const kept = new Set(validation);
  const sides = { train: ids.flatMap((_, i) => (strata[i] === null || kept.has(i) ? [] : [i])), validation };
  if (fold.sides !== undefined && fold.sides !== sidesHash(ids, sides)) {
    throw new UserError(
      `${name}: the images that take part are no longer those of which fold ${fold.index} of ${fold.of} was made, so some would change sides; give the images, labels and options, such as --threshold, that it was made with`,
    );
  }
  return sides;
}

/** 32 bits that depend on which images are on which side, and not on their order. */
export const sidesHash = (
  ids: readonly string[],
  { train, validation }: Pick<Prepared, 'train' | 'validation'>,
): number =>
  hashId([train.map((i) => `train ${ids[i]}`), validation.map((i) => `validation ${ids[i]}`)].flat().sort().join('\n'));

/** What a side of a division is called. */
export function sideName(side: 'train' | 'validation', fold?: Fold): string {
  if (!fold) return `the ${side} split`;
  return side === 'validation' ? `fold ${fold.index} of ${fold.of}` : `all folds but fold ${fold.index} of ${fold.of}`;
}
