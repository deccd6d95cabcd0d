import { efficientNetShape } from './efficientnet_table.ts';
import type { BlockSpec, EfficientNetConfig } from './efficientnet_table.ts';
import { efficientNetParameters } from './efficientnet_parameters.ts';
import { foreignShape, type ForeignTensor, type Layout } from './import_weights.ts';
import type { ParameterKind } from './parameter_spec.ts';

/*
 * What each program calls EfficientNet's tensors. A canonical name is [blocks.I.]layer.field; a convention says what
 * its layers and fields are called, and the rest follows.
 */

export type ConventionName = 'efficientnet_pytorch' | 'torchvision' | 'timm' | 'keras' | 'tuningfork';

export interface Convention {
  readonly name: ConventionName;
  readonly layout: Layout;
  /**
   * The foreign name of a parameter; `block` is null outside the blocks, where `layer` is 'stem.conv', 'head.bn', ...
   */
  nameOf(block: BlockSpec | null, layer: string, field: string, kind: ParameterKind): string;
  /** A stored name in the form `nameOf` gives: without the file's own prefixes and endings. */
  normalise?(stored: string): string;
}

type Names = Readonly<Record<string, string>>;

const TORCH_FIELDS: Names = {
  w: 'weight',
  b: 'bias',
  gamma: 'weight',
  beta: 'bias',
  mean: 'running_mean',
  var: 'running_var',
};

const EFFICIENTNET_PYTORCH_OUTER: Names = {
  'stem.conv': '_conv_stem',
  'stem.bn': '_bn0',
  'head.conv': '_conv_head',
  'head.bn': '_bn1',
  classifier: '_fc',
};
const EFFICIENTNET_PYTORCH_LAYERS: Names = {
  expand: '_expand_conv',
  expand_bn: '_bn0',
  depthwise: '_depthwise_conv',
  depthwise_bn: '_bn1',
  se_reduce: '_se_reduce',
  se_expand: '_se_expand',
  project: '_project_conv',
  project_bn: '_bn2',
};

const TORCHVISION_OUTER: Names = {
  'stem.conv': 'features.0.0',
  'stem.bn': 'features.0.1',
  'head.conv': 'features.8.0',
  'head.bn': 'features.8.1',
  classifier: 'classifier.1',
};
/** Counted from the depthwise layer, which is the second of a block that expands and the first of one that does not. */
const TORCHVISION_LAYERS: Readonly<Record<string, readonly [number, string]>> = {
  expand: [-1, '0'],
  expand_bn: [-1, '1'],
  depthwise: [0, '0'],
  depthwise_bn: [0, '1'],
  se_reduce: [1, 'fc1'],
  se_expand: [1, 'fc2'],
  project: [2, '0'],
  project_bn: [2, '1'],
};

const TIMM_OUTER: Names = {
  'stem.conv': 'conv_stem',
  'stem.bn': 'bn1',
  'head.conv': 'conv_head',
  'head.bn': 'bn2',
  classifier: 'classifier',
};
const TIMM_LAYERS: Names = {
  expand: 'conv_pw',
  expand_bn: 'bn1',
  depthwise: 'conv_dw',
  depthwise_bn: 'bn2',
  se_reduce: 'se.conv_reduce',
  se_expand: 'se.conv_expand',
  project: 'conv_pwl',
  project_bn: 'bn3',
};
/** Without expansion timm has another block, in which the names move up by one. */
const TIMM_LAYERS_UNEXPANDED: Names = { ...TIMM_LAYERS, depthwise_bn: 'bn1', project: 'conv_pw', project_bn: 'bn2' };

const KERAS_OUTER: Names = {
  'stem.conv': 'stem_conv',
  'stem.bn': 'stem_bn',
  'head.conv': 'top_conv',
  'head.bn': 'top_bn',
  classifier: 'predictions',
};
const KERAS_LAYERS: Names = {
  expand: 'expand_conv',
  expand_bn: 'expand_bn',
  depthwise: 'dwconv',
  depthwise_bn: 'bn',
  se_reduce: 'se_reduce',
  se_expand: 'se_expand',
  project: 'project_conv',
  project_bn: 'project_bn',
};
const KERAS_FIELDS: Names = {
  w: 'kernel',
  b: 'bias',
  gamma: 'gamma',
  beta: 'beta',
  mean: 'moving_mean',
  var: 'moving_variance',
};

export const CONVENTIONS: readonly Convention[] = [
  {
    name: 'tuningfork',
    layout: 'tuningfork',
    nameOf: (block, layer, field) => `${block ? `blocks.${block.index}.` : ''}${layer}.${field}`,
  },
  {
    name: 'efficientnet_pytorch',
    layout: 'torch',
    nameOf: (block, layer, field) =>
      `${block ? `_blocks.${block.index}.${EFFICIENTNET_PYTORCH_LAYERS[layer]}` : EFFICIENTNET_PYTORCH_OUTER[layer]}.${TORCH_FIELDS[field]}`,
  },
  {
    name: 'torchvision',
    layout: 'torch',
    nameOf: (block, layer, field) => {
      if (!block) return `${TORCHVISION_OUTER[layer]}.${TORCH_FIELDS[field]}`;
      const [place, rest] = TORCHVISION_LAYERS[layer];
      return `features.${block.stage + 1}.${block.repeat}.block.${place + (block.expands ? 1 : 0)}.${rest}.${TORCH_FIELDS[field]}`;
    },
  },
  {
    name: 'timm',
    layout: 'torch',
    nameOf: (block, layer, field) => {
      if (!block) return `${TIMM_OUTER[layer]}.${TORCH_FIELDS[field]}`;
      const layers = block.expands ? TIMM_LAYERS : TIMM_LAYERS_UNEXPANDED;
      return `blocks.${block.stage}.${block.repeat}.${layers[layer]}.${TORCH_FIELDS[field]}`;
    },
  },
  {
    name: 'keras',
    layout: 'keras',
    nameOf: (block, layer, field, kind) => {
      const name = block
        ? `block${block.stage + 1}${String.fromCharCode(97 + block.repeat)}_${KERAS_LAYERS[layer]}`
        : KERAS_OUTER[layer];
      return `${name}/${kind === 'depthwise' ? 'depthwise_kernel' : KERAS_FIELDS[field]}`;
    },
    // HDF5 files nest a layer's name in itself and end in ':0'; Keras 3 calls the depthwise filter plainly `kernel`.
    normalise: (stored) =>
      stored
        .replace(/:0$/, '')
        .split('/')
        .slice(-2)
        .join('/')
        .replace(/_dwconv\/kernel$/, '_dwconv/depthwise_kernel'),
  },
];

/** Every parameter of `config` under the convention's names and in its shapes. */
export function foreignTensors(convention: Convention, config: EfficientNetConfig): ForeignTensor[] {
  const { blocks } = efficientNetShape(config);
  return efficientNetParameters(config).map((spec) => {
    const path = spec.name.split('.');
    const field = path.pop()!;
    const block = path[0] === 'blocks' ? blocks[Number(path[1])] : null;
    const layer = (block ? path.slice(2) : path).join('.');
    return {
      spec,
      name: convention.nameOf(block, layer, field, spec.kind),
      shape: foreignShape(convention.layout, spec),
    };
  });
}
