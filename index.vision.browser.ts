// What `import { ... } from 'tuningfork/vision'` gives in a browser: as index.vision.ts, whose types it has.
import type { Device } from './engine/device/device.ts';
import { openModel } from './galaxies/open_model.ts';
import type { ImageModel } from './vision/answer/image_model.ts';
import { BROWSER_READER } from './vision/data/file_reader.browser.ts';
import { rgbOf, type FileSource, type Picture } from './vision/data/picture.ts';
import type { RgbImage } from './vision/data/rgb_image.ts';

export { ImageModel } from './vision/answer/image_model.ts';
export { cropResize } from './vision/view/resample.ts';
export { imagePixels } from './vision/view/image_pixels.ts';

export const loadModel = (device: Device, file: FileSource): Promise<ImageModel> =>
  openModel(device, file, BROWSER_READER);

export const decodeImage = (picture: Picture, name = 'the image'): Promise<RgbImage> =>
  rgbOf(picture, name, BROWSER_READER);
