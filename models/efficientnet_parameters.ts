import { efficientNetShape } from './efficientnet_table.ts';
import type { EfficientNetConfig } from './efficientnet_table.ts';
import { ParameterList, type ParameterSpec } from './parameter_spec.ts';

/** Every parameter of the network, from stem to classifier, in the order data flows through them. */
export function efficientNetParameters(config: EfficientNetConfig): ParameterSpec[] {
  const { stemChannels, blocks, headChannels } = efficientNetShape(config);
  const list = new ParameterList();
  list.add('stem.conv.w', 'filter', 3, 3, 3, stemChannels);
  list.addBatchNorm('stem.bn', stemChannels);
  for (const { index, kernelSize, inChannels, expandedChannels, squeezeChannels, outChannels, expands } of blocks) {
    const at = `blocks.${index}`;
    if (expands) {
      list.add(`${at}.expand.w`, 'filter', 1, 1, inChannels, expandedChannels);
      list.addBatchNorm(`${at}.expand_bn`, expandedChannels);
    }
    list.add(`${at}.depthwise.w`, 'depthwise', kernelSize, kernelSize, expandedChannels);
    list.addBatchNorm(`${at}.depthwise_bn`, expandedChannels);
    list.add(`${at}.se_reduce.w`, 'filter', 1, 1, expandedChannels, squeezeChannels);
    list.add(`${at}.se_reduce.b`, 'bias', squeezeChannels);
    list.add(`${at}.se_expand.w`, 'filter', 1, 1, squeezeChannels, expandedChannels);
    list.add(`${at}.se_expand.b`, 'bias', expandedChannels);
    list.add(`${at}.project.w`, 'filter', 1, 1, expandedChannels, outChannels);
    list.addBatchNorm(`${at}.project_bn`, outChannels);
  }
  list.add('head.conv.w', 'filter', 1, 1, blocks[blocks.length - 1].outChannels, headChannels);
  list.addBatchNorm('head.bn', headChannels);
  list.addDense('classifier', headChannels, config.classes);
  return list.specs;
}
