import type { Dataset } from '../data/dataset.ts';
import type { RgbImage } from '../data/rgb_image.ts';
import { gradientImage, overlayHeatmap } from '../report/pictures.ts';
import { cropResize } from '../view/resample.ts';
import type { ViewGeometry } from '../view/views.ts';
import type { ExplainedMap } from './explain.ts';

/** The image as a plain view shows it. */
export async function plainPicture(
  dataset: Dataset,
  { crop, size }: Pick<ViewGeometry, 'crop' | 'size'>,
  example: number,
): Promise<RgbImage> {
  const image = await dataset.load(example);
  return cropResize(image, { crop: Math.min(1, crop / Math.min(image.width, image.height)), size });
}

/** A map over the picture it explains; guided backprop stands for itself. */
export function drawMap(picture: RgbImage, { method, values, height, width }: ExplainedMap): RgbImage {
  return method === 'Guided backprop'
    ? gradientImage(values, height, width)
    : overlayHeatmap(picture, values, height, width);
}
