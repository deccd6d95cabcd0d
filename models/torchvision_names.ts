import { convNextTensors } from './convnext_names.ts';
import type { StoredTensor } from './formats/stored_tensor.ts';
import {
  foreignShape,
  importWeights,
  sharedPrefix,
  type Expected,
  type ForeignTensor,
  type ImportedWeights,
} from './import_weights.ts';
import { mobileNetLayers } from './mobilenet_names.ts';
import type { Network } from './network.ts';
import type { ParameterSpec } from './parameter_spec.ts';

const FIELDS: Readonly<Record<string, string>> = {
  w: 'weight',
  b: 'bias',
  gamma: 'weight',
  beta: 'bias',
  mean: 'running_mean',
  var: 'running_var',
};

/** The layer and the field of a parameter: block1.0.conv and w. */
function split({ name }: ParameterSpec): readonly [layer: string, field: string] {
  const dot = name.lastIndexOf('.');
  return [name.slice(0, dot), name.slice(dot + 1)];
}

/**
 * torchvision numbers everything in a row: convolution, batch norm, ReLU, and a pooling after each block; then dense,
 * ReLU, dropout.
 */
function vggLayers(specs: readonly ParameterSpec[]): Map<string, string> {
  const names = new Map<string, string>();
  const layers = [...new Set(specs.map((spec) => split(spec)[0]))];
  let index = 0;
  layers.forEach((layer, i) => {
    const [block, , kind] = layer.split('.');
    if (!block.startsWith('block')) return;
    // A ReLU lies between two convolutions, and a pooling as well between two blocks.
    if (kind === 'conv' && i > 0) index += layers[i - 1].startsWith(`${block}.`) ? 1 : 2;
    names.set(layer, `features.${index++}`);
  });
  layers.filter((layer) => !layer.startsWith('block')).forEach((layer, i) => names.set(layer, `classifier.${3 * i}`));
  return names;
}

const RESNET_LAYERS: Readonly<Record<string, string>> = {
  'first.conv': 'conv1',
  'first.bn': 'bn1',
  'second.conv': 'conv2',
  'second.bn': 'bn2',
  'reduce.conv': 'conv1',
  'reduce.bn': 'bn1',
  'middle.conv': 'conv2',
  'middle.bn': 'bn2',
  'expand.conv': 'conv3',
  'expand.bn': 'bn3',
  'shortcut.conv': 'downsample.0',
  'shortcut.bn': 'downsample.1',
};

function resnetLayer(layer: string): string {
  const [, stage, block, rest] = /^stage(\d+)\.(\d+)\.(.+)$/.exec(layer) ?? [];
  if (stage) return `layer${stage}.${block}.${RESNET_LAYERS[rest]}`;
  return { 'stem.conv': 'conv1', 'stem.bn': 'bn1', classifier: 'fc' }[layer]!;
}

/** Every parameter of a VGG, ResNet or MobileNetV3 under torchvision's names and in its shapes. */
export function torchvisionTensors({ name, specs }: Pick<Network, 'name' | 'specs'>): ForeignTensor[] {
  const isVgg = specs[0].name.startsWith('block');
  const vggNames = isVgg ? vggLayers(specs) : undefined;
  const nameOf = name.startsWith('mobilenet') ? mobileNetLayers(specs) : resnetLayer;
  const channels = specs.findLast(({ kind }) => kind === 'filter')!.shape[3];
  const firstDense = specs.find(({ kind }) => kind === 'dense');
  return specs.map((spec) => {
    const [layer, field] = split(spec);
    const foreign = {
      spec,
      name: `${vggNames?.get(layer) ?? nameOf(layer)}.${FIELDS[field]}`,
      shape: foreignShape('torch', spec),
    };
    if (!isVgg || spec !== firstDense) return foreign;
    const side = Math.sqrt(spec.shape[0] / channels);
    return { ...foreign, image: [side, side, channels] };
  });
}

/** The namings of a network other than EfficientNet: this project's, torchvision's, and timm's where it has it. */
export function torchvisionNamings(network: Pick<Network, 'name' | 'specs'>): Expected[] {
  const { name, specs } = network;
  const own = specs.map((spec) => ({ spec, name: spec.name, shape: spec.shape }));
  return [
    { network: name, layout: 'tuningfork', tensors: own, convention: 'tuningfork' },
    ...theirTensors(network).map(([convention, tensors]) => ({
      network: name,
      layout: 'torch' as const,
      tensors,
      convention,
    })),
  ];
}

function theirTensors(network: Pick<Network, 'name' | 'specs'>) {
  const { name, specs } = network;
  if (name.startsWith('convnext')) return convNextTensors(name, specs);
  const tensors = torchvisionTensors(network);
  const timm = name.startsWith('mobilenet') ? undefined : timmTensors(tensors);
  return [['torchvision', tensors] as const, ...(timm ? [['timm', timm] as const] : [])];
}

/** What timm calls a VGG's fully connected layers, of which the first two are convolutions. */
const TIMM_VGG: Readonly<Record<string, string>> = {
  'classifier.0': 'pre_logits.fc1',
  'classifier.3': 'pre_logits.fc2',
  'classifier.6': 'head.fc',
};

/** timm's names: torchvision's of a ResNet, and of a VGG with two fully connected layers before its classifier. */
function timmTensors(tensors: readonly ForeignTensor[]): readonly ForeignTensor[] | undefined {
  if (!tensors.some(({ name }) => name.startsWith('classifier.'))) return tensors;
  if (!tensors.some(({ name }) => name === 'classifier.6.weight')) return undefined;
  return tensors.map((tensor) => {
    const { name, shape, image } = tensor;
    const [, layer, field] = /^(classifier\.\d)\.(\w+)$/.exec(name) ?? [];
    if (!layer) return tensor;
    const convolution = field === 'weight' && layer !== 'classifier.6';
    const [h, w, c] = image ?? [1, 1, shape[1]];
    return {
      ...tensor,
      name: `${TIMM_VGG[layer]}.${field}`,
      shape: convolution ? [shape[0], c, h, w] : shape,
    };
  });
}

/**
 * Weights of a network other than EfficientNet as torchvision, timm or this project names them.
 * @param source the file's name, for sentences
 * @throws UserError naming what is missing, too many or misshapen
 */
export function importTorchvision(
  tensors: ReadonlyMap<string, StoredTensor>,
  network: Pick<Network, 'name' | 'specs'>,
  source: string,
): ImportedWeights {
  const [own, ...others] = torchvisionNamings(network);
  const count = (naming: Expected): number => sharedPrefix(tensors.keys(), naming).count;
  // Of a file that is nobody's, torchvision's names are told as missing.
  const naming = [...others, own].reduce((best, each) => (count(each) > count(best) ? each : best));
  return importWeights(tensors, naming, source);
}
