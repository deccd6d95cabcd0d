import { ceilDiv, distinct, foldWorkgroups, type Choices, type Launch } from '../kernel.ts';
import { reduce } from '../reduce/reduce.ts';
import applyKernel from './batch_norm_apply.wgsl';
import combineKernel from './batch_norm_combine.wgsl';
import foldKernel from './batch_norm_fold.wgsl';
import inputGradKernel from './batch_norm_input_grad.wgsl';
import statsKernel from './batch_norm_stats.wgsl';
import sumsKernel from './batch_norm_sums.wgsl';

/** The activations that can ride along, by their numbers in activation.wgsl. */
export const BATCH_NORM_ACTIVATIONS = { none: 0, relu: 1, silu: 2 } as const;
export type BatchNormActivation = keyof typeof BATCH_NORM_ACTIVATIONS;

/** A tensor [rows, channels] on an adapter that computes on a CPU, or not. */
export interface BatchNormSize {
  readonly rows: number;
  readonly channels: number;
  readonly software: boolean;
}

/** How much a thread does: so many consecutive rows. */
export type Chunk = { readonly chunk: number };

/**
 * Defaults. Sums: chunks of at least 32 rows, so that partial results are few beside the tensor, and longer ones where
 * there are threads enough to keep the adapter busy. Elementwise: a thread loads what its channels need once for all
 * its rows; a CPU is best served by long chunks, a GPU by many threads. Measured in bench/ladder_depthwise.md.
 */
const SUM_CHUNK = 32;
const SUM_THREADS = { software: 512, hardware: 65_536 };
const ELEMENTWISE_CHUNK = { software: 32, hardware: 8 };

/** Partial results that one thread joins in a pass of batch_norm_combine.wgsl. */
const GROUP = 32;

/** Channels in a Value. */
const widthOf = (channels: number) => (channels % 4 === 0 ? 4 : 1);

/** A launch for a tensor that is cut into chunks of so many rows, a multiple of 4. */
function chunked({ rows, channels }: BatchNormSize, chunk: number) {
  const width = widthOf(channels);
  const values = channels / width;
  const parts = ceilDiv(rows, chunk);
  return {
    aliases: width === 4 ? undefined : { Value: 'f32' },
    params: { rows, channels: values, chunk, parts },
    workgroups: foldWorkgroups(ceilDiv(parts * values, 64)),
  };
}

/** For batchNormApply and batchNormInputGrad. */
export function batchNormElementwiseChoices({ rows, software }: BatchNormSize): Choices<Chunk> {
  const usual = software ? ELEMENTWISE_CHUNK.software : ELEMENTWISE_CHUNK.hardware;
  const others = [4, 8, 16, 32, 64, 128].filter((chunk) => chunk < 2 * rows);
  return {
    kernels: [applyKernel, inputGradKernel],
    candidates: distinct([usual, ...others].map((chunk) => ({ chunk }))),
    roundings: 0,
  };
}

/** For batchNormStats and batchNormSums. */
export function batchNormSumChoices({ rows, channels, software }: BatchNormSize): Choices<Chunk> {
  const threads = software ? SUM_THREADS.software : SUM_THREADS.hardware;
  const wanted = Math.max(1, Math.floor((threads * widthOf(channels)) / channels));
  const usual = Math.max(SUM_CHUNK, ceilDiv(ceilDiv(rows, wanted), 4) * 4);
  const others = [usual >> 2, usual >> 1, usual * 2, usual * 4]
    .map((n) => ceilDiv(n, 4) * 4)
    .filter((chunk) => chunk >= 16 && chunk < 2 * rows);
  const candidates = distinct([usual, ...others].map((chunk) => ({ chunk })));
  return {
    kernels: [statsKernel, combineKernel, sumsKernel],
    candidates,
    roundings: Math.max(...candidates.map(({ chunk }) => chunk + ceilDiv(rows, chunk))),
  };
}

/**
 * The passes from x to stats [2, channels]. Each pass's output is the next one's input; `outSize` is its number of
 * elements.
 */
export function batchNormStats(size: BatchNormSize, by: Chunk): { launch: Launch; outSize: number }[] {
  const { rows, channels } = size;
  const launch = chunked(size, by.chunk);
  let { parts, chunk } = launch.params;
  const passes: { launch: Launch; outSize: number }[] = [
    { launch: { kernel: statsKernel, ...launch }, outSize: parts * 2 * channels },
  ];
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

/** [2, channels], factor and summand of each channel, from stats, gamma and beta. */
export function batchNormFold(channels: number, epsilon: number): Launch {
  const width = widthOf(channels);
  const values = channels / width;
  return {
    kernel: foldKernel,
    aliases: width === 4 ? undefined : { Value: 'f32' },
    params: { channels: values, epsilon },
    workgroups: foldWorkgroups(ceilDiv(values, 64)),
  };
}

/** y from x, stats, gamma and beta. */
export function batchNormApply(
  size: BatchNormSize,
  by: Chunk,
  activation: BatchNormActivation,
  epsilon: number,
): Launch {
  const launch = chunked(size, by.chunk);
  return {
    kernel: applyKernel,
    ...launch,
    overrides: { ACTIVATION: BATCH_NORM_ACTIVATIONS[activation] },
    params: { ...launch.params, epsilon },
  };
}

/**
 * The passes to [2, channels]: dgamma, dbeta, as the parameters usually lie in memory. The first reads dy, x, stats,
 * gamma, beta; the others the one before.
 */
export function batchNormSums(
  size: BatchNormSize,
  by: Chunk,
  activation: BatchNormActivation,
  epsilon: number,
): { launch: Launch; outSize: number }[] {
  const launch = chunked(size, by.chunk);
  const { parts } = launch.params;
  const inner = 2 * size.channels;
  const first: Launch = {
    kernel: sumsKernel,
    ...launch,
    overrides: { ACTIVATION: BATCH_NORM_ACTIVATIONS[activation] },
    params: { ...launch.params, epsilon },
  };
  return [{ launch: first, outSize: parts * inner }, ...(parts === 1 ? [] : reduce(1, parts, inner, 1))];
}

/** dx from dy, x, stats, sums, gamma and beta; with `frozen` statistics the sums are not used. */
export function batchNormInputGrad(
  size: BatchNormSize,
  by: Chunk,
  activation: BatchNormActivation,
  epsilon: number,
  frozen: boolean,
): Launch {
  const launch = chunked(size, by.chunk);
  return {
    kernel: inputGradKernel,
    ...launch,
    overrides: { ACTIVATION: BATCH_NORM_ACTIVATIONS[activation] },
    params: { ...launch.params, epsilon, inverseCount: frozen ? 0 : 1 / size.rows },
  };
}
