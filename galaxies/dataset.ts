/** An image as decoded: `data` holds `height` rows of `width` pixels, 3 bytes (R, G, B) each. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** What volunteers said of one galaxy: shares of the votes, each in 0..1. */
export interface Votes {
  readonly smooth: number;
  readonly featured: number;
  readonly artifact: number;
  /** The challenge's 37 columns in its order, where the catalogue has them. */
  readonly all?: Float32Array;
}

export interface Galaxy {
  /** Unique within its dataset; what a split is hashed from. */
  readonly id: string;
  /** null where nobody voted: the galaxy can be predicted, not trained on. */
  readonly votes: Votes | null;
}

/**
 * Galaxies with their images, wherever they come from: a folder on disk or the synthetic sky. The list is held in
 * memory, the images are not: `load` decodes or draws one each time it is called.
 */
export interface Dataset {
  /** What a person would call it: the folder, or `synthetic:400`. */
  readonly name: string;
  readonly galaxies: readonly Galaxy[];
  /** What was left out while reading and why, one sentence each with a count; empty when all was well. */
  readonly notes: readonly string[];
  /** The image of `galaxies[index]`. Rejects with a sentence that names the file when it cannot be decoded. */
  load(index: number): Promise<RgbImage>;
  /** Ends worker threads, where there are any. */
  close(): Promise<void>;
}
