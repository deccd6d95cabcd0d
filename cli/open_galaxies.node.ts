import { withoutBadImages } from '../galaxies/check_images.ts';
import type { Progress } from '../galaxies/classify/progress.ts';
import type { Dataset } from '../galaxies/dataset.ts';
import { openDataset } from '../galaxies/open_dataset.node.ts';

/** Opens galaxies for a command; with `skipBad` every image is decoded once and those that cannot be are left out. */
export async function openGalaxies(spec: string, skipBad: boolean, progress: Progress): Promise<Dataset> {
  const dataset = await openDataset(spec);
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
