import { hardSigmoid, hardSwish } from '../engine/ops/activations.ts';
import { conv2d } from '../engine/ops/conv2d.ts';
import { depthwiseConv2d } from '../engine/ops/depthwise_conv2d.ts';
import { add, mul, relu } from '../engine/ops/pointwise.ts';
import { mean } from '../engine/ops/reduce.ts';
import type { Tensor } from '../engine/tensor.ts';
import { roundChannels } from './efficientnet_table.ts';
import { CLASSIFIER, dense, GLOBAL_POOL, normalise } from './layers.ts';
import type { ForwardContext, Network, Segment } from './network.ts';
import { ParameterList } from './parameter_spec.ts';

/** An inverted residual block: [expand 1x1] -> depthwise -> [squeeze and excite] -> project 1x1 [-> add the input]. */
export interface MobileBlock {
  readonly kernelSize: number;
  /** Channels of the depthwise filter. */
  readonly expanded: number;
  readonly out: number;
  readonly squeezes: boolean;
  readonly activation: 'relu' | 'hardSwish';
  readonly stride: 1 | 2;
}

export interface MobileNetConfig {
  readonly blocks: readonly MobileBlock[];
  /** Width of the fully connected layer before the classifier. */
  readonly tail: number;
}

// biome-ignore lint/complexity/useMaxParams: the columns of a table
const block = (
  kernelSize: number,
  expanded: number,
  out: number,
  squeezes: boolean,
  activation: MobileBlock['activation'],
  stride: 1 | 2,
): MobileBlock => ({ kernelSize, expanded, out, squeezes, activation, stride });

/** Howard et al. 2019 (arXiv:1905.02244), tables 1 and 2. */
export const MOBILENET_V3_VARIANTS: Readonly<Record<string, MobileNetConfig>> = {
  mobilenet_v3_small: {
    tail: 1024,
    blocks: [
      // kernel, expanded, out, squeeze and excite, activation, stride
      block(3, 16, 16, true, 'relu', 2),
      block(3, 72, 24, false, 'relu', 2),
      block(3, 88, 24, false, 'relu', 1),
      block(5, 96, 40, true, 'hardSwish', 2),
      block(5, 240, 40, true, 'hardSwish', 1),
      block(5, 240, 40, true, 'hardSwish', 1),
      block(5, 120, 48, true, 'hardSwish', 1),
      block(5, 144, 48, true, 'hardSwish', 1),
      block(5, 288, 96, true, 'hardSwish', 2),
      block(5, 576, 96, true, 'hardSwish', 1),
      block(5, 576, 96, true, 'hardSwish', 1),
    ],
  },
  mobilenet_v3_large: {
    tail: 1280,
    blocks: [
      block(3, 16, 16, false, 'relu', 1),
      block(3, 64, 24, false, 'relu', 2),
      block(3, 72, 24, false, 'relu', 1),
      block(5, 72, 40, true, 'relu', 2),
      block(5, 120, 40, true, 'relu', 1),
      block(5, 120, 40, true, 'relu', 1),
      block(3, 240, 80, false, 'hardSwish', 2),
      block(3, 200, 80, false, 'hardSwish', 1),
      block(3, 184, 80, false, 'hardSwish', 1),
      block(3, 184, 80, false, 'hardSwish', 1),
      block(3, 480, 112, true, 'hardSwish', 1),
      block(3, 672, 112, true, 'hardSwish', 1),
      block(5, 672, 160, true, 'hardSwish', 2),
      block(5, 960, 160, true, 'hardSwish', 1),
      block(5, 960, 160, true, 'hardSwish', 1),
    ],
  },
};

const STEM_CHANNELS = 16;
/** Squeeze and excite narrows to this share of a block's expanded channels. */
const SQUEEZE_RATIO = 0.25;
/** The last convolution widens by this. */
const HEAD_TIMES = 6;
/** torchvision's, after the paper's own code. */
const BN_EPSILON = 1e-3;

/** The channels that flow into each block. */
const inputsOf = (blocks: readonly MobileBlock[]): number[] => [STEM_CHANNELS, ...blocks.map(({ out }) => out)];

