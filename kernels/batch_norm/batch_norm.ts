import { gpuOf, type GpuTarget } from '../gpu.ts';
import { ceilDiv, distinct, foldWorkgroups, type Choices, type KernelSource, type Launch } from '../kernel.ts';
import { depthFor, reduce, type Depth, type SumPass } from '../reduce/reduce.ts';
import applyKernel from './batch_norm_apply.wgsl';
import coefficientsKernel from './batch_norm_coefficients.wgsl';
import combineKernel from './batch_norm_combine.wgsl';
import foldKernel from './batch_norm_fold.wgsl';
import gateSumsKernel from './batch_norm_gate_sums.wgsl';
import gatedInputGradKernel from './batch_norm_gated_input_grad.wgsl';
import gatedSumsKernel from './batch_norm_gated_sums.wgsl';
import inputGradKernel from './batch_norm_input_grad.wgsl';
import poolKernel from './batch_norm_pool.wgsl';
import statsKernel from './batch_norm_stats.wgsl';
import sumsKernel from './batch_norm_sums.wgsl';
import { WITH_COEFFICIENTS, WITH_SLOPE } from './pairs.ts';

/** The activations that can ride along, by their numbers in activation.wgsl. */
export const BATCH_NORM_ACTIVATIONS = { none: 0, relu: 1, silu: 2 } as const;
export type BatchNormActivation = keyof typeof BATCH_NORM_ACTIVATIONS;

/** A tensor [samples · rows, channels], and what it is computed on. */
export interface BatchNormSize {
  /** Of which each is treated by itself: 1 where the channels alone matter. */
  readonly samples: number;
  readonly rows: number;
  readonly channels: number;
  readonly target: GpuTarget;
}

/** Rows of what batch_norm_gate_sums.wgsl and batch_norm_coefficients.wgsl make. */
export const GATE_SUMS = 5;
export const COEFFICIENTS = 4;

/** How much a thread does: so many consecutive rows. */
export type Chunk = { readonly chunk: number };

/**
 * Defaults. Elementwise: a thread loads what its channels need once for all its rows; a CPU is best served by long
 * chunks, a GPU by many threads. Sums on a CPU: chunks of at least 32 rows, so that partial results are few beside the
 * tensor, and longer ones where there are threads enough to keep it busy (bench/ladder_depthwise.md). On a GPU the
 * threads of a workgroup share a chunk, four rows or more for each, and there are eight subgroups to a scheduler
 * (bench/ladder_gpu.md).
 */
const ELEMENTWISE_CHUNK = { software: 32, hardware: 8 };
const SUM_CHUNK = 32;
const SUM_THREADS = 512;
const SUM_ROWS = 4;

/**
 * How the threads of a GPU's workgroup stand that takes all rows of a sample, so that there is nothing to join: the
 * fewer channels it takes, the more workgroups there are. Three subgroups to a scheduler are enough, for each thread
 * has several loads under way.
 */
const WHOLE_SAMPLES: readonly Depth[] = [
  [8, 16],
  [8, 32],
  [4, 64],
  [2, 128],
].map(([COLUMNS, DEPTH]) => ({ COLUMNS, DEPTH, THREADS: COLUMNS * DEPTH }));
const ENOUGH = 3 / 2;

/** Partial results that one thread of a CPU joins in a pass of batch_norm_combine.wgsl. */
const GROUP = 32;

/** On a GPU a thread joins up to so many: all in one pass, or else a few in each of two. */
const JOINED_AT_ONCE = 64;
const JOINED_FIRST = 8;

/** The workgroup that joins at once what would be too many for the usual one: more threads share fewer channels. */
const DEEPEST: Depth = { COLUMNS: 4, DEPTH: 64, THREADS: 256 };

/** Channels in a Value. */
const widthOf = (channels: number) => (channels % 4 === 0 ? 4 : 1);

/** A launch for a tensor whose samples are cut into chunks of so many rows, a multiple of 4. */
function chunked({ samples, rows, channels }: BatchNormSize, chunk: number) {
  const width = widthOf(channels);
  const values = channels / width;
  const parts = ceilDiv(rows, chunk);
  return {
    aliases: width === 4 ? undefined : { Value: 'f32' },
    params: { samples, rows, channels: values, chunk, parts },
    workgroups: foldWorkgroups(ceilDiv(samples * parts * values, 64)),
  };
}

/** For batchNormApply and the input gradients. */
export function batchNormElementwiseChoices({ rows, target }: BatchNormSize): Choices<Chunk> {
  const usual = target.software ? ELEMENTWISE_CHUNK.software : ELEMENTWISE_CHUNK.hardware;
  const others = [4, 8, 16, 32, 64, 128].filter((chunk) => chunk < 2 * rows);
  return {
    kernels: [applyKernel, inputGradKernel, gatedInputGradKernel],
    candidates: distinct([usual, ...others].map((chunk) => ({ chunk }))),
    roundings: 0,
  };
}

/** How the threads of a workgroup that makes sums stand: on a CPU each is alone. */
const depthOf = (target: GpuTarget, columns: number, rows: number): Depth =>
  target.software ? { COLUMNS: 64, DEPTH: 1, THREADS: 64 } : depthFor(columns, rows);

