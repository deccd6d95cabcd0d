import type { Galaxies, Votes } from './galaxy.ts';

export const CLASSES = ['smooth', 'featured'] as const;
export type ClassName = (typeof CLASSES)[number];

export const DEFAULT_THRESHOLD = 0.6;

/**
 * The class whose share of the votes reaches `threshold` (0..1), or null where neither does. With a threshold of 0.5 or
 * less both can: then the larger share wins, and a tie is null.
 */
export function label(votes: Votes, threshold = DEFAULT_THRESHOLD): ClassName | null {
  const { smooth, featured } = votes;
  if (smooth >= threshold && smooth > featured) return 'smooth';
  if (featured >= threshold && featured > smooth) return 'featured';
  return null;
}

/** P(smooth) in 0..1 as the volunteers saw it, artifact votes left aside; 0.5 where nobody chose either. */
export function softLabel(votes: Votes): number {
  const sum = votes.smooth + votes.featured;
  return sum > 0 ? votes.smooth / sum : 0.5;
}

export interface LabelRow {
  readonly name: ClassName | 'ambiguous' | 'unlabelled';
  readonly count: number;
  /** Of all galaxies of the dataset, 0..1. */
  readonly share: number;
}

/** How many galaxies fall to each class at `threshold`, how many to neither, and how many have no votes. */
export function labelTable(dataset: Pick<Galaxies, 'examples'>, threshold = DEFAULT_THRESHOLD): LabelRow[] {
  const counts = { smooth: 0, featured: 0, ambiguous: 0, unlabelled: 0 };
  for (const { votes } of dataset.examples) counts[votes ? (label(votes, threshold) ?? 'ambiguous') : 'unlabelled']++;
  const total = dataset.examples.length;
  return (['smooth', 'featured', 'ambiguous', 'unlabelled'] as const).map((name) => ({
    name,
    count: counts[name],
    share: total > 0 ? counts[name] / total : 0,
  }));
}
