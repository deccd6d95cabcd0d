import { encode as encodeJpeg } from 'jpeg-js';
import { PNG } from 'pngjs';
import type { RgbImage } from '../data/rgb_image.ts';
import type { Picture } from './data.ts';

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

/** The image as the bytes of a JPEG file. Photographs take about a tenth of their PNG; `quality` is in 1..100. */
export function toJpeg(image: RgbImage, quality = 88): Uint8Array {
  return encodeJpeg({ width: image.width, height: image.height, data: withAlpha(image) }, quality).data;
}

/** The image as a `data:` URI, which a page can show without fetching anything. */
export function toDataUri(image: RgbImage, format: 'png' | 'jpeg' = 'png'): string {
  const bytes = format === 'png' ? toPng(image) : toJpeg(image);
  return `data:image/${format};base64,${Buffer.from(bytes).toString('base64')}`;
}

/** The image as a report takes it. JPEG unless told: a report holds a hundred photographs. */
export function toPicture(image: RgbImage, format: 'png' | 'jpeg' = 'jpeg'): Picture {
  return { src: toDataUri(image, format), width: image.width, height: image.height };
}
