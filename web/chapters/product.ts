import { makeCase, type Case } from '../../bench/kernels/cases.ts';
import type { Asked } from '../../bench/contender.ts';
import type { KernelAnswers, KernelContender, KernelQuestions } from '../../bench/kernels/contender.ts';
import { kernelAnswers } from '../../bench/kernels/kernel_answers.ts';
import { measureCase, type KernelEngine } from '../../bench/kernels/measure_case.ts';
import { timesBy } from '../../bench/kernels/result.ts';
import { prepareProgram } from '../../bench/kernels/tuningfork_kernels.ts';
import type { Device } from '../../engine/device/device.ts';
import { defineOp } from '../../engine/op.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { matmulStep, type MatmulStep } from '../../kernels/matmul/steps.ts';
import type { Version } from './product_counts.ts';

/** Sides of the square matrices that a reader can choose, the first at first. */
export const sidesFor = (software: boolean): readonly number[] =>
  software ? [128, 64, 192, 256] : [1024, 256, 512, 2048];

/** What a measurement of a version came to. */
export interface Measured {
  readonly version: Version;
  /** Names of the kernels that ran. */
  readonly kernels: readonly string[];
  /** Milliseconds of one product: the least of the measurements, and the clock that told. */
  readonly ms: number;
  readonly clock: 'gpu' | 'wall';
  /** 10^9 multiplications and additions a second. */
  readonly gflops: number;
  /** Relative L2 distance of the sampled elements from float64. */
  readonly difference: number;
}

export type Result = Measured | { readonly version: Version; readonly failed: string };

const stepOp = defineOp<'a' | 'b', { readonly step: MatmulStep }>({
  name: 'matmul_step',
  inputs: ['a', 'b'],
  shape: ([a, b]) => [a.shape[0], b.shape[1]],
  lower: ({ inputs: [a, b], attrs: { step }, in: from, out }) => [
    {
      launch: matmulStep(step, a.shape[0], b.shape[1], a.shape[1]),
      buffers: { a: from(0), b: from(1), out: out() },
    },
  ],
});

/** The product [M, N] of a [M, K] and b [K, N] by a version; the steps want multiples of STEP_MULTIPLE. */
export function productBy(version: Version, a: Tensor, b: Tensor): Tensor {
  if (version === 'naive') return matmul(a, b, { version: 1 });
  return version === 'engine' ? matmul(a, b) : stepOp([a, b], { step: version });
}

/** A product of two square matrices as the benchmark sees it. */
export const productCase = (side: number): Case =>
  makeCase({ group: 'matmul', name: `${side} x ${side}`, kind: 'matmul', x: [side, side], w: [side, side] }, 'forward');

/** Timed measurements of a version. */
const REPEATS = 5;

/**
 * Computes the product of two square matrices by a version, checks elements of it against float64, and times it: the
 * same work as `bench kernels`.
 */
export async function measureProduct(device: Device, version: Version, side: number): Promise<Result> {
  const contender: KernelContender = {
    adapter: device.adapter,
    maxStorageBinding: device.capabilities.maxStorageBinding,
    close: () => {},
    prepare: (c) =>
      prepareProgram(device, c, (operand) => ({ outputs: [productBy(version, operand('x'), operand('w'))] })),
  };
  const { answers, close } = kernelAnswers(async () => contender);
  try {
    const engine: KernelEngine = {
      name: version,
      open: async () => answers.open({ ask: 'open' }),
      async ask<K extends keyof KernelAnswers>(question: Asked<K, KernelQuestions>): Promise<KernelAnswers[K]> {
        return answers[question.ask](question);
      },
      drop: close,
    };
    const { outcomes, flops } = await measureCase(productCase(side), [engine], REPEATS);
    const outcome = outcomes[version];
    if (outcome.status !== 'measured') return { version, failed: outcome.reason };
    const { timing, kernels, difference } = outcome;
    const ms = timesBy('gpu', timing, 1).min;
    return {
      version,
      kernels: kernels.map(({ name }) => name),
      ms,
      clock: timing.gpu ? 'gpu' : 'wall',
      gflops: flops / ms / 1e6,
      difference: difference!,
    };
  } finally {
    close();
  }
}