/** The workgroups that take samples whole; undefined where there would be too few of them. */
function wholeSamples({ samples, rows, channels, target }: BatchNormSize): Depth | undefined {
  if (target.software || samples === 1) return undefined;
  const values = channels / widthOf(channels);
  return WHOLE_SAMPLES.find(
    ({ COLUMNS, DEPTH, THREADS }) =>
      rows >= SUM_ROWS * DEPTH && samples * ceilDiv(values, COLUMNS) * THREADS >= ENOUGH * gpuOf(target).threads,
  );
}

/** The rows of a chunk that a workgroup or a thread of the sums takes. */
function usualSumChunk(size: BatchNormSize): number {
  const { samples, rows, channels, target } = size;
  if (wholeSamples(size)) return ceilDiv(rows, 4) * 4;
  const values = channels / widthOf(channels);
  const { COLUMNS, DEPTH, THREADS } = depthOf(target, values, rows);
  const shared = target.software
    ? Math.floor(SUM_THREADS / values / samples)
    : Math.floor((4 * gpuOf(target).threads) / THREADS / ceilDiv(values, COLUMNS) / samples);
  const least = target.software ? SUM_CHUNK : SUM_ROWS * DEPTH;
  return Math.max(least, ceilDiv(ceilDiv(rows, Math.max(1, shared)), 4) * 4);
}

/** For batchNormStats and all sums. */
export function batchNormSumChoices(size: BatchNormSize): Choices<Chunk> {
  const { rows } = size;
  const usual = usualSumChunk(size);
  const others = [usual >> 2, usual >> 1, usual * 2, usual * 4]
    .map((n) => ceilDiv(n, 4) * 4)
    .filter((chunk) => chunk >= 16 && chunk < 2 * rows);
  const candidates = distinct([usual, ...others].map((chunk) => ({ chunk })));
  return {
    kernels: [statsKernel, combineKernel, sumsKernel, poolKernel, gateSumsKernel, gatedSumsKernel],
    candidates,
    roundings: Math.max(...candidates.map(({ chunk }) => chunk + ceilDiv(rows, chunk))),
  };
}

/** As `chunked`, for kernels whose threads may share a chunk. */
function deeplyChunked(size: BatchNormSize, chunk: number) {
  const launch = chunked(size, chunk);
  const { samples, parts, channels } = launch.params;
  const overrides = wholeSamples(size) ?? depthOf(size.target, channels, size.rows);
  const { COLUMNS, DEPTH } = overrides;
  const all = samples * parts;
  const workgroups = DEPTH === 1 ? ceilDiv(all * channels, COLUMNS) : all * ceilDiv(channels, COLUMNS);
  return { ...launch, overrides, workgroups: foldWorkgroups(workgroups) };
}

/** Partial statistics of so many rows, [parts, PART_ROWS, channels]: see join.wgsl. */
export const PART_ROWS = 3;

/**
 * The passes from x to stats [2, channels]. Each pass's output is the next one's input; `outSize` is its number of
 * elements.
 */
export function batchNormStats(size: BatchNormSize, by: Chunk): SumPass[] {
  const launch = deeplyChunked(size, by.chunk);
  const { parts } = launch.params;
  const first = { launch: { kernel: statsKernel, ...launch }, outSize: parts * PART_ROWS * size.channels };
  return [first, ...joinStatistics(size, parts)];
}

/** How a pass joins so many parts: all at once where `group` is as many. */
function joining(target: GpuTarget, channels: number, parts: number): { depth: Depth; group: number } {
  const depth = depthOf(target, channels, parts);
  if (target.software) return { depth, group: GROUP };
  if (parts <= JOINED_AT_ONCE * depth.DEPTH) return { depth, group: parts };
  if (parts <= JOINED_AT_ONCE * DEEPEST.DEPTH) return { depth: DEEPEST, group: parts };
  return { depth, group: JOINED_FIRST * depth.DEPTH };
}

/** Those of them that join partial statistics. */
export function joinStatistics({ rows, channels, target }: BatchNormSize, made: number): SumPass[] {
  const passes: SumPass[] = [];
  let parts = made;
  do {
    const { depth, group } = joining(target, channels, parts);
    const joined = ceilDiv(parts, group);
    passes.push({
      launch: {
        kernel: combineKernel,
        overrides: depth,
        params: { channels, parts, group, scale: joined === 1 ? 1 / rows : 1, epsilon: 0 },
        workgroups: foldWorkgroups(ceilDiv(joined * channels, depth.COLUMNS)),
        pairs: [WITH_COEFFICIENTS],
      },
      outSize: joined * (joined === 1 ? 2 : PART_ROWS) * channels,
    });
    parts = joined;
  } while (parts > 1);
  return passes;
}

/** [2, channels], factor and summand of each channel, from stats, gamma and beta. */
export const batchNormFold = (channels: number, epsilon: number): Launch => ofChannels(foldKernel, channels, epsilon);

