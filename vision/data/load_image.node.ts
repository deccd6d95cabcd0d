import { readFile } from 'node:fs/promises';
import { UserError } from '../../engine/user_error.ts';
import type { RgbImage } from './rgb_image.ts';
import { decodeImage } from './decode.node.ts';
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

/** Reads and decodes one image file in this thread. Rejects with a UserError that names the file. */
export async function loadImage({ file, bytes, stretch }: ImageRequest): Promise<RgbImage> {
  const read = () =>
    readFile(file).catch((error: NodeJS.ErrnoException) => {
      throw new UserError(`${file} cannot be read (${error.code ?? error.message})`);
    });
  return decodeImage(bytes ?? (await read()), file, stretch);
}
