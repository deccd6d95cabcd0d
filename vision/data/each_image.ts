import type { UserError } from '../../engine/user_error.ts';
import type { Dataset } from './dataset.ts';
import { isBadImage } from './machine_fault.ts';
import type { RgbImage } from './rgb_image.ts';

/** Images at a time: decoding threads are busy, and memory is bounded. */
const WINDOW = 32;

/**
 * Decodes every image once, in order; of one that cannot be read comes the sentence that says so. Throws where it is no
 * fault of the image.
 */
export async function* eachImage(dataset: Dataset): AsyncGenerator<RgbImage | UserError> {
  const { length } = dataset.examples;
  for (let start = 0; start < length; start += WINDOW) {
    const indices = Array.from({ length: Math.min(WINDOW, length - start) }, (_, i) => start + i);
    for (const result of await Promise.allSettled(indices.map((i) => dataset.load(i)))) {
      if (result.status === 'fulfilled') yield result.value;
      else if (isBadImage(result.reason)) yield result.reason;
      else throw result.reason;
    }
  }
}