/** [COEFFICIENTS, channels] from stats, gamma and beta. */
export const batchNormCoefficients = (channels: number, epsilon: number): Launch =>
  ofChannels(coefficientsKernel, channels, epsilon);

function ofChannels(kernel: KernelSource, channels: number, epsilon: number): Launch {
  const width = widthOf(channels);
  const values = channels / width;
  return {
    kernel,
    aliases: width === 4 ? undefined : { Value: 'f32' },
    params: { channels: values, epsilon },
    workgroups: foldWorkgroups(ceilDiv(values, 64)),
  };
}

/** What becomes of a batch norm's result as it is written. */
export interface BatchNormEnd {
  readonly activation: BatchNormActivation;
  /** It is multiplied by a gate, one number for a sample and channel. */
  readonly gated: boolean;
  /** Then another tensor is added. */
  readonly added: boolean;
}

/**
 * y from x, stats, gamma and beta, with the gate and the residual where they are wanted; bind what it reads anyway
 * where not.
 */
export function batchNormApply(
  size: BatchNormSize,
  by: Chunk,
  { activation, gated, added }: BatchNormEnd,
  epsilon: number,
): Launch {
  const launch = chunked(size, by.chunk);
  return {
    kernel: applyKernel,
    ...launch,
    overrides: { ACTIVATION: BATCH_NORM_ACTIVATIONS[activation], GATED: Number(gated), ADDED: Number(added) },
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
): SumPass[] {
  const launch = deeplyChunked(size, by.chunk);
  const { parts } = launch.params;
  const inner = 2 * size.channels;
  const first: Launch = {
    kernel: sumsKernel,
    ...launch,
    overrides: { ...launch.overrides, ACTIVATION: BATCH_NORM_ACTIVATIONS[activation] },
    params: { ...launch.params, epsilon },
  };
  return [{ launch: first, outSize: parts * inner }, ...(parts === 1 ? [] : joinSums(size, parts))];
}

/** Those of them that add up partial sums. */
export const joinSums = ({ channels, target }: BatchNormSize, parts: number): SumPass[] =>
  reduce([1, parts, 2 * channels], 1, target);

/**
 * The passes from x, stats, gamma and beta to scale · Σ y of each sample, [samples, channels]; y is never written.
 */
export function batchNormPool(
  size: BatchNormSize,
  by: Chunk,
  activation: BatchNormActivation,
  epsilon: number,
  scale: number,
): SumPass[] {
  const { samples, channels } = size;
  const launch = deeplyChunked(size, by.chunk);
  const { parts } = launch.params;
  const first: Launch = {
    kernel: poolKernel,
    ...launch,
    overrides: { ...launch.overrides, ACTIVATION: BATCH_NORM_ACTIVATIONS[activation] },
    params: { ...launch.params, epsilon, scale: parts === 1 ? scale : 1 },
  };
  const rest = parts === 1 ? [] : reduce([samples, parts, channels], scale, size.target);
  return [{ launch: first, outSize: samples * parts * channels }, ...rest];
}

/** The passes from dy, x, stats, gamma and beta to [GATE_SUMS, samples, channels]: see batch_norm_gate_sums.wgsl. */
export function batchNormGateSums(
  size: BatchNormSize,
  by: Chunk,
  activation: BatchNormActivation,
  epsilon: number,
): SumPass[] {
  const { samples, channels } = size;
  const launch = deeplyChunked(size, by.chunk);
  const { parts } = launch.params;
  const first: Launch = {
    kernel: gateSumsKernel,
    ...launch,
    overrides: { ...launch.overrides, ACTIVATION: BATCH_NORM_ACTIVATIONS[activation] },
    params: { ...launch.params, epsilon },
    pairs: [WITH_SLOPE],
  };
  const rows = GATE_SUMS * samples;
  const rest = parts === 1 ? [] : reduce([rows, parts, channels], 1, size.target);
  return [{ launch: first, outSize: rows * parts * channels }, ...rest];
}

/** [2, channels], dgamma and dbeta, from the sums by sample, gate and summand. */
export function batchNormGatedSums({ samples, channels, target }: BatchNormSize): Launch {
  const width = widthOf(channels);
  const values = channels / width;
  const overrides = depthOf(target, values, samples);
  return {
    kernel: gatedSumsKernel,
    aliases: width === 4 ? undefined : { Value: 'f32' },
    overrides,
    params: { samples, channels: values },
    workgroups: foldWorkgroups(ceilDiv(values, overrides.COLUMNS)),
  };
}

/** dx from dy, x, sums, coefficients, gate and summand; `frozen` as in batchNormInputGrad. */
export function batchNormGatedInputGrad(
  size: BatchNormSize,
  by: Chunk,
  activation: BatchNormActivation,
  frozen: boolean,
): Launch {
  const launch = chunked(size, by.chunk);
  return {
    kernel: gatedInputGradKernel,
    ...launch,
    overrides: { ACTIVATION: BATCH_NORM_ACTIVATIONS[activation] },
    params: { ...launch.params, inverseCount: frozen ? 0 : 1 / (size.samples * size.rows) },
  };
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
