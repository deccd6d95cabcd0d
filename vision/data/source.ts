import type { Labelled } from './labelled.ts';
import type { RgbImage } from './rgb_image.ts';

/**
 * Encoded images, wherever they lie: folders, tables, archives. The list is held in memory, in an order that is the
 * same each time; the bytes are not. Ten million images take a gigabyte or two, so a source keeps little of each
 * beside what `images` has.
 */
export interface ImageSource {
  /** What a person would call it: the path that was given. */
  readonly name: string;
  /** An id is the same wherever the source lies: a path with `/` from its root, or a table's value. */
  readonly images: readonly Labelled[];
  /** What was left out while reading and why, one sentence each with a count; empty when all was well. */
  readonly notes: readonly string[];
  /** The whole file of `images[index]`, still encoded. Rejects with a UserError that names the image. */
  bytes(index: number): Promise<Uint8Array>;
  /** Where images are files of their own: the path of `images[index]`. Then worker threads read it, not `bytes`. */
  fileOf?(index: number): string;
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
