import { UserError } from '../engine/user_error.ts';
import type { Votes } from './dataset.ts';
import { hashId } from './split.ts';

/**
 * The stratum of a galaxy: the answer to the first question that most volunteers gave, and whether fewer than half, up to four fifths or more
 * of them gave it. Of equal answers the first counts.
 */
export function voteStratum({ smooth, featured, artifact }: Votes): string {
  const share = Math.max(smooth, featured, artifact);
  const answer = share === smooth ? 'smooth' : share === featured ? 'featured' : 'artifact';
  return `${answer} ${share < 0.5 ? 'low' : share < 0.8 ? 'middle' : 'high'}`;
}

export interface FoldOptions {
  readonly folds: number;
  readonly seed?: number;
}

/**
 * Divides galaxies into folds for cross-validation: each with a stratum is in exactly one fold; those whose stratum is null are in none
 * (unlabelled, or never to be validated on). Within a stratum a hash of id and seed gives the order, and folds take turns along it, through all
 * strata: so the sizes of the folds differ by at most 1 within each stratum and in all, and the order of the ids given does not matter.
 *
 * Unlike the side of `split`, a galaxy's fold can change when others are added: even sizes need a quota.
 * @returns for each fold the indices into `ids`, ascending
 * @throws UserError for fewer than 2 folds, or more than there are galaxies
 */
export function stratifiedFolds(ids: readonly string[], strata: readonly (string | null)[], { folds, seed = 0 }: FoldOptions): number[][] {
  if (ids.length !== strata.length) throw new RangeError(`${ids.length} ids and ${strata.length} strata`);
  if (!Number.isInteger(folds) || folds < 2) throw new UserError(`${folds} is no number of folds; it must be a whole number of at least 2`);
  const members = ids.flatMap((id, index) => {
    const stratum = strata[index];
    return stratum === null ? [] : [{ index, id, stratum, hash: hashId(id, seed) }];
  });
  if (folds > members.length) throw new UserError(`${folds} folds of ${members.length} ${members.length === 1 ? 'galaxy' : 'galaxies'}: each fold needs at least one; give fewer folds or more galaxies`);
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  members.sort((a, b) => compare(a.stratum, b.stratum) || a.hash - b.hash || compare(a.id, b.id));
  const result: number[][] = Array.from({ length: folds }, () => []);
  members.forEach(({ index }, position) => result[position % folds].push(index));
  return result.map((fold) => fold.sort((a, b) => a - b));
}
