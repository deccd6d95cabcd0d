import { ceilDiv, foldWorkgroups, type Launch } from '../kernel.ts';
import { reduce } from '../reduce/reduce.ts';
import applyKernel from './batch_norm_apply.wgsl';
import combineKernel from './batch_norm_combine.wgsl';
import inputGradKernel from './batch_norm_input_grad.wgsl';
import statsKernel from './batch_norm_stats.wgsl';
import sumsKernel from './batch_norm_sums.wgsl';

/** The activations that can ride along, by their numbers in activation.wgsl. */
export const BATCH_NORM_ACTIVATIONS = { none: 0, relu: 1, silu: 2 } as const;
export type BatchNormActivation = keyof typeof BATCH_NORM_ACTIVATIONS;

/** A tensor [rows, channels] and how wide the machine is. */
export interface BatchNormSize {
  readonly rows: number;
  readonly channels: number;
  /** Threads that keep the adapter busy; more of them only make more partial results. */
  readonly threads: number;
}

/** Threads for adapters that compute on a CPU and for those that do not. */
export const batchNormThreads = (software: boolean): number => (software ? 1024 : 65_536);

/** Partial results that one thread joins in a pass of batch_norm_combine.wgsl. */
const GROUP = 32;

/** How a tensor is cut into chunks: `chunk` rows each, no fewer than `shortest`, a multiple of 4. */
function split({ rows, channels, threads }: BatchNormSize, shortest: number) {
  const width = channels % 4 === 0 ? 4 : 1;
  const values = channels / width;
  const wanted = Math.max(1, Math.floor(threads / values));
  const chunk = Math.max(shortest, Math.ceil(rows / wanted / 4) * 4);
  const parts = ceilDiv(rows, chunk);
  return {
    parts,
    chunk,
    launch: {
      aliases: width === 4 ? undefined : { Value: 'f32' },
      params: { rows, channels: values, chunk, parts },
      workgroups: foldWorkgroups(ceilDiv(parts * values, 64)),
    },
  };
}

/** Elementwise kernels: a thread's chunk is short, so that there are many threads, but long enough to share the channel's numbers. */
const ELEMENTWISE_CHUNK = 8;
/** Partial sums: chunks long enough that the partial results are few beside the tensor. */
const SUM_CHUNK = 32;

/** The passes from x to stats [2, channels]. Each pass's output is the next one's input; `outSize` is its number of elements. */
export function batchNormStats(size: BatchNormSize): { launch: Launch; outSize: number }[] {
  const { rows, channels } = size;
  let { parts, chunk, launch } = split(size, SUM_CHUNK);
  const passes: { launch: Launch; outSize: number }[] = [{ launch: { kernel: statsKernel, ...launch }, outSize: parts * 2 * channels }];
  do {
    const joined = ceilDiv(parts, GROUP);
    passes.push({
      launch: {
        kernel: combineKernel,
        params: { rows, channels, chunk, parts, group: GROUP, scale: joined === 1 ? 1 / rows : 1 },
        workgroups: foldWorkgroups(ceilDiv(joined * channels, 64)),
      },
      outSize: joined * 2 * channels,
    });
    parts = joined;
    chunk *= GROUP;
  } while (parts > 1);
  return passes;
}

/** y from x, stats, gamma and beta. */
export function batchNormApply(size: BatchNormSize, activation: BatchNormActivation, epsilon: number): Launch {
  const { launch } = split({ ...size, threads: Infinity }, ELEMENTWISE_CHUNK);
  return { kernel: applyKernel, ...launch, overrides: { ACTIVATION: BATCH_NORM_ACTIVATIONS[activation] }, params: { ...launch.params, epsilon } };
}

/** The passes to [2, channels]: dbeta, dgamma. The first reads dy, x, stats, gamma, beta; the others the one before. */
export function batchNormSums(size: BatchNormSize, activation: BatchNormActivation, epsilon: number): { launch: Launch; outSize: number }[] {
  const { launch, parts } = split(size, SUM_CHUNK);
  const inner = 2 * size.channels;
  const first: Launch = { kernel: sumsKernel, ...launch, overrides: { ACTIVATION: BATCH_NORM_ACTIVATIONS[activation] }, params: { ...launch.params, epsilon } };
  return [
    { launch: first, outSize: parts * inner },
    ...(parts === 1 ? [] : reduce(1, parts, inner, 1).map((pass) => ({ launch: pass, outSize: pass.params.parts * inner }))),
  ];
}

/** dx from dy, x, stats, sums, gamma and beta; with `frozen` statistics the sums are not used. */
export function batchNormInputGrad(size: BatchNormSize, activation: BatchNormActivation, epsilon: number, frozen: boolean): Launch {
  const { launch } = split({ ...size, threads: Infinity }, ELEMENTWISE_CHUNK);
  return {
    kernel: inputGradKernel,
    ...launch,
    overrides: { ACTIVATION: BATCH_NORM_ACTIVATIONS[activation] },
    params: { ...launch.params, epsilon, inverseCount: frozen ? 0 : 1 / size.rows },
  };
}
