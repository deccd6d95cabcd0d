import type { Launch } from '../kernel.ts';
import hyperKernel from './adam_hyper_scaled.wgsl';
import scaleKernel from './loss_scale.wgsl';

/** Bounds of the scale. */
export const LEAST_SCALE = 2 ** -24;
export const MOST_SCALE = 2 ** 24;

export const adamHyperScaled = (beta1: number, beta2: number): Launch => ({
  kernel: hyperKernel,
  params: { beta1, beta2, rest1: 1 - beta1, rest2: 1 - beta2 },
  workgroups: [1, 1, 1],
});

export const lossScale = (growAfter: number): Launch => ({
  kernel: scaleKernel,
  params: { growAfter, least: LEAST_SCALE, most: MOST_SCALE },
  workgroups: [1, 1, 1],
});
