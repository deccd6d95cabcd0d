import { efficientNetShape } from './efficientnet_table.ts';
import type { EfficientNetConfig } from './efficientnet_table.ts';

export type ParameterKind = 'filter' | 'depthwise' | 'dense' | 'bias' | 'gamma' | 'beta' | 'mean' | 'var';

/** One array of numbers a model holds: its name, its shape in our layout, what it is. */
export interface ParameterSpec {
  readonly name: string;
  /** filter HWIO [r,s,c,k], depthwise [r,s,c], dense [in,out], all else [channels]. */
  readonly shape: readonly number[];
  readonly kind: ParameterKind;
  /** Whether gradients move it: all but batch norm's running mean and variance. */
  readonly trainable: boolean;
}

/** Every parameter of the network, from stem to classifier, in the order data flows through them. */
export function efficientNetParameters(config: EfficientNetConfig): ParameterSpec[] {
  const { stemChannels, blocks, headChannels } = efficientNetShape(config);
  const specs: ParameterSpec[] = [];
  const add = (name: string, kind: ParameterKind, ...shape: number[]): void => {
    specs.push({ name, shape, kind, trainable: kind !== 'mean' && kind !== 'var' });
  };
  const addBatchNorm = (name: string, channels: number): void => {
    for (const kind of ['gamma', 'beta', 'mean', 'var'] as const) add(`${name}.${kind}`, kind, channels);
  };

  add('stem.conv.w', 'filter', 3, 3, 3, stemChannels);
  addBatchNorm('stem.bn', stemChannels);
  for (const { index, kernelSize, inChannels, expandedChannels, squeezeChannels, outChannels, expands } of blocks) {
    const at = `blocks.${index}`;
    if (expands) {
      add(`${at}.expand.w`, 'filter', 1, 1, inChannels, expandedChannels);
      addBatchNorm(`${at}.expand_bn`, expandedChannels);
    }
    add(`${at}.depthwise.w`, 'depthwise', kernelSize, kernelSize, expandedChannels);
    addBatchNorm(`${at}.depthwise_bn`, expandedChannels);
    add(`${at}.se_reduce.w`, 'filter', 1, 1, expandedChannels, squeezeChannels);
    add(`${at}.se_reduce.b`, 'bias', squeezeChannels);
    add(`${at}.se_expand.w`, 'filter', 1, 1, squeezeChannels, expandedChannels);
    add(`${at}.se_expand.b`, 'bias', expandedChannels);
    add(`${at}.project.w`, 'filter', 1, 1, expandedChannels, outChannels);
    addBatchNorm(`${at}.project_bn`, outChannels);
  }
  add('head.conv.w', 'filter', 1, 1, blocks[blocks.length - 1].outChannels, headChannels);
  addBatchNorm('head.bn', headChannels);
  add('classifier.w', 'dense', headChannels, config.classes);
  add('classifier.b', 'bias', config.classes);
  return specs;
}
