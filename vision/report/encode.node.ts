import { encode as encodeJpeg } from 'jpeg-js';
import { PNG } from 'pngjs';
import type { RgbImage } from '../data/rgb_image.ts';
import { encodeWebp } from '../data/webp.node.ts';
import type { ContactSheet, Picture } from './data.ts';

/** RGB to RGBA, opaque: what both encoders take. */
function withAlpha({ width, height, data }: RgbImage): Buffer {
  const rgba = Buffer.alloc(width * height * 4, 255);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgba[i * 4 + c] = data[i * 3 + c];
  }
  return rgba;
}

/** The image as the bytes of a PNG file, 8 bits RGB without alpha: exact, the same bytes every time. */
export function toPng(image: RgbImage): Uint8Array {
  const png = new PNG({ width: image.width, height: image.height });
  png.data = withAlpha(image);
  return PNG.sync.write(png, { colorType: 2 });
}

/** The image as the bytes of a JPEG file; `quality` is in 1..100. */
export function toJpeg(image: RgbImage, quality = 88): Uint8Array {
  return encodeJpeg({ width: image.width, height: image.height, data: withAlpha(image) }, quality).data;
}

const dataUri = (format: string, bytes: Uint8Array): string =>
  `data:image/${format};base64,${Buffer.from(bytes).toString('base64')}`;

/** The image as a PNG in a `data:` URI, which a page can show without fetching anything. */
export const toDataUri = (image: RgbImage): string => dataUri('png', toPng(image));

/**
 * The image as a report takes it: as WebP, since a report holds a hundred photographs. (jpeg-js builds tables of 65,535
 * entries for each image that it encodes, which takes ten times as long as a small image itself.)
 */
export async function toPicture(image: RgbImage): Promise<Picture> {
  const { width, height } = image;
  const bytes = await encodeWebp({ width, height, data: new Uint8ClampedArray(withAlpha(image)) }, 88);
  return { src: dataUri('webp', bytes), width, height };
}

/** Contact sheets by title, as a report takes them. */
export const toSheets = (
  sheets: Iterable<readonly [string, { readonly image: RgbImage; readonly count: number }]>,
): Promise<ContactSheet[]> =>
  Promise.all(
    [...sheets].map(async ([title, { image, count }]) => ({ title, count, picture: await toPicture(image) })),
  );
