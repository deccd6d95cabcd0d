import { UPRIGHT_AUGMENTATION } from '../view/view.ts';
import { SHORT_SIDE } from '../view/views.ts';
import type { Preset } from './task_kind.ts';

/**
 * Of images that have an up: they are not turned. Of the picture scaled to 8/7 of the input a square is seen, as
 * networks for photographs are trained.
 */
export const UPRIGHT_PRESET: Preset = {
  model: 'vgg_small',
  epochs: 15,
  size: [224, 128],
  crop: [224, 128],
  shortSide: SHORT_SIDE,
  tta: 2,
  rotation: UPRIGHT_AUGMENTATION.rotation,
  zoom: UPRIGHT_AUGMENTATION.scale,
  shift: [UPRIGHT_AUGMENTATION.shift, UPRIGHT_AUGMENTATION.shift],
  jitter: UPRIGHT_AUGMENTATION.brightness,
  hue: UPRIGHT_AUGMENTATION.hue,
};

/** The same of images without an up, as those of the sky: they are turned, and seen as large as they are. */
export const withoutUp = ({ shortSide: _, ...preset }: Preset): Preset => ({ ...preset, tta: 4, rotation: 180 });
