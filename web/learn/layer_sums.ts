// What the layers compute, in float64 from the operands as the GPU has them: the parts that explanations are made of.
import { avgPoolTerms, maxPoolTerms, offsetOf, type Directions, type Term } from '../../engine/explain/terms.ts';
import type { Summand } from './explanation.ts';
import { show } from './formula.ts';
import { NORM_EPSILON, type Role } from './network.ts';
import type { ActivationName } from './settings.ts';
import type { LayerView, Values, View } from './view.ts';

export const at = ({ shape, data }: Values, index: readonly number[]): number => data[offsetOf(shape, index)];

/** The output that a layer takes as its first input, or as another. */
export const inputOf = ({ layers }: View, layer: number, which = 0): Values => layers[layers[layer].inputs[which]].y;

/** As the dense layer sees it: the numbers of an image in a row. */
export const asRow = ({ shape, data }: Values): Values => ({ shape: [shape[0], data.length / shape[0]], data });

/** All places of channel `c` of an array [N, H, W, C] or [N, C], of all its images. */
export const placesOfChannel = (shape: readonly number[], c: number): number[][] =>
  Array.from({ length: shape[0] }, (_, n) => placesOf(shape, [n, c])).flat();

/** All places [n, h, v, c] of a map of [N, H, W, C], or the one [n, c] of [N, C]; n and c are the index's ends. */
export function placesOf([, ...dims]: readonly number[], index: readonly number[]): number[][] {
  const [n, c] = [index[0], index[index.length - 1]];
  if (dims.length === 1) return [[n, c]];
  const [height, width] = dims;
  return Array.from({ length: height * width }, (_, i) => [n, Math.floor(i / width), i % width, c]);
}

export const parameter = (layer: Pick<LayerView, 'parameters'>, role: Role): Values =>
  layer.parameters.find((p) => p.role === role)!.value;

export const gradientOf = (layer: Pick<LayerView, 'parameters'>, role: Role): Values =>
  layer.parameters.find((p) => p.role === role)!.gradient!;

/** The products that terms name; `share` says what their number factor is. */
export const summandsOf = (
  terms: readonly Term[],
  operands: Readonly<Record<string, Values>>,
  share = 'share of the window',
): Summand[] =>
  terms.map(({ at: places, factor }) => {
    const factors = Object.entries(places).map(([name, index]) => ({
      name: show(name, index),
      value: at(operands[name], index),
    }));
    if (factor !== undefined) factors.push({ name: share, value: factor });
    return { factors, product: factors.reduce((product, { value }) => product * value, 1) };
  });
export const total = (summands: readonly Summand[]): number => summands.reduce((sum, { product }) => sum + product, 0);

export const ACTIVATIONS: Record<
  ActivationName,
  {
    f: (x: number) => number;
    formula: string;
    filled: (x: string) => string;
    slope: (x: number, y: number) => number;
    slopeFormula: string;
  }
> = {
  relu: {
    f: (x) => Math.max(x, 0),
    formula: 'max(x, 0)',
    filled: (x) => `max(${x}, 0)`,
    slope: (_, y) => (y > 0 ? 1 : 0),
    slopeFormula: '1 where y > 0, else 0',
  },
  silu: {
    f: (x) => x / (1 + Math.exp(-x)),
    formula: 'x · σ(x), σ(x) = 1/(1 + e^−x)',
    filled: (x) => `${x} · 1/(1 + e^−(${x}))`,
    slope: (x) => {
      const s = 1 / (1 + Math.exp(-x));
      return s * (1 + x * (1 - s));
    },
    slopeFormula: 'σ(x)·(1 + x·(1 − σ(x)))',
  },
  tanh: {
    f: Math.tanh,
    formula: 'tanh(x)',
    filled: (x) => `tanh(${x})`,
    slope: (_, y) => 1 - y * y,
    slopeFormula: '1 − y²',
  },
  sigmoid: {
    f: (x) => 1 / (1 + Math.exp(-x)),
    formula: 'σ(x) = 1/(1 + e^−x)',
    filled: (x) => `1/(1 + e^−(${x}))`,
    slope: (_, y) => y * (1 - y),
    slopeFormula: 'y·(1 − y)',
  },
};

export function poolTerms(view: View, layer: number): Omit<Directions, 'filterGrad'> {
  const { geometry: g, pooling } = view.layers[layer];
  return pooling === 'max' ? maxPoolTerms(g!, inputOf(view, layer).data) : avgPoolTerms(g!);
}

/** Which mean and variance batch norm takes. */
export const statisticsNote = ({ batch }: View): string =>
  batch
    ? `Mean and variance are those of this channel in all ${batch.length} images of the batch.`
    : 'For one image, batch norm takes the running mean and variance, as in prediction; while it trains, those of the batch.';

export const flattened = ({ shape: [, h, v, c] }: Values): string | undefined =>
  c === undefined
    ? undefined
    : `i counts the ${h} × ${v} × ${c} numbers of the maps before: i = (row · ${v} + column) · ${c} + channel.`;

export function normOf(layer: LayerView, c: number): { mean: number; deviation: number; gamma: number; beta: number } {
  const running = parameter(layer, 'running');
  return {
    mean: at(running, [0, c]),
    deviation: Math.sqrt(at(running, [1, c]) + NORM_EPSILON),
    gamma: at(parameter(layer, 'gamma'), [c]),
    beta: at(parameter(layer, 'beta'), [c]),
  };
}

/** The probabilities that the logits [N, K] of an image stand for, in float64. */
export function softmaxOf({ shape, data: all }: Values, n = 0): number[] {
  const classes = shape[shape.length - 1];
  const data = all.subarray(n * classes, (n + 1) * classes);
  const largest = Math.max(...data);
  const parts = [...data].map((x) => Math.exp(x - largest));
  return parts.map((part) => part / parts.reduce((a, b) => a + b, 0));
}
