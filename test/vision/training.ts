import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { TaskChoice } from '../../galaxies/tasks.ts';
import type { TrainOptions } from '../../vision/train/options.ts';
import { DEFAULT_AUGMENTATION } from '../../vision/view/view.ts';

/** A training of seconds: a small VGG from scratch on drawn galaxies of few pixels. */
export const TINY: TrainOptions<TaskChoice> = {
  task: { name: 'smooth-or-featured', threshold: 0.6, softLabels: false, labelSmoothing: 0 },
  data: 'synthetic:48',
  model: 'vgg_small',
  weights: null,
  valFraction: 0.2,
  trainOnly: null,
  skipBad: false,
  seed: 1,
  size: 32,
  crop: 40,
  batch: 8,
  views: 1,
  tta: 1,
  augmentation: DEFAULT_AUGMENTATION,
  head: { epochs: 0, learningRate: 0 },
  tune: { epochs: 2, learningRate: 1e-3 },
  unfreeze: 1,
  batchNorm: 'batch',
  schedule: 'cosine',
  warmup: 0,
  weightDecay: 0.01,
  clip: 1,
  dropout: 0.2,
  dropPath: 0.1,
  patience: null,
  keep: 'last',
  checkpointSteps: 2,
};

/** Side in pixels of the galaxies that tests draw. */
export const DRAWN = 64;

/** A folder for the tests of a file, removed after the last; `next()` names a new one in it. */
export function scratchFolder(): { readonly path: string; next(): string } {
  const path = mkdtempSync(join(tmpdir(), 'tuningfork-train-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  let made = 0;
  return { path, next: () => join(path, `run${made++}`) };
}
