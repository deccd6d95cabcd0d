import { withoutBadImages } from '../vision/data/check_images.ts';
import type { Progress } from '../vision/progress.ts';
import type { Galaxies } from '../galaxies/galaxy.ts';
import { limitExamples } from '../vision/data/limit.ts';
import { openDataset } from '../galaxies/open_dataset.node.ts';

/**
 * Opens galaxies for a command; with `skipBad` every image is decoded once and those that cannot be are left out, with
 * `limit` only so many of those with votes are taken.
 */
export async function openGalaxies(
  spec: string,
  skipBad: boolean,
  progress: Progress,
  limit?: number,
): Promise<Galaxies> {
  const opened = await openDataset(spec);
  const dataset = limit === undefined ? opened : limitExamples(opened, limit, ({ votes }) => votes !== null);
  if (!skipBad) return dataset;
  try {
    progress.start('checking images', dataset.examples.length);
    const checked = await withoutBadImages(dataset, (done) => progress.tick(done));
    progress.end();
    return checked;
  } catch (error) {
    await dataset.close();
    throw error;
  }
}
