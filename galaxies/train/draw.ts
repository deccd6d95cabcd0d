import type { Dataset, RgbImage } from '../dataset.ts';
import { gradientImage, overlayHeatmap } from '../report/pictures.ts';
import { cropResize } from '../resample.ts';
import type { ViewGeometry } from '../views.ts';
import type { ExplainedMap } from './explain.ts';

/** The galaxy as a plain view shows it. */
export async function plainPicture(
  dataset: Dataset,
  { crop, size }: Pick<ViewGeometry, 'crop' | 'size'>,
  galaxy: number,
): Promise<RgbImage> {
  const image = await dataset.load(galaxy);
  return cropResize(image, { crop: Math.min(1, crop / Math.min(image.width, image.height)), size });
}

/** A map over the picture it explains; guided backprop stands for itself. */
export function drawMap(picture: RgbImage, { method, values, height, width }: ExplainedMap): RgbImage {
  return method === 'Guided backprop'
    ? gradientImage(values, height, width)
    : overlayHeatmap(picture, values, height, width);
}
