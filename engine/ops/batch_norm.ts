import * as kernels from '../../kernels/batch_norm/batch_norm.ts';
import type { PointwiseStage } from '../../kernels/pointwise/pointwise.ts';
import { checkOneOf, checkOptions, show, type Known } from '../check.ts';
import { defineOp, type LowerContext } from '../op.ts';
import { sameShape, shapeError, type Shape, type Tensor } from '../tensor.ts';
import { chain } from './chain.ts';
import { stopGradient } from './leaves.ts';
import { UserError } from '../user_error.ts';
import { row } from './row.ts';

/** How batch norm is applied. */
export interface BatchNormAttributes {
  /** Added to the variance before its root is taken. */
  readonly epsilon?: number;
  /** Applied to the normalised value in the same pass. */
  readonly activation?: kernels.BatchNormActivation;
}

/** A batch norm's options as its ops carry them. */
export interface BatchNormSettings {
  readonly epsilon: number;
  readonly activation: kernels.BatchNormActivation;
  /** The statistics are constants, not the batch's own: no gradient flows through them. */
  readonly frozen: boolean;
}

const OPTIONS: Known<BatchNormAttributes> = { epsilon: true, activation: true };

function settings(a: BatchNormAttributes, frozen: boolean): BatchNormSettings {
  checkOptions('batchNorm', a, OPTIONS);
  const { epsilon = 1e-5, activation = 'none' } = a;
  if (!(typeof epsilon === 'number' && epsilon >= 0))
    throw new UserError(`batchNorm: epsilon must be a number of at least 0, not ${show(epsilon)}`);
  checkOneOf('batchNorm', 'activation', activation, Object.keys(kernels.BATCH_NORM_ACTIVATIONS));
  return { epsilon, activation, frozen };
}

const channelsOf = (x: Tensor): number => x.shape[x.shape.length - 1];

const sizeFor = (ctx: LowerContext<object>, x: Tensor): kernels.BatchNormSize => ({
  samples: 1,
  rows: x.size / channelsOf(x),
  channels: channelsOf(x),
  target: ctx.capabilities,
});

function checkStatistics(op: string, x: Tensor, stats: Tensor, gamma: Tensor, beta: Tensor): void {
  const c = channelsOf(x);
  if (x.shape.length < 2)
    shapeError(op, 'the input must have channels as its last and at least one other dimension', x);
  if (!sameShape(stats.shape, [2, c])) shapeError(op, `the statistics must be [2, ${c}]: mean and variance`, x, stats);
  for (const t of [gamma, beta])
    if (!sameShape(t.shape, [c])) shapeError(op, `gamma and beta must be [${c}]`, x, gamma, beta);
}

// stats[0, c] = mean of x[..., c], stats[1, c] = its variance (divided by the count, not the count less one)
export const batchNormStatsOp = defineOp<'x'>({
  name: 'batch_norm_stats',
  inputs: ['x'],
  shape([x]): Shape {
    if (x.shape.length < 2)
      shapeError('batchNormStats', 'the input must have channels as its last and at least one other dimension', x);
    return [2, channelsOf(x)];
  },
  lower(ctx) {
    const size = sizeFor(ctx, ctx.inputs[0]);
    const left = ctx.left(0);
    if (left) return chain(ctx, { x: left.partial }, kernels.joinStatistics(size, left.parts));
    return chain(ctx, { x: ctx.in(0) }, kernels.batchNormStats(size, ctx.choose(kernels.batchNormSumChoices(size))));
  },
});

/** What the compiler gave it as further inputs. */
interface Ended {
  /** A gate [N, 1, 1, C], as a factor (engine/program/gates.ts). */
  readonly gated?: true;
  /** A tensor of its shape, which is added (engine/program/residuals.ts). */
  readonly added?: true;
}

// y = activation(gamma · (x − mean)/√(variance + epsilon) + beta)
export const batchNormApplyOp = defineOp<'x' | 'stats' | 'gamma' | 'beta', BatchNormSettings & Ended>({
  name: 'batch_norm_apply',
  cheap: true,
  inputs: ['x', 'stats', 'gamma', 'beta'],
  shape([x, stats, gamma, beta]): Shape {
    checkStatistics('batchNorm', x, stats, gamma, beta);
    return x.shape;
  },
  // Ioffe & Szegedy 2015, section 3. The statistics get no cotangent of their own: where they are the batch's, what
  // flows through them to x is part of batch_norm_input_grad's formula.
  vjp({ x, stats, gamma, beta }, dy, a) {
    let sums: Tensor | undefined;
    const both = () => (sums ??= batchNormSumsOp([dy, x, stats, gamma, beta], a));
    return {
      x: () => batchNormInputGradOp([dy, x, stats, a.frozen ? stats : both(), gamma, beta], a),
      gamma: () => row(both(), 0),
      beta: () => row(both(), 1),
    };
  },
  lower(ctx) {
    const { activation, epsilon, gated = false, added = false } = ctx.attrs;
    const whole = sizeFor(ctx, ctx.inputs[0]);
    const samples = gated ? ctx.inputs[0].shape[0] : 1;
    const size = { ...whole, samples, rows: whole.rows / samples };
    const choice = ctx.choose(kernels.batchNormElementwiseChoices(size));
    const [x, stats, gamma, beta, ...further] = ctx.inputs.map((_, i) => ctx.in(i));
    const gate = gated ? further[0] : gamma;
    const residual = added ? further[further.length - 1] : x;
    const launch = kernels.batchNormApply(size, choice, { activation, gated, added }, epsilon);
    return [{ launch, buffers: { x, stats, gamma, beta, gate, residual, out: ctx.out() } }];
  },
});

