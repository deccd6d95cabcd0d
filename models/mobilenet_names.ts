import type { ParameterSpec } from './parameter_spec.ts';

const OUTER: Readonly<Record<string, string>> = {
  'stem.conv': 'features.0.0',
  'stem.bn': 'features.0.1',
  tail: 'classifier.0',
  classifier: 'classifier.3',
};

/** What torchvision calls the layers of a MobileNetV3: blocks and their layers are counted. */
export function mobileNetLayers(specs: readonly ParameterSpec[]): (layer: string) => string {
  const names = new Set(specs.map(({ name }) => name));
  const blocks = new Set(specs.flatMap(({ name }) => /^blocks\.(\d+)\./.exec(name)?.[1] ?? [])).size;
  return (layer) => {
    if (layer.startsWith('head.')) return `features.${blocks + 1}.${layer === 'head.conv' ? 0 : 1}`;
    const [, index, own] = /^blocks\.(\d+)\.(.+)$/.exec(layer) ?? [];
    if (own === undefined) return OUTER[layer];
    const first = names.has(`blocks.${index}.expand.w`) ? 1 : 0;
    const squeezes = names.has(`blocks.${index}.se_reduce.w`) ? 1 : 0;
    const places: Readonly<Record<string, string>> = {
      expand: '0.0',
      expand_bn: '0.1',
      depthwise: `${first}.0`,
      depthwise_bn: `${first}.1`,
      se_reduce: `${first + 1}.fc1`,
      se_expand: `${first + 1}.fc2`,
      project: `${first + squeezes + 1}.0`,
      project_bn: `${first + squeezes + 1}.1`,
    };
    return `features.${Number(index) + 1}.block.${places[own]}`;
  };
}
