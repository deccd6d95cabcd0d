import type { Preset } from '../vision/train/task_kind.ts';

/** How a trained network is fine-tuned on galaxies, for either task; docs/galaxies.md has what came of it. */
export const FINE_TUNING: Partial<Preset> = {
  views: 2,
  epochs: 12,
  learningRate: 5e-4,
  unfreeze: 'all',
  zoom: 0,
  jitter: 0.1,
  hue: 0.05,
};
