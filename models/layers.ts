import { batchNorm, batchNormInference, type BatchNormAttributes } from '../engine/ops/batch_norm.ts';
import { reshape } from '../engine/ops/leaves.ts';
import { matmul } from '../engine/ops/matmul.ts';
import { add, div, mul, sqrt, square, sub } from '../engine/ops/pointwise.ts';
import { dropout } from '../engine/ops/random.ts';
import { mean } from '../engine/ops/reduce.ts';
import type { Tensor } from '../engine/tensor.ts';
import type { ForwardContext, Segment } from './network.ts';

/** The batch norm `name` with an activation, by running statistics or by the batch's own, as the context says. */
export function normalise(
  x: Tensor,
  name: string,
  attrs: BatchNormAttributes,
  { parameters: p, batchNorm: mode, onStatistics }: ForwardContext,
): Tensor {
  const [gamma, beta] = [p.tensor(`${name}.gamma`), p.tensor(`${name}.beta`)];
  if (mode === 'running') return batchNormInference(x, p.tensor(`${name}.stats`), gamma, beta, attrs);
  const { y, stats } = batchNorm(x, gamma, beta, attrs);
  onStatistics?.(`${name}.stats`, stats, x.size / x.shape[x.shape.length - 1]);
  return y;
}

/**
 * Layer norm over the last axis, y = (x − mean) / √(variance + epsilon) · gamma + beta, by the mean and variance of
 * each pixel's channels (Ba et al. 2016, eq. 4).
 */
export function layerNorm(x: Tensor, name: string, epsilon: number, { parameters: p }: ForwardContext): Tensor {
  const last = [x.shape.length - 1];
  const centred = sub(x, mean(x, last));
  const deviation = sqrt(add(mean(square(centred), last), epsilon));
  return add(mul(div(centred, deviation), p.tensor(`${name}.gamma`)), p.tensor(`${name}.beta`));
}

/**
 * x [N, in] through the fully connected layer `name`; while training after dropout, which draws from its own `stream`.
 */
export function dense(x: Tensor, name: string, stream: number, { parameters: p, noise }: ForwardContext): Tensor {
  const kept = noise && noise.dropout > 0 ? dropout(x, noise.seed, { rate: noise.dropout, stream }) : x;
  return add(matmul(kept, p.tensor(`${name}.w`)), p.tensor(`${name}.b`));
}

/** The mean of every channel over the image: [N, H, W, C] to features [N, C]. */
export const GLOBAL_POOL: Segment = {
  name: 'pool',
  prefixes: [],
  apply: (x) => reshape(mean(x, [1, 2]), [x.shape[0], x.shape[3]]),
};

/** From features [N, D] to logits, after dropout. */
export const CLASSIFIER: Segment = {
  name: 'classifier',
  prefixes: ['classifier.'],
  apply: (x, context) => dense(x, 'classifier', 0, context),
};
