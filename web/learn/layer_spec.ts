import { UserError } from '../../engine/user_error.ts';

export type ActivationName = 'relu' | 'silu' | 'tanh' | 'sigmoid';

/**
 * A layer as a person writes it; a network is a list of them, from the image to the logits. `residual` adds the output
 * of an earlier layer to that of the layer before: `from` is its number in the list, counted from 1; 0 is the image.
 */
export type LayerSpec =
  | ({ readonly kind: 'conv'; readonly filters: number } & WindowSpec)
  | ({ readonly kind: 'depthwise' } & WindowSpec)
  | { readonly kind: 'norm' }
  | { readonly kind: 'activation'; readonly name: ActivationName }
  | { readonly kind: 'pool'; readonly how: 'max' | 'average'; readonly size: number; readonly stride: number }
  | { readonly kind: 'residual'; readonly from: number }
  | { readonly kind: 'squeezeExcite'; readonly units: number }
  | { readonly kind: 'dense'; readonly units: number };

interface WindowSpec {
  /** Side of the filters. */
  readonly size: number;
  readonly stride: number;
  readonly padding: 'same' | 'valid';
  readonly bias: boolean;
}

export type SpecKind = LayerSpec['kind'];
type Value = number | string | boolean;

/** What an option can be, a list or the least and the most, and what it is where nobody says. */
export type Option =
  | { readonly choices: readonly Value[]; readonly usual: Value }
  | { readonly least: number; readonly most: number; readonly usual: number };

const WINDOW = {
  size: { choices: [3, 1, 5, 7], usual: 3 },
  stride: { choices: [1, 2], usual: 1 },
  padding: { choices: ['same', 'valid'], usual: 'same' },
  bias: { choices: [true, false], usual: true },
} as const;

/** The kinds of layers: what they are called, and their options. */
export const KINDS: Readonly<Record<SpecKind, { title: string; options: Readonly<Record<string, Option>> }>> = {
  conv: { title: 'convolution', options: { filters: { least: 1, most: 32, usual: 8 }, ...WINDOW } },
  depthwise: { title: 'depthwise convolution', options: WINDOW },
  norm: { title: 'batch norm', options: {} },
  activation: {
    title: 'activation',
    options: { name: { choices: ['relu', 'silu', 'tanh', 'sigmoid'], usual: 'relu' } },
  },
  pool: {
    title: 'pooling',
    options: {
      how: { choices: ['max', 'average'], usual: 'max' },
      size: { least: 2, most: 8, usual: 2 },
      stride: { least: 1, most: 8, usual: 2 },
    },
  },
  residual: { title: 'residual addition', options: { from: { least: 0, most: 19, usual: 0 } } },
  squeezeExcite: { title: 'squeeze and excite', options: { units: { least: 1, most: 32, usual: 4 } } },
  dense: { title: 'dense layer', options: { units: { least: 1, most: 128, usual: 2 } } },
};

/** More layers than this are no longer a page. */
export const MOST_LAYERS = 20;

/** A layer of a kind with its usual options, and those that are given. */
export const layerOf = (kind: SpecKind, given: Readonly<Record<string, Value>> = {}): LayerSpec =>
  ({
    kind,
    ...Object.fromEntries(Object.entries(KINDS[kind].options).map(([name, { usual }]) => [name, usual])),
    ...given,
  }) as LayerSpec;

/** The layer's options by name. */
export const optionsOf = (layer: LayerSpec): Readonly<Record<string, Value>> =>
  Object.fromEntries(Object.entries(layer).filter(([name]) => name !== 'kind'));

/** `layer 3, pooling`: as messages name it; `index` counts from 0. */
export const called = (layers: readonly LayerSpec[], index: number): string =>
  `layer ${index + 1}, ${KINDS[layers[index].kind].title}`;

/** The layers with so many units at the end, one for each class. */
export const forClasses = (layers: readonly LayerSpec[], classes: number): LayerSpec[] =>
  layers.map((layer, i) => (i === layers.length - 1 && layer.kind === 'dense' ? { ...layer, units: classes } : layer));

/**
 * Checks the options of each layer by itself; what fits together is for planLayers to say.
 * @throws UserError that names the layer
 */
export function checkLayers(layers: readonly LayerSpec[]): void {
  if (layers.length === 0) throw new UserError('the network has no layers: add one');
  if (layers.length > MOST_LAYERS)
    throw new UserError(`the network has ${layers.length} layers, and ${MOST_LAYERS} is the most that the page shows`);
  layers.forEach((layer, i) => {
    if (!Object.hasOwn(KINDS, layer.kind))
      throw new UserError(`layer ${i + 1}: there is no kind ${layer.kind}; there are ${Object.keys(KINDS).join(', ')}`);
    const { options } = KINDS[layer.kind];
    const given = optionsOf(layer);
    const unknown = Object.keys(given).find((name) => !Object.hasOwn(options, name));
    if (unknown !== undefined)
      throw new UserError(
        `${called(layers, i)}: it has no option ${unknown}; it has ${Object.keys(options).join(', ') || 'none'}`,
      );
    for (const [name, option] of Object.entries(options)) checkOption(called(layers, i), name, option, given[name]);
  });
}

function checkOption(where: string, name: string, option: Option, value: Value | undefined): void {
  if ('choices' in option) {
    if (!option.choices.includes(value as Value))
      throw new UserError(`${where}: ${name} must be one of ${option.choices.join(', ')}, not ${value}`);
  } else if (!(Number.isInteger(value) && (value as number) >= option.least && (value as number) <= option.most)) {
    throw new UserError(
      `${where}: ${name} must be a whole number from ${option.least} to ${option.most}, not ${value}`,
    );
  }
}

/** A network as text: a layer a line, its kind and the options that are not the usual ones, `conv filters=6 size=5`. */
export const layersToText = (layers: readonly LayerSpec[]): string =>
  layers
    .map((layer) => {
      const { options } = KINDS[layer.kind];
      const said = Object.entries(optionsOf(layer)).filter(([name, value]) => options[name].usual !== value);
      return [layer.kind, ...said.map(([name, value]) => `${name}=${value}`)].join(' ');
    })
    .join('\n');

/**
 * What `layersToText` wrote; a semicolon ends a line too.
 * @throws UserError that names the layer
 */
export function layersFromText(text: string): LayerSpec[] {
  const lines = text.split(/[\n;]/).filter((line) => line.trim() !== '');
  const layers = lines.map((line, i) => {
    const [kind, ...words] = line.trim().split(/\s+/);
    if (!Object.hasOwn(KINDS, kind))
      throw new UserError(`layer ${i + 1}: there is no kind ${kind}; there are ${Object.keys(KINDS).join(', ')}`);
    return layerOf(kind as SpecKind, Object.fromEntries(words.map((word) => optionFrom(word, i))));
  });
  checkLayers(layers);
  return layers;
}

function optionFrom(word: string, index: number): [string, Value] {
  const [name, value, ...rest] = word.split('=');
  if (!name || !value || rest.length > 0)
    throw new UserError(`layer ${index + 1}: an option is written name=value, as size=3, not ${word}`);
  if (value === 'true' || value === 'false') return [name, value === 'true'];
  return [name, /^[+-]?\d+(\.\d+)?$/.test(value) ? Number(value) : value];
}
