import type { Preset } from '../vision/train/task_kind.ts';

/**
 * How a network is trained on galaxies, for either task; docs/galaxies.md has what came of it. From scratch it sees as
 * much of the sky in fewer pixels, with a quarter of the channels, so that two CPU cores train it in minutes.
 */
export const GALAXY_PRESET: Preset = {
  model: 'galaxy_vgg',
  width: 0.25,
  epochs: 30,
  size: [160, 96],
  crop: [260, 260],
  tta: 4,
  rotation: 180,
  zoom: 0.1,
  shift: [0.02, 0.05],
  jitter: 0.1,
  hue: 0.05,
  fineTuning: { views: 2, epochs: 12, learningRate: 5e-4, unfreeze: 'all', zoom: 0 },
};
