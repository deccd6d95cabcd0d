import type { RgbImage } from '../data/rgb_image.ts';
import { cropResize } from './resample.ts';

/**
 * The central square of `side` pixels as the augment kernel reads it: R, G, B, 255 bytes in a u32 per pixel, R lowest.
 * Outside of a smaller image its edge goes on, and one that does not even fill a view of `crop` pixels is enlarged
 * until it does.
 */
export function sourceSquare(image: RgbImage, side: number, crop: number): Uint32Array {
  const { width, height, data } =
    Math.min(image.width, image.height) < crop ? cropResize(image, { crop: 1, size: crop }) : image;
  const left = (width - side) >> 1;
  const top = (height - side) >> 1;
  const square = new Uint32Array(side * side);
  for (let row = 0; row < side; row++) {
    const start = clamp(top + row, height - 1) * width;
    for (let column = 0; column < side; column++) {
      const at = (start + clamp(left + column, width - 1)) * 3;
      square[row * side + column] = (data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (255 << 24)) >>> 0;
    }
  }
  return square;
}

const clamp = (v: number, high: number): number => Math.max(0, Math.min(v, high));

/**
 * Side of the square that a view of `crop` pixels may look at: turned by 45 degrees it needs √2 times its side, and a
 * little for scale. Both are even or both odd, so that the pixels of a plain view are pixels of the image.
 */
export function sourceSide(crop: number): number {
  const side = Math.ceil(crop * 1.5);
  return side + ((side - crop) % 2);
}
