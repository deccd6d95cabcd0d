import type { GpuSheet } from '../engine/device/gpu_sheets.ts';
import type { LoweredStep } from '../engine/program/lower.ts';
import type { StepCost } from './step_cost.ts';

/** What a step's time is taken from. */
export const BOUNDS = ['arithmetic', 'memory', 'launch'] as const;
export type Bound = (typeof BOUNDS)[number];

/** What a step would take at least, in seconds, and what holds it there. */
export interface StepEstimate {
  readonly seconds: number;
  readonly bound: Bound;
}

/** From the beginning of a launch to the next, which waits for it, in seconds: the order of what drivers take. */
export const LAUNCH = 5e-6;

/**
 * The share of a kernel's instructions that multiply and add, which no scheduler of one instruction a clock passes: of
 * machine code for AMD's RDNA2 and for NVIDIA's Ampere (bench/ladder_gpu.md; of several pipelines the middle one).
 * Other makers' are not known: they are given NVIDIA's. The first row that fits is taken.
 */
const SHARES: readonly (readonly [RegExp, { readonly amd: number; readonly others: number }])[] = [
  [/^matmul/, { amd: 0.97, others: 0.92 }],
  [/^conv2d_filter_grad/, { amd: 0.9, others: 0.86 }],
  [/^conv2d_input_grad/, { amd: 0.9, others: 0.87 }],
  [/^conv2d/, { amd: 0.92, others: 0.89 }],
  [/^depthwise_conv2d_filter_grad/, { amd: 0.54, others: 0.22 }],
  [/^depthwise_conv2d_input_grad/, { amd: 0.32, others: 0.21 }],
  [/^depthwise_conv2d/, { amd: 0.65, others: 0.47 }],
];

function shareOf(kernel: string, { vendor }: GpuSheet): number {
  const row = SHARES.find(([pattern]) => pattern.test(kernel))?.[1];
  return row ? row[vendor === 'amd' ? 'amd' : 'others'] : 1;
}

/**
 * The largest of three (the roofline model: Williams, Waterman & Patterson 2009, with a floor): arithmetic over the
 * part of the peak that its kernel's code and its number of subgroups allow, bytes over bandwidth, and a launch.
 * Caches, clocks, latency and tensor cores are not in it.
 */
export function estimateStep({ launch }: Pick<LoweredStep, 'launch'>, cost: StepCost, gpu: GpuSheet): StepEstimate {
  const [x, y, z] = launch.workgroups;
  const subgroups = x * y * z * Math.ceil(cost.threads / gpu.subgroup);
  const share = shareOf(launch.kernel.name, gpu) * Math.min(1, subgroups / gpu.schedulers);
  const seconds = {
    arithmetic: cost.flops / (gpu.flops * share),
    memory: (cost.read + cost.written) / gpu.bandwidth,
    launch: LAUNCH,
  };
  const bound = BOUNDS.reduce((longest, name) => (seconds[name] > seconds[longest] ? name : longest));
  return { seconds: seconds[bound], bound };
}
