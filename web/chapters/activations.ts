/*
 * Activation functions and their slopes in float64, and what is left of a small change after a chain of layers. The
 * figure `activations` shows them.
 */

export interface Activation {
  readonly name: string;
  readonly formula: string;
  value(x: number): number;
  slope(x: number): number;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

export const ACTIVATIONS: readonly Activation[] = [
  { name: 'ReLU', formula: 'max(x, 0)', value: (x) => Math.max(x, 0), slope: (x) => (x > 0 ? 1 : 0) },
  {
    name: 'SiLU',
    formula: 'x · σ(x)',
    value: (x) => x * sigmoid(x),
    slope: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))),
  },
  { name: 'sigmoid', formula: '1 / (1 + exp(−x))', value: sigmoid, slope: (x) => sigmoid(x) * (1 - sigmoid(x)) },
  { name: 'tanh', formula: 'tanh(x)', value: Math.tanh, slope: (x) => 1 - Math.tanh(x) ** 2 },
];

export interface Chain {
  readonly layers: number;
  /** What every layer multiplies by, before its activation. */
  readonly weight: number;
  /** What goes into the first layer. */
  readonly x: number;
  /** Whether each layer adds its input to its output. */
  readonly residual: boolean;
}

export interface Link {
  readonly output: number;
  readonly slope: number;
  /** How the output of the last layer so far changes with x: the product of all slopes. */
  readonly product: number;
}

/** x through layers y = f(weight · x), or y = x + f(weight · x), one after another. */
export function chain({ value, slope }: Activation, { layers, weight, x, residual }: Chain): Link[] {
  const links: Link[] = [];
  let [at, product] = [x, 1];
  for (let i = 0; i < layers; i++) {
    const own = slope(weight * at) * weight + Number(residual);
    at = value(weight * at) + (residual ? at : 0);
    product *= own;
    links.push({ output: at, slope: own, product });
  }
  return links;
}
