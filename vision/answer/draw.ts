import type { Dataset } from '../data/dataset.ts';
import type { RgbImage } from '../data/rgb_image.ts';
import { gradientImage, overlayHeatmap } from '../report/pictures.ts';
import { cropResize } from '../view/resample.ts';
import type { ViewGeometry } from '../view/views.ts';
import type { ExplainedMap } from './explain.ts';
import { TRAITS } from './methods.ts';

/** The image as a plain view shows it. */
export async function plainPicture(
  dataset: Dataset,
  { crop, size, shortSide }: Pick<ViewGeometry, 'crop' | 'size' | 'shortSide'>,
  example: number,
): Promise<RgbImage> {
  const image = await dataset.load(example);
  return cropResize(image, { crop: Math.min(1, crop / (shortSide ?? Math.min(image.width, image.height))), size });
}

/** A map over the picture it explains; numbers of single pixels stand for themselves. */
export function drawMap(picture: RgbImage, { method, values, height, width }: ExplainedMap): RgbImage {
  return TRAITS[method].gives === 'pixels'
    ? gradientImage(values, height, width)
    : overlayHeatmap(picture, values, height, width);
}
