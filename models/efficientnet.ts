import { conv2d } from '../engine/ops/conv2d.ts';
import type { Padding } from '../engine/ops/conv_geometry.ts';
import { depthwiseConv2d } from '../engine/ops/depthwise_conv2d.ts';
import { add, mul, sigmoid, silu } from '../engine/ops/pointwise.ts';
import { dropPath } from '../engine/ops/random.ts';
import { mean } from '../engine/ops/reduce.ts';
import type { Tensor } from '../engine/tensor.ts';
import { efficientNetParameters } from './efficientnet_parameters.ts';
import {
  EFFICIENTNET_STAGES,
  efficientNetShape,
  type BlockSpec,
  type EfficientNetConfig,
} from './efficientnet_table.ts';
import { CLASSIFIER, GLOBAL_POOL, normalise } from './layers.ts';
import type { ForwardContext, Network, Segment } from './network.ts';

/**
 * What differs between the sources of EfficientNet weights; a trunk computed with the other's arithmetic is wrong by 17
 * to 46 %.
 */
export interface EfficientNetArithmetic {
  readonly padding: 'same' | 'symmetric';
  readonly bnEpsilon: number;
}

/**
 * EfficientNet (Tan & Le 2019) as a chain: stem, stage1 .. stage7, head, pool, classifier. Input [N, S, S, 3],
 * normalised.
 */
export function efficientNet(config: EfficientNetConfig, { padding, bnEpsilon }: EfficientNetArithmetic): Network {
  const { blocks } = efficientNetShape(config);
  const pad = (kernelSize: number): Padding => (padding === 'same' ? 'same' : (kernelSize - 1) / 2);

  const norm = (x: Tensor, name: string, activation: 'none' | 'silu', context: ForwardContext): Tensor =>
    normalise(x, name, { epsilon: bnEpsilon, activation }, context);

  const squeezeExcite = (x: Tensor, at: string, p: ForwardContext['parameters']): Tensor => {
    const squeezed = silu(add(conv2d(mean(x, [1, 2]), p.tensor(`${at}.se_reduce.w`)), p.tensor(`${at}.se_reduce.b`)));
    const gate = sigmoid(add(conv2d(squeezed, p.tensor(`${at}.se_expand.w`)), p.tensor(`${at}.se_expand.b`)));
    return mul(x, gate);
  };

  // MBConv (Sandler et al. 2018, with squeeze and excite: Tan et al. 2019)
  const mbconv = (x: Tensor, block: BlockSpec, context: ForwardContext): Tensor => {
    const { parameters: p, noise } = context;
    const at = `blocks.${block.index}`;
    let y = x;
    if (block.expands) y = norm(conv2d(y, p.tensor(`${at}.expand.w`)), `${at}.expand_bn`, 'silu', context);
    y = depthwiseConv2d(y, p.tensor(`${at}.depthwise.w`), { stride: block.stride, padding: pad(block.kernelSize) });
    y = norm(y, `${at}.depthwise_bn`, 'silu', context);
    y = squeezeExcite(y, at, p);
    y = norm(conv2d(y, p.tensor(`${at}.project.w`)), `${at}.project_bn`, 'none', context);
    if (!block.residual) return y.named(at);
    // Deeper blocks are dropped more often, linearly from 0 (Huang et al. 2016, eq. 4).
    const rate = noise ? (noise.dropPath * block.index) / blocks.length : 0;
    if (noise && rate > 0) y = dropPath(y, noise.seed, { rate, stream: 1 + block.index });
    return add(y, x).named(at);
  };

  const stages = EFFICIENTNET_STAGES.map((_, stage): Segment => {
    const own = blocks.filter((block) => block.stage === stage);
    return {
      name: `stage${stage + 1}`,
      prefixes: own.map((block) => `blocks.${block.index}.`),
      apply: (x, context) => own.reduce((y, block) => mbconv(y, block, context), x),
    };
  });

  return {
    name: `efficientnet_${config.variant}`,
    config: { variant: config.variant, classes: config.classes },
    specs: efficientNetParameters(config),
    lastConv: 'head',
    features: 'pool',
    segments: [
      {
        name: 'stem',
        prefixes: ['stem.'],
        apply: (x, c) =>
          norm(conv2d(x, c.parameters.tensor('stem.conv.w'), { stride: 2, padding: pad(3) }), 'stem.bn', 'silu', c),
      },
      ...stages,
      {
        name: 'head',
        prefixes: ['head.'],
        apply: (x, c) => norm(conv2d(x, c.parameters.tensor('head.conv.w')), 'head.bn', 'silu', c),
      },
      GLOBAL_POOL,
      CLASSIFIER,
    ],
  };
}
