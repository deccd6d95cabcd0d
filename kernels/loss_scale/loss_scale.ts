import type { Launch } from '../kernel.ts';
import scaleKernel from './loss_scale.wgsl';

/** Bounds of the scale. */
export const LEAST_SCALE = 2 ** -24;
export const MOST_SCALE = 2 ** 24;

export const lossScale = (growAfter: number): Launch => ({
  kernel: scaleKernel,
  params: { growAfter, least: LEAST_SCALE, most: MOST_SCALE },
  workgroups: [1, 1, 1],
});
