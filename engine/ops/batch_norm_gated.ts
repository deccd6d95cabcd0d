import * as kernels from '../../kernels/batch_norm/batch_norm.ts';
import { defineOp, type LowerContext, type Step } from '../op.ts';
import type { Tensor } from '../tensor.ts';
import type { BatchNormSettings } from './batch_norm.ts';
import { chain } from './chain.ts';

/*
 * What the compiler makes of a batch norm whose output y [N, H, W, C] is only pooled and multiplied by a gate s [N, 1,
 * 1, C] (engine/program/gates.ts): y itself is then never written.
 */

const sizeFor = ({ capabilities }: Pick<LowerContext<object>, 'capabilities'>, { shape }: Tensor) => ({
  samples: shape[0],
  rows: shape[1] * shape[2],
  channels: shape[3],
  target: capabilities,
});

// out[n, c] = scale · Σ_pixels y
export const batchNormPoolOp = defineOp<'x' | 'stats' | 'gamma' | 'beta', BatchNormSettings & { scale: number }>({
  name: 'batch_norm_pool',
  inputs: ['x', 'stats', 'gamma', 'beta'],
  shape: ([{ shape }]) => [shape[0], 1, 1, shape[3]],
  lower(ctx) {
    const { activation, epsilon, scale } = ctx.attrs;
    const size = sizeFor(ctx, ctx.inputs[0]);
    return chain(
      ctx,
      { x: ctx.in(0), stats: ctx.in(1), gamma: ctx.in(2), beta: ctx.in(3) },
      kernels.batchNormPool(size, ctx.choose(kernels.batchNormSumChoices(size)), activation, epsilon, scale),
    );
  },
});

// With dy the cotangent of y · s, [5, N, C]: first Σ_pixels dy · y, the cotangent of s. See batch_norm_gate_sums.wgsl.
export const batchNormGateSumsOp = defineOp<'dy' | 'x' | 'stats' | 'gamma' | 'beta', BatchNormSettings>({
  name: 'batch_norm_gate_sums',
  inputs: ['dy', 'x', 'stats', 'gamma', 'beta'],
  shape: ([, { shape }]) => [kernels.GATE_SUMS, shape[0], shape[3]],
  lower(ctx) {
    const { activation, epsilon } = ctx.attrs;
    const size = sizeFor(ctx, ctx.inputs[1]);
    return chain(
      ctx,
      { dy: ctx.in(0), x: ctx.in(1), stats: ctx.in(2), gamma: ctx.in(3), beta: ctx.in(4) },
      kernels.batchNormGateSums(size, ctx.choose(kernels.batchNormSumChoices(size)), activation, epsilon),
    );
  },
});

// dgamma and dbeta, [2, C], from those, the cotangent of y being dy · s + g
export const batchNormGatedSumsOp = defineOp<'sums' | 's' | 'g'>({
  name: 'batch_norm_gated_sums',
  inputs: ['sums', 's', 'g'],
  shape: ([sums]) => [2, sums.shape[2]],
  lower({ inputs, capabilities, in: from, out }) {
    const [, samples, channels] = inputs[0].shape;
    const launch = kernels.batchNormGatedSums({ samples, rows: 1, channels, target: capabilities });
    return [{ launch, buffers: { sums: from(0), s: from(1), g: from(2), out: out() } }];
  },
});

// The cotangent of x
export const batchNormGatedInputGradOp = defineOp<
  'dy' | 'x' | 'sums' | 's' | 'g' | 'stats' | 'gamma' | 'beta',
  BatchNormSettings
>({
  name: 'batch_norm_gated_input_grad',
  inputs: ['dy', 'x', 'sums', 's', 'g', 'stats', 'gamma', 'beta'],
  shape: ([, x]) => x.shape,
  lower(ctx): Step[] {
    const { activation, epsilon, frozen } = ctx.attrs;
    const size = sizeFor(ctx, ctx.inputs[1]);
    const choice = ctx.choose(kernels.batchNormElementwiseChoices(size));
    const [dy, x, sums, s, g, stats, gamma, beta] = ctx.inputs.map((_, i) => ctx.in(i));
    const coefficients = ctx.temp(kernels.COEFFICIENTS * size.channels);
    return [
      {
        launch: kernels.batchNormCoefficients(size.channels, epsilon),
        buffers: { stats, gamma, beta, out: coefficients },
      },
      {
        launch: kernels.batchNormGatedInputGrad(size, choice, activation, frozen),
        buffers: { dy, x, sums, of_channel: coefficients, s, g, out: ctx.out() },
      },
    ];
  },
});
