import type { RgbImage } from '../../vision/data/rgb_image.ts';

/** An image as a canvas takes it: R, G, B, A bytes. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** The image, opaque. */
export function rgba({ width, height, data: rgb }: RgbImage): Picture {
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let i = 0, o = 0; o < data.length; i += 3, o += 4) {
    data[o] = rgb[i];
    data[o + 1] = rgb[i + 1];
    data[o + 2] = rgb[i + 2];
  }
  return { width, height, data };
}
