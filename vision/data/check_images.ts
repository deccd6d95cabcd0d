import { UserError } from '../../engine/user_error.ts';
import type { Dataset, Example } from './dataset.ts';

const NAMED = 5;

/**
 * The dataset without the images that cannot be read; a note names the first few and counts them. Decodes every
 * image once.
 */
export async function withoutBadImages<E extends Example>(
  dataset: Dataset<E>,
  onProgress?: (done: number) => void,
): Promise<Dataset<E>> {
  const good: number[] = [];
  const bad: string[] = [];
  // A window of images at a time, so that decoding threads are busy and memory is bounded.
  const window = 32;
  for (let start = 0; start < dataset.examples.length; start += window) {
    const indices = Array.from({ length: Math.min(window, dataset.examples.length - start) }, (_, i) => start + i);
    const results = await Promise.allSettled(indices.map((i) => dataset.load(i)));
    results.forEach((result, k) => {
      if (result.status === 'fulfilled') good.push(indices[k]);
      else if (result.reason instanceof UserError) bad.push(result.reason.message);
      else throw result.reason;
    });
    onProgress?.(start + indices.length);
  }
  if (bad.length === 0) return dataset;
  const rest = bad.length > NAMED ? `; and ${bad.length - NAMED} more` : '';
  return {
    name: dataset.name,
    examples: good.map((i) => dataset.examples[i]),
    notes: [
      ...dataset.notes,
      `${bad.length} ${bad.length === 1 ? 'image was' : 'images were'} skipped: ${bad.slice(0, NAMED).join('; ')}${rest}`,
    ],
    load: (index) => dataset.load(good[index]),
    ...(dataset.stamp && { stamp: (index) => dataset.stamp!(good[index]) }),
    close: () => dataset.close(),
  };
}
