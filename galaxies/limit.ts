import type { Dataset } from './dataset.ts';
import { hashId } from './split.ts';

/** Not the split's, or the galaxies kept would all be on one side of it. */
const SEED = 1;

/**
 * At most `count` of the galaxies with votes, chosen by a hash of their ids and kept in their order: a fair sample, the
 * same each time.
 */
export function limitGalaxies(dataset: Dataset, count: number): Dataset {
  const voted = dataset.galaxies.flatMap(({ id, votes }, index) => (votes ? [{ index, hash: hashId(id, SEED) }] : []));
  if (voted.length <= count) return dataset;
  const kept = voted
    .sort((a, b) => a.hash - b.hash || a.index - b.index)
    .slice(0, count)
    .map(({ index }) => index)
    .sort((a, b) => a - b);
  return {
    name: dataset.name,
    galaxies: kept.map((index) => dataset.galaxies[index]),
    notes: [...dataset.notes, `${count} of ${voted.length} galaxies with votes are used`],
    load: (index) => dataset.load(kept[index]),
    close: () => dataset.close(),
  };
}
