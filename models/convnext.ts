import { gelu } from '../engine/ops/activations.ts';
import { conv2d } from '../engine/ops/conv2d.ts';
import { depthwiseConv2d } from '../engine/ops/depthwise_conv2d.ts';
import { reshape } from '../engine/ops/leaves.ts';
import { layerNorm } from '../engine/ops/norm.ts';
import { add, mul } from '../engine/ops/pointwise.ts';
import { dropPath } from '../engine/ops/random.ts';
import { mean } from '../engine/ops/reduce.ts';
import type { Tensor } from '../engine/tensor.ts';
import { CLASSIFIER } from './layers.ts';
import type { ForwardContext, Network, Segment } from './network.ts';
import { ParameterList, type ParameterSpec } from './parameter_spec.ts';

/** Blocks and channels of each stage. */
export interface ConvNextConfig {
  readonly depths: readonly number[];
  readonly widths: readonly number[];
}

/** Tiny: Liu et al. 2022 (arXiv:2201.03545), section 3; nano: timm's. */
export const CONVNEXT_VARIANTS: Readonly<Record<string, ConvNextConfig>> = {
  convnext_nano: { depths: [2, 2, 8, 2], widths: [80, 160, 320, 640] },
  convnext_tiny: { depths: [3, 3, 9, 3], widths: [96, 192, 384, 768] },
};

/** Side and stride of the first convolution, which cuts the image into patches. */
const PATCH = 4;
const DEPTHWISE = 7;
/** A block is this much wider inside. */
const EXPANSION = 4;
const EPSILON = 1e-6;

function parametersOf({ depths, widths }: ConvNextConfig, classes: number): readonly ParameterSpec[] {
  const list = new ParameterList();
  const conv = (at: string, size: number, from: number, to: number) => {
    list.add(`${at}.w`, 'filter', size, size, from, to);
    list.add(`${at}.b`, 'bias', to);
  };
  const norm = (at: string, channels: number) => {
    list.add(`${at}.gamma`, 'gamma', channels);
    list.add(`${at}.beta`, 'beta', channels);
  };
  conv('stem.conv', PATCH, 3, widths[0]);
  norm('stem.norm', widths[0]);
  depths.forEach((depth, s) => {
    if (s > 0) {
      norm(`stage${s + 1}.down.norm`, widths[s - 1]);
      conv(`stage${s + 1}.down.conv`, 2, widths[s - 1], widths[s]);
    }
    for (let b = 0; b < depth; b++) {
      const at = `stage${s + 1}.${b}`;
      list.add(`${at}.depthwise.w`, 'depthwise', DEPTHWISE, DEPTHWISE, widths[s]);
      list.add(`${at}.depthwise.b`, 'bias', widths[s]);
      norm(`${at}.norm`, widths[s]);
      conv(`${at}.expand`, 1, widths[s], EXPANSION * widths[s]);
      conv(`${at}.project`, 1, EXPANSION * widths[s], widths[s]);
      list.add(`${at}.scale`, 'scale', widths[s]);
    }
  });
  const last = widths[widths.length - 1];
  norm('pool.norm', last);
  list.addDense('classifier', last, classes);
  return list.specs;
}

/**
 * ConvNeXt (Liu et al. 2022) as a chain: stem, stage1 .. stage4, pool, classifier. Layer norm goes over the channels of
 * each pixel. Input [N, S, S, 3], normalised.
 */
export function convNext(name: string, classes: number, config: ConvNextConfig = CONVNEXT_VARIANTS[name]): Network {
  const { depths } = config;
  const convolved = (x: Tensor, at: string, stride: number, { parameters: p }: ForwardContext): Tensor =>
    add(conv2d(x, p.tensor(`${at}.w`), { stride, padding: 0 }), p.tensor(`${at}.b`));

  const normed = (x: Tensor, at: string, { parameters: p }: ForwardContext): Tensor =>
    layerNorm(x, p.tensor(`${at}.gamma`), p.tensor(`${at}.beta`), { epsilon: EPSILON });

  const total = depths.reduce((sum, depth) => sum + depth, 0);
  const block = (x: Tensor, at: string, index: number, context: ForwardContext): Tensor => {
    const { parameters: p, noise } = context;
    let y = depthwiseConv2d(x, p.tensor(`${at}.depthwise.w`), { padding: (DEPTHWISE - 1) / 2 });
    y = normed(add(y, p.tensor(`${at}.depthwise.b`)), `${at}.norm`, context);
    y = convolved(gelu(convolved(y, `${at}.expand`, 1, context)), `${at}.project`, 1, context);
    y = mul(y, p.tensor(`${at}.scale`));
    // Deeper blocks are dropped more often, linearly from 0 to the rate at the last (torchvision's convnext.py).
    const rate = noise ? (noise.dropPath * index) / Math.max(1, total - 1) : 0;
    if (noise && rate > 0) y = dropPath(y, noise.seed, { rate, stream: 1 + index });
    return add(y, x).named(at);
  };

  const stages = depths.map((depth, s): Segment => {
    const at = `stage${s + 1}`;
    const before = depths.slice(0, s).reduce((sum, each) => sum + each, 0);
    return {
      name: at,
      prefixes: [`${at}.`],
      apply(x, context) {
        let y = x;
        if (s > 0) y = convolved(normed(y, `${at}.down.norm`, context), `${at}.down.conv`, 2, context);
        for (let b = 0; b < depth; b++) y = block(y, `${at}.${b}`, before + b, context);
        return y;
      },
    };
  });

  return {
    name,
    config: { classes },
    specs: parametersOf(config, classes),
    lastConv: `stage${depths.length}`,
    features: 'pool',
    segments: [
      {
        name: 'stem',
        prefixes: ['stem.'],
        apply: (x, c) => normed(convolved(x, 'stem.conv', PATCH, c), 'stem.norm', c),
      },
      ...stages,
      {
        name: 'pool',
        prefixes: ['pool.'],
        apply: (x, c) => normed(reshape(mean(x, [1, 2]), [x.shape[0], x.shape[3]]), 'pool.norm', c),
      },
      CLASSIFIER,
    ],
  };
}
