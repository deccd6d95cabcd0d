import type { RgbImage } from './rgb_image.ts';

/** An image of a dataset by its id. What a task knows of it beside that, the type that extends this one says. */
export interface Example {
  /** Unique within its dataset; what a split is hashed from. */
  readonly id: string;
}

/** What tells whether a file is still the one that it was. */
export interface FileStamp {
  /** Its size and when it was changed: while both are the same, so is the file. Empty for what is no file. */
  readonly dated: string;
  /**
   * A hash of its size and bytes, for when its date is another: a copy of a dataset has other dates. Of a file of more
   * than 64 MiB, of 64 pieces of 1 MiB, its beginning and end among them. Empty for what cannot be read.
   */
  bytes(): Promise<string>;
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
  stamp?(index: number): Promise<FileStamp>;
  /** Ends worker threads, where there are any. */
  close(): Promise<void>;
}
