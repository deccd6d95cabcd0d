import type { Rank, Tensor, Tensor2D, Tensor4D, Variable } from '@tensorflow/tfjs';
import { efficientNetShape, type BlockSpec } from '../../models/efficientnet_table.ts';
import { BATCH_NORM_EPSILON, CONFIG, SPECS } from '../job_data.ts';

export type Tf = typeof import('@tensorflow/tfjs');

/**
 * Every parameter as a tfjs variable under its own name, trainable where ours is; depthwise filters gain tfjs's fourth
 * dimension.
 */
export function makeVariables(tf: Tf, values: ReadonlyMap<string, Float32Array>): Map<string, Variable> {
  return new Map(
    SPECS.map(({ name, shape, kind, trainable }) => {
      const initial = tf.tensor(values.get(name)!, kind === 'depthwise' ? [...shape, 1] : [...shape], 'float32');
      return [name, tf.variable(initial, trainable, name)];
    }),
  );
}

/** EfficientNet-B0 in tfjs's own ops, as its layers would call them; x [N, S, S, 3] to logits [N, classes]. */
export function applyNetwork(
  tf: Tf,
  variables: ReadonlyMap<string, Variable>,
  x: Tensor4D,
  training: boolean,
): Tensor2D {
  const get = <R extends Rank>(name: string): Tensor<R> => variables.get(name) as Tensor as Tensor<R>;
  const swish = <T extends Tensor>(y: T): T => tf.mul(y, tf.sigmoid(y));

  const normalise = (y: Tensor4D, name: string): Tensor4D => {
    const moments = training
      ? tf.moments(y, [0, 1, 2])
      : { mean: get<Rank.R1>(`${name}.mean`), variance: get<Rank.R1>(`${name}.var`) };
    const [mean, variance] = [moments.mean as Tensor<Rank.R1>, moments.variance as Tensor<Rank.R1>];
    return tf.batchNorm(
      y,
      mean,
      variance,
      get<Rank.R1>(`${name}.beta`),
      get<Rank.R1>(`${name}.gamma`),
      BATCH_NORM_EPSILON,
    );
  };

  const conv = (y: Tensor4D, name: string, stride = 1): Tensor4D => tf.conv2d(y, get<Rank.R4>(name), stride, 'same');

  const squeezeExcite = (y: Tensor4D, at: string): Tensor4D => {
    const pooled = tf.mean<Tensor4D>(y, [1, 2], true);
    const squeezed = swish(tf.add<Tensor4D>(conv(pooled, `${at}.se_reduce.w`), get(`${at}.se_reduce.b`)));
    return tf.mul(y, tf.sigmoid(tf.add(conv(squeezed, `${at}.se_expand.w`), get(`${at}.se_expand.b`))));
  };

  const block = (input: Tensor4D, { index, expands, residual, stride }: BlockSpec): Tensor4D => {
    const at = `blocks.${index}`;
    let y = expands ? swish(normalise(conv(input, `${at}.expand.w`), `${at}.expand_bn`)) : input;
    y = tf.depthwiseConv2d(y, get<Rank.R4>(`${at}.depthwise.w`), stride, 'same');
    y = squeezeExcite(swish(normalise(y, `${at}.depthwise_bn`)), at);
    y = normalise(conv(y, `${at}.project.w`), `${at}.project_bn`);
    return residual ? tf.add(y, input) : y;
  };

  const stem = swish(normalise(conv(x, 'stem.conv.w', 2), 'stem.bn'));
  const trunk = efficientNetShape(CONFIG).blocks.reduce(block, stem);
  const head = swish(normalise(conv(trunk, 'head.conv.w'), 'head.bn'));
  const features = tf.mean<Tensor2D>(head, [1, 2]);
  return tf.add(tf.matMul(features, get<Rank.R2>('classifier.w')), get('classifier.b'));
}
