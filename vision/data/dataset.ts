import type { RgbImage } from './rgb_image.ts';

/** An image of a dataset by its id. What a task knows of it beside that, the type that extends this one says. */
export interface Example {
  /** Unique within its dataset; what a split is hashed from. */
  readonly id: string;
}

/**
 * Images with what is known of them, wherever they come from: files, or drawn ones. The list is held in memory, the
 * images are not: `load` decodes or draws one each time it is called.
 */
export interface Dataset<E extends Example = Example> {
  /** What a person would call it: the folder, say. */
  readonly name: string;
  readonly examples: readonly E[];
  /** What was left out while reading and why, one sentence each with a count; empty when all was well. */
  readonly notes: readonly string[];
  /** The image of `examples[index]`. Rejects with a sentence that names the file when it cannot be decoded. */
  load(index: number): Promise<RgbImage>;
  /** What is another when the image of `examples[index]` was changed. Absent where none can be. */
  stamp?(index: number): Promise<string>;
  /** Ends worker threads, where there are any. */
  close(): Promise<void>;
}
