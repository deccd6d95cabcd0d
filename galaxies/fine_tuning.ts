import type { Preset } from '../vision/train/task_kind.ts';

/** How a trained network is fine-tuned on galaxies, for either task; docs/galaxies.md has what came of it. */
export const FINE_TUNING: Partial<Preset> = {
  views: 2,
  epochs: 4,
  learningRate: 2e-4,
  zoom: 0,
  jitter: 0.1,
  hue: 0.05,
};
