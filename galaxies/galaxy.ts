import type { Dataset, Example } from '../vision/data/dataset.ts';

/** What volunteers said of one galaxy: shares of the votes, each in 0..1. */
export interface Votes {
  readonly smooth: number;
  readonly featured: number;
  readonly artifact: number;
  /** The challenge's 37 columns in its order, where the catalogue has them. */
  readonly all?: Float32Array;
}

export interface Galaxy extends Example {
  /** null where nobody voted: the galaxy can be predicted, not trained on. */
  readonly votes: Votes | null;
}

/** Galaxies with their images: a folder on disk or the synthetic sky. */
export type Galaxies = Dataset<Galaxy>;