// folded[0, c] = gamma/√(variance + epsilon), folded[1, c] = beta − mean · folded[0, c]
const foldOp = defineOp<'stats' | 'gamma' | 'beta', { readonly epsilon: number }>({
  name: 'batch_norm_fold',
  inputs: ['stats', 'gamma', 'beta'],
  shape: ([stats]) => stats.shape,
  lower: ({ output, attrs, in: from, out }) => [
    {
      launch: kernels.batchNormFold(output.shape[1], attrs.epsilon),
      buffers: { stats: from(0), gamma: from(1), beta: from(2), out: out() },
    },
  ],
});

/**
 * What an applied batch norm becomes behind an op that takes it as its epilogue: the folded numbers, and the stages
 * that use them twice.
 */
export function foldBatchNorm(applied: Tensor): { folded: Tensor; stages: readonly PointwiseStage[] } {
  const [, stats, gamma, beta] = applied.inputs;
  const { epsilon, activation } = applied.attrs as unknown as BatchNormSettings;
  const stages: PointwiseStage[] = [
    { op: 'mul', mode: 'channel' },
    { op: 'add', mode: 'secondRow' },
  ];
  if (activation !== 'none') stages.push({ op: activation, mode: 'immediate' });
  return { folded: foldOp([stats, gamma, beta], { epsilon }), stages };
}

// [dgamma, dbeta] = [Σ dz·x̂, Σ dz]
export const batchNormSumsOp = defineOp<'dy' | 'x' | 'stats' | 'gamma' | 'beta', BatchNormSettings>({
  name: 'batch_norm_sums',
  gradientOf: 'batch norm',
  inputs: ['dy', 'x', 'stats', 'gamma', 'beta'],
  shape: ([, x]) => [2, channelsOf(x)],
  lower(ctx) {
    const buffers = { dy: ctx.in(0), x: ctx.in(1), stats: ctx.in(2), gamma: ctx.in(3), beta: ctx.in(4) };
    const size = sizeFor(ctx, ctx.inputs[1]);
    const left = ctx.left(0);
    if (left) return chain(ctx, { x: left.partial }, kernels.joinSums(size, left.parts));
    return chain(
      ctx,
      buffers,
      kernels.batchNormSums(
        size,
        ctx.choose(kernels.batchNormSumChoices(size)),
        ctx.attrs.activation,
        ctx.attrs.epsilon,
      ),
    );
  },
});

export const batchNormInputGradOp = defineOp<'dy' | 'x' | 'stats' | 'sums' | 'gamma' | 'beta', BatchNormSettings>({
  name: 'batch_norm_input_grad',
  gradientOf: 'batch norm',
  inputs: ['dy', 'x', 'stats', 'sums', 'gamma', 'beta'],
  shape: ([, x]) => x.shape,
  lower(ctx) {
    const size = sizeFor(ctx, ctx.inputs[1]);
    const { activation, epsilon, frozen } = ctx.attrs;
    const launch = kernels.batchNormInputGrad(
      size,
      ctx.choose(kernels.batchNormElementwiseChoices(size)),
      activation,
      epsilon,
      frozen,
    );
    return [
      {
        launch,
        buffers: {
          dy: ctx.in(0),
          x: ctx.in(1),
          stats: ctx.in(2),
          sums: ctx.in(3),
          gamma: ctx.in(4),
          beta: ctx.in(5),
          out: ctx.out(),
        },
      },
    ];
  },
});

/**
 * Mean and variance (biased: divided by the count) of each channel of x [..., C], over all other dimensions: [2, C].
 * Stable where the mean is large beside the deviation. No gradient flows through it.
 */
export const batchNormStats = (x: Tensor): Tensor => stopGradient(batchNormStatsOp([x], {}));

/**
 * Batch normalisation in training (Ioffe & Szegedy 2015, algorithm 1): x [..., C] normalised by the batch's own mean
 * and variance, then scaled by gamma [C], shifted by beta [C], then the activation. Also returns `stats` [2, C], for
 * running averages.
 */
export function batchNorm(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  attrs: BatchNormAttributes = {},
): { y: Tensor; stats: Tensor } {
  const stats = batchNormStats(x);
  return { y: batchNormApplyOp([x, stats, gamma, beta], settings(attrs, false)), stats };
}

/**
 * Batch normalisation with given statistics [2, C] (running mean and variance): at inference, and for fine-tuning with
 * frozen statistics. Gradients reach x, gamma and beta.
 */
export const batchNormInference = (
  x: Tensor,
  stats: Tensor,
  gamma: Tensor,
  beta: Tensor,
  attrs: BatchNormAttributes = {},
): Tensor => batchNormApplyOp([x, stats, gamma, beta], settings(attrs, true));
