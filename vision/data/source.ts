import type { RgbImage } from './rgb_image.ts';

/** The side of a split that the data itself names: folders `train/`, `val/` and `test/`, or a column of a table. */
export type Side = 'train' | 'validation' | 'test';

/** One image of a source, not yet decoded. */
export interface SourceImage {
  /** Unique within its source, the same wherever the source lies: a path with `/` from its root, or a table's value. */
  readonly id: string;
  /** The class, as the data name it. Absent or null: unlabelled, the image can be predicted and not trained on. */
  readonly label?: string | null;
  /** Numbers that the data give, a column each; absent or null: none. */
  readonly values?: readonly number[] | null;
  /** Absent or null: whoever trains divides the images. */
  readonly side?: Side | null;
  /** Where the bytes are a file of their own: its path. Then worker threads read it, not `bytes`. */
  readonly file?: string;
}

/**
 * Encoded images, wherever they lie: folders, tables, archives. The list is held in memory, in an order that is the
 * same each time; the bytes are not.
 */
export interface ImageSource {
  /** What a person would call it: the path that was given. */
  readonly name: string;
  readonly images: readonly SourceImage[];
  /** What was left out while reading and why, one sentence each with a count; empty when all was well. */
  readonly notes: readonly string[];
  /** The whole file of `images[index]`, still encoded. Rejects with a UserError that names the image. */
  bytes(index: number): Promise<Uint8Array>;
  /** The archive that holds `images[index]`, of many; absent: `name`. */
  archiveOf?(index: number): string;
  /** Closes open files. */
  close(): Promise<void>;
}

/** One file format that can be decoded: a row of the decoders' table. */
export interface ImageFormat {
  /** As a sentence names it: `PNG`. */
  readonly name: string;
  /** Endings of file names without the dot, lower case. */
  readonly endings: readonly string[];
  /** Whether a whole file is of this format, by its first bytes. */
  fits(bytes: Uint8Array): boolean;
  /**
   * Decodes a whole file, turned upright, alpha over black.
   * @param file what errors call it
   * @throws UserError for a file that is damaged or has more than MAX_SIDE pixels along a side
   */
  decode(bytes: Uint8Array, file: string): RgbImage | Promise<RgbImage>;
}
