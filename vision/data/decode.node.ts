import { exifOrientation, upright, withoutExif } from './exif.ts';
import { checkImage, decodeJpeg, undecodable } from './image_file.ts';
import { imageKind, type ImageKind } from './image_kind.ts';
import { readJpegHeader } from './jpeg_header.ts';
import { checkScans } from './jpeg_scans.ts';
import type { Raster } from './raster.ts';
import type { RgbImage } from './rgb_image.ts';
import { type Stretch, toRgb } from './stretch.ts';
import { readWebpHeader } from './webp_header.ts';

/** A decoded image, and how it is to be turned, as Exif's orientation counts: 1 to 8. */
interface Decoded {
  readonly raster: Raster;
  readonly orientation: number;
}

/** How each kind is decoded, all but JPEG, which comes as R, G, B. A decoder is loaded with its first image. */
const DECODERS: Record<Exclude<ImageKind, 'jpeg'>, (bytes: Uint8Array, file: string) => Promise<Decoded>> = {
  png: async (bytes, file) => {
    const { decodePng } = await import('./png.node.ts');
    return { raster: await decodePng(bytes, file), orientation: withoutExif(bytes).orientation };
  },
  webp: async (bytes, file) => {
    const { decodeWebp } = await import('./webp.node.ts');
    const { exif } = readWebpHeader(bytes, file);
    return { raster: await decodeWebp(bytes, file), orientation: exif ? exifOrientation(bareExif(exif)) : 1 };
  },
  tiff: async (bytes, file) => {
    const { decodeTiff } = await import('./tiff.ts');
    return { raster: await decodeTiff(bytes, file), orientation: exifOrientation(bytes) };
  },
  fits: async (bytes, file) => {
    const { decodeFits } = await import('./fits.ts');
    return { raster: decodeFits(bytes, file), orientation: 1 };
  },
};

/** Some writers put JPEG's name before Exif data in WebP files too. */
const bareExif = (exif: Uint8Array): Uint8Array =>
  String.fromCharCode(...exif.subarray(0, 6)) === 'Exif\0\0' ? exif.subarray(6) : exif;

/**
 * Decodes a whole image file of any kind that is read, told by its first bytes, turned as its orientation says. Alpha
 * lies over black.
 * @param file what errors call it
 * @param stretch how samples of more than 8 bits become 8; left out, by their range, and where they have none, as in
 * floats and FITS images, linearly between percentiles. Images of 8 bits are as they are.
 * @throws UserError for what is damaged, cut off, too large or not read
 */
export async function decodeImage(bytes: Uint8Array, file: string, stretch?: Stretch): Promise<RgbImage> {
  const kind = imageKind(bytes, file);
  if (kind === 'jpeg') return decodeCheckedJpeg(bytes, file);
  const { raster, orientation } = await DECODERS[kind](bytes, file);
  const rgb = toRgb(raster, file, raster.data instanceof Float32Array ? stretch : undefined);
  return { ...upright(rgb, orientation), channels: raster.channels };
}

function decodeCheckedJpeg(bytes: Uint8Array, file: string): RgbImage {
  checkImage(bytes, file);
  const header = readJpegHeader(bytes)!;
  checkScans(bytes, header, file);
  try {
    return { ...decodeJpeg(bytes), channels: header.components.length };
  } catch (error) {
    throw undecodable(file, error);
  }
}
