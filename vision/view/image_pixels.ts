import { checkOptions, checkWhole } from '../../engine/check.ts';
import type { Normalisation } from '../../models/normalisation.ts';
import type { RgbImage } from '../data/rgb_image.ts';
import { cropResize } from './resample.ts';

/** Which numbers `imagePixels` makes of an image. */
export interface PixelOptions extends Partial<Pick<Normalisation, 'mean' | 'std'>> {
  /** Side of the square in pixels. */
  readonly size: number;
}

/**
 * The central square of an image as numbers [size, size, 3] for a network: (pixel / 255 − mean) / std for each channel,
 * in 0..1 where neither is given.
 */
export function imagePixels(image: RgbImage, options: PixelOptions): Float32Array {
  checkOptions('imagePixels', options, { size: true, mean: true, std: true });
  const { size, mean = [0, 0, 0], std = [1, 1, 1] } = options;
  checkWhole('imagePixels', 'size', size, 1);
  const { data } = cropResize(image, { crop: 1, size });
  return Float32Array.from(data, (byte, i) => (byte / 255 - mean[i % 3]) / std[i % 3]);
}
