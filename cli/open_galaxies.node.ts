import { withoutBadImages } from '../galaxies/check_images.ts';
import type { Progress } from '../galaxies/train/progress.ts';
import type { Dataset } from '../galaxies/dataset.ts';
import { limitGalaxies } from '../galaxies/limit.ts';
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
): Promise<Dataset> {
  const opened = await openDataset(spec);
  const dataset = limit === undefined ? opened : limitGalaxies(opened, limit);
  if (!skipBad) return dataset;
  try {
    progress.start('checking images', dataset.galaxies.length);
    const checked = await withoutBadImages(dataset, (done) => progress.tick(done));
    progress.end();
    return checked;
  } catch (error) {
    await dataset.close();
    throw error;
  }
}
