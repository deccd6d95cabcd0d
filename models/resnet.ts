import { conv2d } from '../engine/ops/conv2d.ts';
import { add, relu } from '../engine/ops/pointwise.ts';
import { maxPool2d } from '../engine/ops/pool.ts';
import type { Tensor } from '../engine/tensor.ts';
import { roundChannels } from './efficientnet_table.ts';
import { CLASSIFIER, GLOBAL_POOL, normalise } from './layers.ts';
import type { ForwardContext, Network, Segment } from './network.ts';
import { ParameterList, type ParameterSpec } from './parameter_spec.ts';

/** A convolution of a residual block, with its batch norm. */
interface BlockLayer {
  readonly name: string;
  /** Side of its filter. */
  readonly size: number;
  /** Channels out, in times of the block's width. */
  readonly times: number;
  /** Whether a block that halves the image does it here. */
  readonly strided: boolean;
}

/** He et al. 2016, figure 5. Stride 2 sits in a bottleneck's 3x3 convolution, as torchvision has it ("v1.5"). */
const BLOCKS: Readonly<Record<'basic' | 'bottleneck', readonly BlockLayer[]>> = {
  basic: [
    { name: 'first', size: 3, times: 1, strided: true },
    { name: 'second', size: 3, times: 1, strided: false },
  ],
  bottleneck: [
    { name: 'reduce', size: 1, times: 1, strided: false },
    { name: 'middle', size: 3, times: 1, strided: true },
    { name: 'expand', size: 1, times: 4, strided: false },
  ],
};

/** Depth and width of a residual network. */
export interface ResNetConfig {
  readonly block: 'basic' | 'bottleneck';
  /** Blocks in each stage. */
  readonly depths: readonly number[];
  /** Channels of the stem and of the first stage's 3x3 convolutions; they double from stage to stage. */
  readonly width: number;
}

/** He et al. 2016, table 1. */
export const RESNET_VARIANTS: Readonly<Record<string, ResNetConfig>> = {
  resnet18: { block: 'basic', depths: [2, 2, 2, 2], width: 64 },
  resnet34: { block: 'basic', depths: [3, 4, 6, 3], width: 64 },
  resnet50: { block: 'bottleneck', depths: [3, 4, 6, 3], width: 64 },
  resnet101: { block: 'bottleneck', depths: [3, 4, 23, 3], width: 64 },
};

/** All widths times `by`. */
export const narrowResNet = (config: ResNetConfig, by: number): ResNetConfig => ({
  ...config,
  width: roundChannels(config.width, by),
});

const BN_EPSILON = 1e-5;

function parametersOf({ block, depths, width }: ResNetConfig, classes: number): readonly ParameterSpec[] {
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
      let inside = channels;
      for (const { name: layer, size, times } of BLOCKS[block]) {
        conv(`${at}.${layer}`, size, inside, inner * times);
        inside = inner * times;
      }
      // Where the shape changes, the way past the block is a convolution too.
      if (b === 0 && (s > 0 || inside !== channels)) conv(`${at}.shortcut`, 1, channels, inside);
      channels = inside;
    }
  });
  list.addDense('classifier', channels, classes);
  return list.specs;
}

/**
 * ResNet (He et al. 2016) as a chain: stem, stage1 .. stage4, pool, classifier. Input [N, S, S, 3], normalised.
 */
export function resnet(name: string, classes: number, config: ResNetConfig = RESNET_VARIANTS[name]): Network {
  const { depths } = config;
  const layers = BLOCKS[config.block];
  const specs = parametersOf(config, classes);
  const names = new Set(specs.map(({ name }) => name));

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
  const block = (x: Tensor, at: string, stride: number, context: ForwardContext): Tensor => {
    const y = layers.reduce(
      (inside, { name: layer, strided }, i) =>
        convNorm(inside, `${at}.${layer}`, i < layers.length - 1 ? 'relu' : 'none', context, strided ? stride : 1),
      x,
    );
    return relu(
      add(y, names.has(`${at}.shortcut.conv.w`) ? convNorm(x, `${at}.shortcut`, 'none', context, stride) : x),
    ).named(at);
  };

  const stages = depths.map(
    (depth, s): Segment => ({
      name: `stage${s + 1}`,
      prefixes: [`stage${s + 1}.`],
      apply(x, context) {
        let y = x;
        for (let b = 0; b < depth; b++) y = block(y, `stage${s + 1}.${b}`, b === 0 && s > 0 ? 2 : 1, context);
        return y;
      },
    }),
  );
  return {
    name,
    config: { classes },
    specs,
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
