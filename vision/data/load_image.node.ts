import { readFile } from 'node:fs/promises';
import type { RgbImage } from './rgb_image.ts';
import { decodeImage } from './decode.node.ts';
import { readFault } from './machine_fault.ts';
import type { Stretch } from './stretch.ts';

/** An image file to decode. */
export interface ImageRequest {
  /** Its path, or what errors call it. */
  readonly file: string;
  /** Absent: they are read from `file`. */
  readonly bytes?: Uint8Array;
  /** See `decodeImage`. */
  readonly stretch?: Stretch;
}

/**
 * Reads and decodes one image file in this thread. Rejects with a UserError that names the file: a MachineFault
 * where it is not the image's.
 */
export async function loadImage({ file, bytes, stretch }: ImageRequest): Promise<RgbImage> {
  const read = () =>
    readFile(file).catch((error: NodeJS.ErrnoException) => {
      throw readFault(file, error);
    });
  return decodeImage(bytes ?? (await read()), file, stretch);
}
