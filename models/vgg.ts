import { adaptiveAvgPool2d, maxPool2d } from '../engine/ops/pool.ts';
import { conv2d } from '../engine/ops/conv2d.ts';
import { reshape } from '../engine/ops/leaves.ts';
import { add, relu } from '../engine/ops/pointwise.ts';
import { mean } from '../engine/ops/reduce.ts';
import { roundChannels } from './efficientnet_table.ts';
import { CLASSIFIER, dense, normalise } from './layers.ts';
import type { Network, Segment } from './network.ts';
import { ParameterList } from './parameter_spec.ts';

/** Depth and width of a VGG-style network. */
export interface VggConfig {
  /** Output channels of the 3x3 convolutions, a list a block; 2x2 max pooling after each block. */
  readonly blocks: readonly (readonly number[])[];
  /** Batch norm between a convolution and its ReLU (Ioffe & Szegedy 2015). */
  readonly batchNorm: boolean;
  /**
   * The convolutions have biases of their own: with batch norm they change nothing, but torchvision's files hold them.
   */
  readonly convBias: boolean;
  /** The last block is not pooled by maximum: what is averaged is its output. */
  readonly openEnd?: boolean;
  /** Side of the averages that the last block is brought to, whatever the size of the image. */
  readonly pool: number;
  /** Widths of the fully connected layers before the classifier, each with ReLU and dropout. */
  readonly tail: readonly number[];
}

const DEEP = { pool: 7, tail: [4096, 4096], convBias: true } as const;
const VGG11 = [[64], [128], [256, 256], [512, 512], [512, 512]] as const;
const VGG16 = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
] as const;

/** Simonyan & Zisserman 2015, table 1, columns A and D; and what this project made after them. */
export const VGG_VARIANTS: Readonly<Record<string, VggConfig>> = {
  vgg11: { blocks: VGG11, batchNorm: false, ...DEEP },
  vgg11_bn: { blocks: VGG11, batchNorm: true, ...DEEP },
  vgg16: { blocks: VGG16, batchNorm: false, ...DEEP },
  vgg16_bn: { blocks: VGG16, batchNorm: true, ...DEEP },
  /** The five blocks that the Galaxy Challenge is learnt with from scratch. */
  galaxy_vgg: { blocks: [[64], [128], [256], [512], [512]], batchNorm: true, convBias: false, pool: 2, tail: [1024] },
  /** Small enough to learn on two CPU cores in minutes. */
  vgg_small: { blocks: [[16], [32], [64], [64]], batchNorm: true, convBias: false, openEnd: true, pool: 1, tail: [] },
};

/** All widths times `by`, rounded as EfficientNet's are; fully connected layers too. */
export function narrowVgg(config: VggConfig, by: number): VggConfig {
  const scaled = (widths: readonly number[]) => widths.map((width) => roundChannels(width, by));
  return { ...config, blocks: config.blocks.map(scaled), tail: scaled(config.tail) };
}

const BN_EPSILON = 1e-5;

/** A VGG as a chain: block1 .. blockN, pool, tail (where there is one), classifier. Input [N, S, S, 3], normalised. */
export function vgg(name: string, classes: number, config: VggConfig = VGG_VARIANTS[name]): Network {
  const { blocks, batchNorm, convBias, openEnd = false, pool, tail } = config;
  const list = new ParameterList();
  let channels = 3;
  blocks.forEach((widths, b) =>
    widths.forEach((width, i) => {
      const at = `block${b + 1}.${i}`;
      list.add(`${at}.conv.w`, 'filter', 3, 3, channels, width);
      if (convBias) list.add(`${at}.conv.b`, 'bias', width);
      if (batchNorm) list.addBatchNorm(`${at}.bn`, width);
      channels = width;
    }),
  );
  const flat = pool * pool * channels;
  tail.forEach((width, i) => list.addDense(`tail.${i}`, i === 0 ? flat : tail[i - 1], width));
  list.addDense('classifier', tail[tail.length - 1] ?? flat, classes);

  const segments = blocks.map(
    (widths, b): Segment => ({
      name: `block${b + 1}`,
      prefixes: [`block${b + 1}.`],
      apply(x, context) {
        const p = context.parameters;
        // Pooling opens a block instead of closing it, so that a block's output is an activation worth looking at.
        let y = b === 0 ? x : maxPool2d(x, { size: 2, stride: 2 });
        widths.forEach((_, i) => {
          const at = `block${b + 1}.${i}`;
          y = conv2d(y, p.tensor(`${at}.conv.w`), { padding: 1 });
          if (convBias) y = add(y, p.tensor(`${at}.conv.b`));
          y = batchNorm ? normalise(y, `${at}.bn`, { epsilon: BN_EPSILON, activation: 'relu' }, context) : relu(y);
        });
        return y;
      },
    }),
  );
  const lastConv = `block${blocks.length}`;
  segments.push({
    name: 'pool',
    prefixes: [],
    apply(x) {
      const pooled = openEnd ? x : maxPool2d(x, { size: 2, stride: 2 });
      return reshape(pool === 1 ? mean(pooled, [1, 2]) : adaptiveAvgPool2d(pooled, [pool, pool]), [x.shape[0], flat]);
    },
  });
  if (tail.length > 0) {
    // Dropout comes before every layer but the first, as the classifier's comes before it (stream 0).
    segments.push({
      name: 'tail',
      prefixes: ['tail.'],
      apply: (x, c) =>
        tail.reduce((y, _, i) => relu(dense(y, `tail.${i}`, i, i === 0 ? { ...c, noise: undefined } : c)), x),
    });
  }
  return {
    name,
    config: { classes },
    specs: list.specs,
    lastConv,
    features: segments[segments.length - 1].name,
    segments: [...segments, CLASSIFIER],
  };
}
