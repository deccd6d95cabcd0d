import { foreignShape, type ForeignTensor } from './import_weights.ts';
import type { ParameterSpec } from './parameter_spec.ts';

/** What a program calls the layers of a ConvNeXt. */
interface Names {
  readonly stem: string;
  readonly block: (stage: number, block: number) => string;
  readonly layers: Readonly<Record<string, string>>;
  readonly scale: string;
  readonly down: (stage: number) => string;
  readonly pool: string;
  readonly classifier: string;
}

const TORCHVISION: Names = {
  stem: 'features.0',
  block: (stage, block) => `features.${2 * stage - 1}.${block}`,
  layers: { depthwise: 'block.0', norm: 'block.2', expand: 'block.3', project: 'block.5' },
  scale: 'layer_scale',
  down: (stage) => `features.${2 * stage - 2}`,
  pool: 'classifier.0',
  classifier: 'classifier.2',
};
const TIMM: Names = {
  stem: 'stem',
  block: (stage, block) => `stages.${stage - 1}.blocks.${block}`,
  layers: { depthwise: 'conv_dw', norm: 'norm', expand: 'mlp.fc1', project: 'mlp.fc2' },
  scale: 'gamma',
  down: (stage) => `stages.${stage - 1}.downsample`,
  pool: 'head.norm',
  classifier: 'head.fc',
};

const FIELDS: Readonly<Record<string, string>> = { w: 'weight', b: 'bias', gamma: 'weight', beta: 'bias' };

function nameOf(names: Names, { name }: ParameterSpec): string {
  const path = name.split('.');
  const field = FIELDS[path[path.length - 1]];
  const [, stage, block] = (/^stage(\d+)\.(\d+|down)/.exec(name) ?? []) as string[];
  if (stage === undefined) {
    if (path[0] === 'stem') return `${names.stem}.${path[1] === 'conv' ? 0 : 1}.${field}`;
    return `${path[0] === 'pool' ? names.pool : names.classifier}.${field}`;
  }
  if (block === 'down') return `${names.down(Number(stage))}.${path[2] === 'norm' ? 0 : 1}.${field}`;
  const at = names.block(Number(stage), Number(block));
  return path[2] === 'scale' ? `${at}.${names.scale}` : `${at}.${names.layers[path[2]]}.${field}`;
}

/**
 * The tensors of a ConvNeXt as torchvision and timm have them. Both widen and narrow by fully connected layers, and
 * timm by convolutions of one pixel in its nano.
 */
export function convNextTensors(
  network: string,
  specs: readonly ParameterSpec[],
): (readonly [convention: string, tensors: ForeignTensor[]])[] {
  const isLinear = ({ name }: ParameterSpec): boolean => /\.(expand|project)\.w$/.test(name);
  const tensorsOf = (names: Names, convolutions: boolean): ForeignTensor[] =>
    specs.map((spec) => {
      const shape = foreignShape('torch', spec);
      if (isLinear(spec) && !convolutions) return { spec, name: nameOf(names, spec), shape: shape.slice(0, 2) };
      const scaled = spec.kind === 'scale' && names === TORCHVISION;
      return { spec, name: nameOf(names, spec), shape: scaled ? [...shape, 1, 1] : shape };
    });
  return [
    ['torchvision', tensorsOf(TORCHVISION, false)],
    ['timm', tensorsOf(TIMM, network === 'convnext_nano')],
  ];
}
