import type { Dataset, Example } from './dataset.ts';
import { hashId } from './split.ts';

/** Not the split's, or the images kept would all be on one side of it. */
const SEED = 1;

/**
 * At most `count` of the images that are `labelled`, chosen by a hash of their ids and kept in their order: a fair
 * sample, the same each time.
 */
export function limitExamples<E extends Example>(
  dataset: Dataset<E>,
  count: number,
  labelled: (example: E) => boolean,
): Dataset<E> {
  const known = dataset.examples.flatMap((example, index) =>
    labelled(example) ? [{ index, hash: hashId(example.id, SEED) }] : [],
  );
  if (known.length <= count) return dataset;
  const kept = known
    .sort((a, b) => a.hash - b.hash || a.index - b.index)
    .slice(0, count)
    .map(({ index }) => index)
    .sort((a, b) => a - b);
  return {
    name: dataset.name,
    examples: kept.map((index) => dataset.examples[index]),
    notes: [...dataset.notes, `${count} of ${known.length} labelled images are used`],
    load: (index) => dataset.load(kept[index]),
    ...(dataset.stamp && { stamp: (index) => dataset.stamp!(kept[index]) }),
    close: () => dataset.close(),
  };
}
