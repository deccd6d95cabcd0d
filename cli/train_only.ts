import { UserError } from '../engine/user_error.ts';
import type { Dataset } from '../vision/data/dataset.ts';
import { parseIdRanges } from '../vision/data/split.ts';

/** Throws where --train-only is given and no image has such an id. */
export function requireTrainOnly({ name, examples }: Dataset, trainOnly: string | null | undefined): void {
  if (trainOnly == null) return;
  const isListed = parseIdRanges(trainOnly);
  if (examples.some(({ id }) => isListed(id))) return;
  throw new UserError(
    `--train-only ${trainOnly}: none of the ${examples.length} images of ${name} has such a number for its id or the name of its file, as ${examples[0]?.id ?? 'none'} shows; give numbers that are there, or leave it out`,
  );
}
