import { conv2d } from '../engine/ops/conv2d.ts';
import { add, relu } from '../engine/ops/pointwise.ts';
import { maxPool2d } from '../engine/ops/pool.ts';
import type { Tensor } from '../engine/tensor.ts';
import { roundChannels } from './efficientnet_table.ts';
import { CLASSIFIER, GLOBAL_POOL, normalise } from './layers.ts';
import type { ForwardContext, Network, Segment } from './network.ts';
import { ParameterList } from './parameter_spec.ts';

/** Depth and width of a residual network of bottleneck blocks. */
export interface ResNetConfig {
  /** Blocks in each stage. */
  readonly depths: readonly number[];
  /** Channels of the stem and of the first stage's 3x3 convolutions; they double from stage to stage. */
  readonly width: number;
}

/** He et al. 2016, table 1. */
export const RESNET_VARIANTS: Readonly<Record<string, ResNetConfig>> = {
  resnet50: { depths: [3, 4, 6, 3], width: 64 },
};

/** All widths times `by`. */
export const narrowResNet = (config: ResNetConfig, by: number): ResNetConfig => ({
  ...config,
  width: roundChannels(config.width, by),
});

/** Channels out of a bottleneck block for one inside it. */
const EXPANSION = 4;
const BN_EPSILON = 1e-5;

/**
 * ResNet (He et al. 2016) as a chain: stem, stage1 .. stage4, pool, classifier. Stride 2 sits in a block's 3x3
 * convolution, as torchvision has it ("v1.5"), rather than in its first. Input [N, S, S, 3], normalised.
 */
export function resnet(name: string, classes: number, config: ResNetConfig = RESNET_VARIANTS[name]): Network {
  const { depths, width } = config;
  const list = new ParameterList();
  const conv = (at: string, size: number, from: number, to: number) => {
    list.add(`${at}.conv.w`, 'filter', size, size, from, to);
    list.addBatchNorm(`${at}.bn`, to);
  };
  conv('stem', 7, 3, width);
  let channels = width;
  depths.forEach((depth, s) => {
    const inner = width * 2 ** s;
    for (let b = 0; b < depth; b++) {
      const at = `stage${s + 1}.${b}`;
      conv(`${at}.reduce`, 1, channels, inner);
      conv(`${at}.middle`, 3, inner, inner);
      conv(`${at}.expand`, 1, inner, inner * EXPANSION);
      // Where the shape changes, the way past the block is a convolution too.
      if (b === 0) conv(`${at}.shortcut`, 1, channels, inner * EXPANSION);
      channels = inner * EXPANSION;
    }
  });
  list.addDense('classifier', channels, classes);

  const convNorm = (
    x: Tensor,
    at: string,
    activation: 'none' | 'relu',
    context: ForwardContext,
    stride = 1,
  ): Tensor => {
    const w = context.parameters.tensor(`${at}.conv.w`);
    return normalise(
      conv2d(x, w, { stride, padding: (w.shape[0] - 1) / 2 }),
      `${at}.bn`,
      { epsilon: BN_EPSILON, activation },
      context,
    );
  };
  const bottleneck = (x: Tensor, at: string, first: boolean, stride: number, context: ForwardContext): Tensor => {
    let y = convNorm(x, `${at}.reduce`, 'relu', context);
    y = convNorm(y, `${at}.middle`, 'relu', context, stride);
    y = convNorm(y, `${at}.expand`, 'none', context);
    return relu(add(y, first ? convNorm(x, `${at}.shortcut`, 'none', context, stride) : x)).named(at);
  };

  const stages = depths.map(
    (depth, s): Segment => ({
      name: `stage${s + 1}`,
      prefixes: [`stage${s + 1}.`],
      apply(x, context) {
        let y = x;
        for (let b = 0; b < depth; b++)
          y = bottleneck(y, `stage${s + 1}.${b}`, b === 0, b === 0 && s > 0 ? 2 : 1, context);
        return y;
      },
    }),
  );
  return {
    name,
    config: { classes },
    specs: list.specs,
    lastConv: `stage${depths.length}`,
    features: 'pool',
    segments: [
      {
        name: 'stem',
        prefixes: ['stem.'],
        apply: (x, context) => maxPool2d(convNorm(x, 'stem', 'relu', context, 2), { size: 3, stride: 2, padding: 1 }),
      },
      ...stages,
      GLOBAL_POOL,
      CLASSIFIER,
    ],
  };
}
