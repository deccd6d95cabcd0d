import { casesOf, nameOf, type Case, type Direction } from '../../bench/kernels/cases.ts';
import type { Layer } from '../../bench/kernels/layer.ts';
import { allLayers, wholeNetwork } from '../../bench/kernels/layers.ts';
import { UserError } from '../../engine/user_error.ts';

export const NETWORKS = ['quick', 'b0', 'vgg16', 'galaxy_vgg', 'whole_b0'] as const;
export const WANTED = ['forward', 'input_grad', 'filter_grad'] as const;

/** What a person chooses to have measured. */
export interface Settings {
  /** The layers of a network, ten of different kinds, or a network as a whole: its forward pass and a training step. */
  readonly layers: (typeof NETWORKS)[number];
  /** Only cases whose name ("blocks.1.expand input_grad") contains this; all when empty. */
  readonly only: string;
  readonly directions: readonly (typeof WANTED)[number][];
  /** Images at once. */
  readonly batch: number;
  /** Timed measurements of each case. */
  readonly repeats: number;
  /** TensorFlow.js beside this engine. */
  readonly tfjs: boolean;
}

/**
 * Ten layers of all kinds, of those in EfficientNet-B0 and galaxy_vgg none of the largest: a minute or two where the
 * CPU computes.
 */
const QUICK: readonly (readonly [Layer['group'], string])[] = [
  ['b0', 'stem.conv'],
  ['b0', 'blocks.4.expand'],
  ['b0', 'blocks.12.project'],
  ['b0', 'blocks.3.depthwise'],
  ['b0', 'blocks.6.depthwise'],
  ['b0', 'blocks.8.depthwise'],
  ['galaxy_vgg', 'block5.0.conv'],
  ['matmul', '256 x 256'],
  ['norm', 'b0 blocks.4.expand_bn'],
  ['pool', 'galaxy_vgg block3'],
];

/** Batch norm has its gradients together only, and tfjs has them only with the forward pass. */
const INCLUDES: Readonly<Record<Settings['directions'][number], readonly Direction[]>> = {
  forward: ['forward'],
  input_grad: ['input_grad', 'backward', 'training'],
  filter_grad: ['filter_grad', 'backward', 'training'],
};

function layersOf({ layers: network, batch }: Settings): Layer[] {
  if (network === 'whole_b0') return [wholeNetwork(batch, 224)];
  const all = allLayers(batch);
  if (network !== 'quick') return all.filter(({ group, name }) => group === network || name.startsWith(`${network} `));
  return QUICK.map(([group, name]) => all.find((layer) => layer.group === group && layer.name === name)!);
}

/** The cases to measure, always in the same order. @throws UserError where there is none */
export function chosenCases(settings: Settings): Case[] {
  const { directions, only, batch, repeats } = settings;
  for (const [what, value, most] of [
    ['images at once', batch, 256],
    ['measurements of each', repeats, 100],
  ] as const) {
    if (!Number.isInteger(value) || value < 1 || value > most)
      throw new UserError(`${what}: a whole number from 1 to ${most} is needed`);
  }
  if (directions.length === 0)
    throw new UserError('choose at least one direction: forward, gradient of the input or gradient of the filter');
  const wanted = new Set(directions.flatMap((direction) => INCLUDES[direction]));
  const cases = layersOf(settings)
    .flatMap(casesOf)
    .filter((c) => wanted.has(c.direction) && nameOf(c).includes(only));
  if (cases.length === 0)
    throw new UserError(`no layer of this choice has "${only}" in its name; leave the field empty for all of them`);
  return cases;
}
