import { batchNorm, batchNormInference } from '../engine/ops/batch_norm.ts';
import { conv2d } from '../engine/ops/conv2d.ts';
import { reshape } from '../engine/ops/leaves.ts';
import { matmul } from '../engine/ops/matmul.ts';
import { add } from '../engine/ops/pointwise.ts';
import { maxPool2d } from '../engine/ops/pool.ts';
import { dropout } from '../engine/ops/random.ts';
import { mean } from '../engine/ops/reduce.ts';
import type { ParameterKind, ParameterSpec } from './efficientnet_parameters.ts';
import type { Network, Segment } from './network.ts';

/** Output channels of the 3x3 convolutions, a list a block; 2x2 max pooling between blocks. Depth and width are data. */
export const VGG_VARIANTS: Readonly<Record<string, readonly (readonly number[])[]>> = {
  /** Small enough to learn on two CPU cores in minutes. */
  vgg_small: [[16], [32], [64], [64]],
};

const BN_EPSILON = 1e-5;

/**
 * A VGG-style network (Simonyan & Zisserman 2015, with batch norm after every convolution: Ioffe & Szegedy 2015): blocks of 3x3
 * convolutions, global average pooling (any input size) and a linear classifier. Input [N, S, S, 3], normalised.
 */
export function vgg(name: string, classes: number): Network {
  const widths = VGG_VARIANTS[name];
  const specs: ParameterSpec[] = [];
  const spec = (specName: string, kind: ParameterKind, ...shape: number[]) => specs.push({ name: specName, shape, kind, trainable: kind !== 'mean' && kind !== 'var' });
  let channels = 3;
  widths.forEach((block, b) =>
    block.forEach((width, i) => {
      const at = `block${b + 1}.${i}`;
      spec(`${at}.conv.w`, 'filter', 3, 3, channels, width);
      for (const kind of ['gamma', 'beta', 'mean', 'var'] as const) spec(`${at}.bn.${kind}`, kind, width);
      channels = width;
    }),
  );
  spec('classifier.w', 'dense', channels, classes);
  spec('classifier.b', 'bias', classes);

  const blocks = widths.map((block, b): Segment => ({
    name: `block${b + 1}`,
    prefixes: [`block${b + 1}.`],
    apply(x, { parameters: p, batchNorm: mode, onStatistics }) {
      // Pooling opens a block instead of closing it, so that a block's output is an activation worth looking at.
      let y = b === 0 ? x : maxPool2d(x, { size: 2, stride: 2 });
      block.forEach((_, i) => {
        const bn = `block${b + 1}.${i}.bn`;
        y = conv2d(y, p.tensor(`block${b + 1}.${i}.conv.w`), { padding: 1 });
        const [gamma, beta] = [p.tensor(`${bn}.gamma`), p.tensor(`${bn}.beta`)];
        if (mode === 'running') y = batchNormInference(y, p.tensor(`${bn}.stats`), gamma, beta, { epsilon: BN_EPSILON, activation: 'relu' });
        else {
          const normalised = batchNorm(y, gamma, beta, { epsilon: BN_EPSILON, activation: 'relu' });
          onStatistics?.(`${bn}.stats`, normalised.stats, y.size / y.shape[3]);
          y = normalised.y;
        }
      });
      return y;
    },
  }));

  return {
    name,
    config: { classes },
    specs,
    lastConv: `block${widths.length}`,
    features: 'pool',
    segments: [
      ...blocks,
      { name: 'pool', prefixes: [], apply: (x) => reshape(mean(x, [1, 2]), [x.shape[0], x.shape[3]]) },
      {
        name: 'classifier',
        prefixes: ['classifier.'],
        apply(x, { parameters: p, noise }) {
          const kept = noise && noise.dropout > 0 ? dropout(x, noise.seed, { rate: noise.dropout, stream: 0 }) : x;
          return add(matmul(kept, p.tensor('classifier.w')), p.tensor('classifier.b'));
        },
      },
    ],
  };
}