function parametersOf({ blocks, tail }: MobileNetConfig, classes: number): ParameterList {
  const list = new ParameterList();
  const inputs = inputsOf(blocks);
  list.add('stem.conv.w', 'filter', 3, 3, 3, STEM_CHANNELS);
  list.addBatchNorm('stem.bn', STEM_CHANNELS);
  blocks.forEach(({ kernelSize, expanded, out, squeezes }, i) => {
    const at = `blocks.${i}`;
    if (expanded !== inputs[i]) {
      list.add(`${at}.expand.w`, 'filter', 1, 1, inputs[i], expanded);
      list.addBatchNorm(`${at}.expand_bn`, expanded);
    }
    list.add(`${at}.depthwise.w`, 'depthwise', kernelSize, kernelSize, expanded);
    list.addBatchNorm(`${at}.depthwise_bn`, expanded);
    if (squeezes) {
      const squeezed = roundChannels(expanded, SQUEEZE_RATIO);
      list.add(`${at}.se_reduce.w`, 'filter', 1, 1, expanded, squeezed);
      list.add(`${at}.se_reduce.b`, 'bias', squeezed);
      list.add(`${at}.se_expand.w`, 'filter', 1, 1, squeezed, expanded);
      list.add(`${at}.se_expand.b`, 'bias', expanded);
    }
    list.add(`${at}.project.w`, 'filter', 1, 1, expanded, out);
    list.addBatchNorm(`${at}.project_bn`, out);
  });
  const last = inputs[blocks.length];
  list.add('head.conv.w', 'filter', 1, 1, last, HEAD_TIMES * last);
  list.addBatchNorm('head.bn', HEAD_TIMES * last);
  list.addDense('tail', HEAD_TIMES * last, tail);
  list.addDense('classifier', tail, classes);
  return list;
}

/**
 * MobileNetV3 (Howard et al. 2019) as a chain: stem, stages that each begin where the image is halved, head, pool,
 * tail, classifier. Input [N, S, S, 3], normalised.
 */
export function mobileNetV3(
  name: string,
  classes: number,
  config: MobileNetConfig = MOBILENET_V3_VARIANTS[name],
): Network {
  const { blocks } = config;
  const inputs = inputsOf(blocks);

  const norm = (x: Tensor, at: string, activation: MobileBlock['activation'] | 'none', c: ForwardContext): Tensor => {
    const y = normalise(x, at, { epsilon: BN_EPSILON, activation: activation === 'relu' ? 'relu' : 'none' }, c);
    return activation === 'hardSwish' ? hardSwish(y) : y;
  };

  const squeezeExcite = (x: Tensor, at: string, p: ForwardContext['parameters']): Tensor => {
    const squeezed = relu(add(conv2d(mean(x, [1, 2]), p.tensor(`${at}.se_reduce.w`)), p.tensor(`${at}.se_reduce.b`)));
    return mul(x, hardSigmoid(add(conv2d(squeezed, p.tensor(`${at}.se_expand.w`)), p.tensor(`${at}.se_expand.b`))));
  };

  const apply = (x: Tensor, i: number, context: ForwardContext): Tensor => {
    const { kernelSize, expanded, out, squeezes, activation, stride } = blocks[i];
    const p = context.parameters;
    const at = `blocks.${i}`;
    let y = x;
    if (expanded !== inputs[i]) y = norm(conv2d(y, p.tensor(`${at}.expand.w`)), `${at}.expand_bn`, activation, context);
    y = depthwiseConv2d(y, p.tensor(`${at}.depthwise.w`), { stride, padding: (kernelSize - 1) / 2 });
    y = norm(y, `${at}.depthwise_bn`, activation, context);
    if (squeezes) y = squeezeExcite(y, at, p);
    y = norm(conv2d(y, p.tensor(`${at}.project.w`)), `${at}.project_bn`, 'none', context);
    return (stride === 1 && out === inputs[i] ? add(y, x) : y).named(at);
  };

  const firsts = blocks.flatMap(({ stride }, i) => (i === 0 || stride === 2 ? [i] : []));
  const stages = firsts.map((first, s): Segment => {
    const own = blocks.flatMap((_, i) => (i >= first && i < (firsts[s + 1] ?? blocks.length) ? [i] : []));
    return {
      name: `stage${s + 1}`,
      prefixes: own.map((i) => `blocks.${i}.`),
      apply: (x, context) => own.reduce((y, i) => apply(y, i, context), x),
    };
  });

  return {
    name,
    config: { classes },
    specs: parametersOf(config, classes).specs,
    lastConv: 'head',
    features: 'tail',
    segments: [
      {
        name: 'stem',
        prefixes: ['stem.'],
        apply: (x, c) =>
          norm(conv2d(x, c.parameters.tensor('stem.conv.w'), { stride: 2, padding: 1 }), 'stem.bn', 'hardSwish', c),
      },
      ...stages,
      {
        name: 'head',
        prefixes: ['head.'],
        apply: (x, c) => norm(conv2d(x, c.parameters.tensor('head.conv.w')), 'head.bn', 'hardSwish', c),
      },
      GLOBAL_POOL,
      // Dropout comes behind it, before the classifier.
      {
        name: 'tail',
        prefixes: ['tail.'],
        apply: (x, c) => hardSwish(dense(x, 'tail', 0, { ...c, noise: undefined })),
      },
      CLASSIFIER,
    ],
  };
}
