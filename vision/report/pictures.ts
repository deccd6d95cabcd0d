import { UserError } from '../../engine/user_error.ts';
import type { RgbImage } from '../data/rgb_image.ts';
import { resamplePlanes } from '../view/planes.ts';
import { viridis } from './viridis.ts';

const toByte = (value: number): number => Math.min(255, Math.max(0, Math.round(value)));

/** The image at another size: bilinear when enlarging, averaging when shrinking. */
export function resizeImage(image: RgbImage, width: number, height: number): RgbImage {
  const data = resamplePlanes({ data: image.data, w: image.width, h: image.height, channels: 3 }, width, height);
  return { width, height, data: new Uint8Array(new Uint8ClampedArray(data).buffer) };
}

const GAP = 2;

/**
 * The images side by side in `columns` columns, row after row, each fitted whole into a square of `tile` pixels on
 * black, 2 pixels apart. Fewer images than columns make a narrower sheet. Throws where there is no image.
 */
export function contactSheet(images: readonly RgbImage[], columns: number, tile: number): RgbImage {
  if (images.length === 0)
    throw new UserError('A contact sheet needs at least one image: check that the class has any.');
  const across = Math.min(columns, images.length);
  const width = across * (tile + GAP) - GAP;
  const height = Math.ceil(images.length / across) * (tile + GAP) - GAP;
  const data = new Uint8Array(width * height * 3);
  images.forEach((image, index) => {
    const scale = tile / Math.max(image.width, image.height);
    const fitted = resizeImage(
      image,
      Math.max(1, Math.round(image.width * scale)),
      Math.max(1, Math.round(image.height * scale)),
    );
    const left = (index % across) * (tile + GAP) + Math.floor((tile - fitted.width) / 2);
    const top = Math.floor(index / across) * (tile + GAP) + Math.floor((tile - fitted.height) / 2);
    for (let y = 0; y < fitted.height; y++) {
      const row = fitted.data.subarray(y * fitted.width * 3, (y + 1) * fitted.width * 3);
      data.set(row, ((top + y) * width + left) * 3);
    }
  });
  return { width, height, data };
}

/**
 * A class activation map laid over its image. `map` holds `mapH` rows of `mapW` values; what is below 0 counts as 0
 * (the ReLU of Grad-CAM), the largest value gets the brightest colour, and an all-zero map the darkest everywhere.
 * `alpha` is the share of the colour in 0..1, 0.5 unless told. Throws where the map's length or a value is off.
 */
export function overlayHeatmap(
  image: RgbImage,
  map: Float32Array,
  mapH: number,
  mapW: number,
  { alpha = 0.5 }: { alpha?: number } = {},
): RgbImage {
  if (map.length !== mapH * mapW) {
    throw new UserError(
      `The heat map has ${map.length} values where ${mapH} rows of ${mapW} were announced: pass its own height and width.`,
    );
  }
  const broken = map.findIndex((value) => !Number.isFinite(value));
  if (broken >= 0) {
    throw new UserError(
      `The heat map holds ${map[broken]} in row ${Math.floor(broken / mapW)}, column ${broken % mapW}: look for the layer whose activation or gradient overflows.`,
    );
  }
  const positive = map.map((value) => Math.max(0, value));
  const peak = positive.reduce((a, b) => Math.max(a, b), 0);
  const heat = resamplePlanes({ data: positive, w: mapW, h: mapH, channels: 1 }, image.width, image.height);
  const data = new Uint8Array(image.data.length);
  for (let i = 0; i < heat.length; i++) {
    const colour = viridis(peak > 0 ? heat[i] / peak : 0);
    for (let c = 0; c < 3; c++) data[i * 3 + c] = toByte((1 - alpha) * image.data[i * 3 + c] + alpha * colour[c]);
  }
  return { width: image.width, height: image.height, data };
}

/**
 * The magnitude that black and white stand for in the image of a gradient: the 99th percentile, so that a few extreme
 * pixels do not flatten the rest; 1 where all are 0.
 */
export function gradientPeak(gradient: Float32Array): number {
  const magnitudes = gradient.map(Math.abs).sort();
  return magnitudes[Math.floor(0.99 * (magnitudes.length - 1))] || magnitudes[magnitudes.length - 1] || 1;
}

/**
 * A signed gradient [height, width, 3] (guided backprop) as an image: 0 is mid grey, `gradientPeak` black or white.
 * Throws on a wrong length.
 */
export function gradientImage(gradient: Float32Array, height: number, width: number): RgbImage {
  if (gradient.length !== height * width * 3) {
    throw new UserError(
      `The gradient has ${gradient.length} values where an RGB image of ${height} rows of ${width} pixels has ${height * width * 3}: pass the gradient of the input image.`,
    );
  }
  const peak = gradientPeak(gradient);
  return { width, height, data: Uint8Array.from(gradient, (value) => toByte(127.5 + (127.5 * value) / peak)) };
}
