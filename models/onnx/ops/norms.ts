import { batchNorm, type BatchNormAttributes } from '../../../engine/ops/batch_norm.ts';
import { add, div, mul, relu, silu, sqrt, sub } from '../../../engine/ops/pointwise.ts';
import type { Tensor } from '../../../engine/tensor.ts';
import { normalise } from '../../layers.ts';
import { computed } from '../layout.ts';
import type { Lowering, OnnxOp } from '../lowering.ts';
import { channelsLast, type Computed, type Constant } from '../value.ts';

/** What the layer is called after the name of its scale: `bn1` of `bn1.weight`. */
const stemOf = (scale: string): string => scale.replace(/[./_](weight|gamma|scale|w_0|gamma:0)$/, '');

const KINDS = ['gamma', 'beta', 'mean', 'var'] as const;

/**
 * Batch normalisation as a layer of ours, whose four vectors are `name.gamma` and so on; where some of them are
 * computed, as arithmetic.
 */
function batchNormalisation(l: Lowering): Computed {
  const { node } = l;
  const x = l.computed(0);
  const rank = x.shape.length;
  if (rank < 2) node.fail(`its input [${x.shape.join(', ')}] has no channels`);
  if (node.int('training_mode', 0) === 1)
    node.fail('it is in training mode; export the network in evaluation mode, and train it here');
  if (node.int('spatial', 1) === 0) node.fail('statistics of every pixel (spatial = 0) are not computed here');
  const activation = node.text('activation', 'none') as BatchNormAttributes['activation'];
  const attrs = { epsilon: node.float('epsilon', 1e-5), activation };
  const images = l.channelsLast(0);
  const channels = x.shape[1];
  const y = asLayer(l, images, channels, attrs) ?? asArithmetic(l, images, attrs);
  return computed(y, x.shape, channelsLast(rank), x.type);
}

function asLayer(l: Lowering, x: Tensor, channels: number, attrs: BatchNormAttributes): Tensor | undefined {
  if (!l.trains(1, 2, 3, 4)) return undefined;
  const name = stemOf((l.value(1) as Constant).name!);
  const claimed = KINDS.map((kind, k) => l.claim(k + 1, { kind, shape: [channels], name: `${name}.${kind}` }));
  return claimed.every(Boolean) ? normalise(x, name, attrs, l.context) : undefined;
}

function asArithmetic(l: Lowering, x: Tensor, attrs: BatchNormAttributes): Tensor {
  const [gamma, beta, mean, variance] = KINDS.map((kind, k) => l.vector(k + 1, kind)!);
  if (l.context.batchNorm === 'batch') return batchNorm(x, gamma, beta, attrs).y;
  const scale = div(gamma, sqrt(add(variance, attrs.epsilon ?? 1e-5)));
  const y = add(mul(sub(x, mean), scale), beta);
  return attrs.activation === 'relu' ? relu(y) : attrs.activation === 'silu' ? silu(y) : y;
}

export const NORM_OPS: Readonly<Record<string, OnnxOp>> = {
  BatchNormalization: { lower: batchNormalisation },
};
