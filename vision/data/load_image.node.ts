import { readFile } from 'node:fs/promises';
import { UserError } from '../../engine/user_error.ts';
import type { RgbImage } from './rgb_image.ts';
import { decodeImage } from './decode.node.ts';

/** Reads and decodes one image file in this thread. Rejects with a UserError that names the file. */
export async function loadImage(file: string): Promise<RgbImage> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new UserError(`${file} cannot be read (${error.code ?? error.message})`);
  });
  return decodeImage(bytes, file);
}
