import type { RgbImage } from './dataset.ts';
import { cropResize } from './resample.ts';

/** The central square of `side` pixels as the augment kernel reads it: R, G, B, 255 bytes in a u32 per pixel, R lowest. Smaller images are enlarged to fit. */
export function sourceSquare(image: RgbImage, side: number): Uint32Array {
  const { width, height, data } = Math.min(image.width, image.height) < side ? cropResize(image, { crop: 1, size: side }) : image;
  const left = (width - side) >> 1;
  const top = (height - side) >> 1;
  const square = new Uint32Array(side * side);
  for (let row = 0; row < side; row++) {
    let at = ((top + row) * width + left) * 3;
    for (let column = 0; column < side; column++, at += 3) {
      square[row * side + column] = (data[at] | (data[at + 1] << 8) | (data[at + 2] << 16) | (255 << 24)) >>> 0;
    }
  }
  return square;
}

/** Side of the square that a view of `crop` pixels may look at: turned by 45 degrees it needs √2 times its side, and a little for scale. */
export const sourceSide = (crop: number, turned: boolean): number => (turned ? Math.ceil((crop * 1.5) / 2) * 2 : crop);
