import { UserError } from '../engine/user_error.ts';
import { EFFICIENTNET_VARIANTS } from './efficientnet_table.ts';
import type { Network } from './network.ts';
import { CONVNEXT_VARIANTS, convNext } from './convnext.ts';
import { MOBILENET_V3_VARIANTS, mobileNetV3 } from './mobilenet_v3.ts';
import { RESNET_VARIANTS, narrowResNet, resnet } from './resnet.ts';
import { VGG_VARIANTS, narrowVgg, vgg } from './vgg.ts';

/** The names of EfficientNets begin so, and end in their variant. */
const EFFICIENTNET = /^efficientnet_(b\d)$/;

/** The variant of an EfficientNet, such as b0; undefined for every other network. */
export const efficientNetVariant = (name: string): string | undefined => EFFICIENTNET.exec(name)?.[1];

/** The names that `buildModel` understands. */
export const MODEL_NAMES: readonly string[] = [
  ...EFFICIENTNET_VARIANTS.map((variant) => `efficientnet_${variant}`),
  ...Object.keys(RESNET_VARIANTS),
  ...Object.keys(MOBILENET_V3_VARIANTS),
  ...Object.keys(CONVNEXT_VARIANTS),
  ...Object.keys(VGG_VARIANTS),
];

/**
 * A network whose arithmetic is always the same: all but EfficientNet. Its width is written down only where it is not
 * its own.
 * @param width channels in shares of its own, 0..1
 * @throws UserError where there is no such network
 */
export function plainNetwork(name: string, classes: number, width = 1): Network {
  const narrow = Object.hasOwn(RESNET_VARIANTS, name)
    ? resnet(name, classes, narrowResNet(RESNET_VARIANTS[name], width))
    : Object.hasOwn(VGG_VARIANTS, name)
      ? vgg(name, classes, narrowVgg(VGG_VARIANTS[name], width))
      : undefined;
  if (narrow) return width === 1 ? narrow : { ...narrow, config: { ...narrow.config, width } };
  const build = [[CONVNEXT_VARIANTS, convNext] as const, [MOBILENET_V3_VARIANTS, mobileNetV3] as const].find(
    ([variants]) => Object.hasOwn(variants, name),
  )?.[1];
  if (!build) throw new UserError(`there is no model ${name}; choose one of ${MODEL_NAMES.join(', ')}`);
  requireOwnWidth(name, width);
  return build(name, classes);
}

/** @throws UserError where a network that has one width only is to have another */
export function requireOwnWidth(name: string, width: number): void {
  if (width !== 1)
    throw new UserError(
      `${name} comes in its published width only; take another of its family, or a VGG or ResNet for --width ${width}`,
    );
}
