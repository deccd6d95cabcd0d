import { UserError } from '../../engine/user_error.ts';
import { SYMMETRIES, viewMatrix, type Placement } from '../view/view.ts';
import { plainViews, type ViewGeometry } from '../view/views.ts';
import type { AskedMap } from './asked/methods.ts';

/**
 * The k-th plain view of an image, whose map can be turned back pixel by pixel.
 * @throws UserError where `tta` views are more than have that property
 */
export function symmetryOf(geometry: ViewGeometry, k: number, tta: number): Placement {
  const views = plainViews(geometry);
  const most = Math.min(views.length, SYMMETRIES.length);
  if (tta > most)
    throw new UserError(
      `--tta ${tta}: maps are averaged over at most ${most} views of these images; give 1 to ${most}`,
    );
  return views[k];
}

/**
 * Adds a map of a view to a sum of maps of the image as it is: each value where its pixel lies in the image. The map is
 * square, or the view is not turned by a quarter.
 */
export function addUpright(sum: AskedMap, values: Float32Array, symmetry: Placement, weight: number): void {
  const { height, width } = sum;
  const channels = values.length / (height * width);
  const [a, b, c, d, e, f] = viewMatrix(symmetry, width, width, width);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      const [x, y] = [Math.round(a * column + b * row + c), Math.round(d * column + e * row + f)];
      for (let k = 0; k < channels; k++)
        sum.values[(y * width + x) * channels + k] += weight * values[(row * width + column) * channels + k];
    }
}
