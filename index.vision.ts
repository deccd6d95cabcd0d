// Images: what `import { ... } from 'tuningfork/vision'` gives in Node. In a browser index.vision.browser.ts gives the
// same, with a browser's own ways to read files.
import type { Device } from './engine/device/device.ts';
import { openModel } from './galaxies/open_model.ts';
import type { ImageModel } from './vision/answer/image_model.ts';
import { NODE_READER } from './vision/data/file_reader.node.ts';
import { rgbOf, type FileSource, type Picture } from './vision/data/picture.ts';
import type { RgbImage } from './vision/data/rgb_image.ts';

export { ImageModel, type PredictOptions } from './vision/answer/image_model.ts';
export type { PredictionRecord } from './vision/answer/prediction_record.ts';
export type { FileSource, Picture, Pixels } from './vision/data/picture.ts';
export type { RgbImage } from './vision/data/rgb_image.ts';
export { cropResize, type CropResize } from './vision/view/resample.ts';
export { imagePixels, type PixelOptions } from './vision/view/image_pixels.ts';

/**
 * Loads a model that `tuningfork train` wrote: RUN/model.safetensors, or in Node the folder RUN.
 * @param file its path (in Node) or URL, a File or Blob, or its bytes
 * @throws UserError where it cannot be read, is damaged, or is no model
 */
export const loadModel = (device: Device, file: FileSource): Promise<ImageModel> =>
  openModel(device, file, NODE_READER);

/**
 * Decodes an image file to rows of R, G, B bytes: JPEG and PNG, in Node WebP, TIFF and FITS as well.
 * @param picture its path (in Node) or URL, a File or Blob, or its bytes; in a browser also what a canvas can draw
 * @param name what errors call bytes, which have no name of their own
 * @throws UserError where it cannot be read or decoded
 */
export const decodeImage = (picture: Picture, name = 'the image'): Promise<RgbImage> =>
  rgbOf(picture, name, NODE_READER);
