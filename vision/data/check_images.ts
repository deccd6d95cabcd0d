import { UserError } from '../../engine/user_error.ts';
import type { Dataset, Example } from './dataset.ts';
import { eachImage } from './each_image.ts';

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
  let index = 0;
  for await (const image of eachImage(dataset)) {
    if (image instanceof UserError) bad.push(image.message);
    else good.push(index);
    index++;
    onProgress?.(index);
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
