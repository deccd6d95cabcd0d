import { InvalidArgumentError } from 'commander';

/** One of `of` parts of a list, counted from 1. */
export interface Shard {
  readonly index: number;
  readonly of: number;
}

/** The most parts of a prediction: more than any cluster's array has tasks. */
export const MOST_SHARDS = 100_000;

/** A parser for `3/100`. */
export function parseShard(text: string): Shard {
  const [, index, of] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (!(index >= 1 && index <= of && of <= MOST_SHARDS))
    throw new InvalidArgumentError(`It must be a part and their number, such as 3/100: 1/${MOST_SHARDS} at most.`);
  return { index, of };
}

/**
 * Where a shard of a list of n begins and ends: the shards follow one another, each is as long as the others or longer
 * by one, and together they are the list. Without a shard: the whole list.
 */
export function shardRange(
  n: number,
  { index, of }: Shard = { index: 1, of: 1 },
): readonly [start: number, end: number] {
  const before = (shards: number) => Math.floor((n * shards) / of);
  return [before(index - 1), before(index)];
}

/** What the file of a shard is, by its ending. */
export type PartKind = 'csv' | 'jsonl' | 'npy';

/** The file of a shard, `shard-003-of-100.csv`: such names sort in the order of the rows. */
export const shardName = ({ index, of }: Shard, kind: PartKind): string =>
  `shard-${String(index).padStart(String(of).length, '0')}-of-${of}.${kind}`;
