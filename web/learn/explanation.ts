import {
  avgPoolTerms,
  convTerms,
  matmulTerms,
  maxPoolTerms,
  offsetOf,
  type Directions,
  type Term,
} from '../../engine/explain/terms.ts';
import { around, receptiveFields, type Field } from './fields.ts';
import type { LineName } from './kernel_lines.ts';
import { NORM_EPSILON, type Role } from './network.ts';
import type { ActivationName } from './settings.ts';
import type { LayerView, Target, Values, View } from './view.ts';

/**
 * A number of the network that one can point at: an element of a layer's output, of its cotangent, or of one of its
 * parameters.
 */
export interface Selection {
  readonly layer: number;
  readonly part: 'y' | 'dy' | Role;
  readonly at: readonly number[];
}

/** One summand: its factors by their names in the formula, and their product. */
export interface Summand {
  readonly factors: readonly { readonly name: string; readonly value: number }[];
  readonly product: number;
}

/** How a number comes about. */
export interface Explanation {
  /** The formula in letters, and the same with the numbers of this element filled in. */
  readonly formula: string;
  readonly filled: string;
  /** What is added up; empty where the formula with its numbers says all. */
  readonly summands: readonly Summand[];
  /** What the formula gives, in float64 from the operands as the GPU has them. */
  readonly computed: number;
  /** What the GPU has. */
  readonly value: number;
  readonly line: LineName;
  /** What it is made from: outlined in the maps. */
  readonly fields: readonly Field[];
  readonly note?: string;
}

type Behind = Omit<Explanation, 'value' | 'fields'> & { readonly fields?: readonly (Field | undefined)[] };

const at = ({ shape, data }: Values, index: readonly number[]): number => data[offsetOf(shape, index)];
const show = (name: string, index: readonly number[]): string => `${name}[${index.join(', ')}]`;
/** A number within a formula: a negative one in brackets. */
const inFormula = (v: number): string => (v < 0 ? `(${shortly(v)})` : shortly(v));
/** To so many digits, four when not said otherwise. */
export const shortly = (v: number, digits = 4): string =>
  (v === 0
    ? '0'
    : Math.abs(v) >= 1e-3 && Math.abs(v) < 1e5
      ? String(Number(v.toPrecision(digits)))
      : v.toExponential(Math.min(2, digits - 1))
  ).replaceAll('-', '−');

export const parameter = (layer: LayerView, role: Role): Values => layer.parameters.find((p) => p.role === role)!.value;

const summandsOf = (terms: readonly Term[], operands: Readonly<Record<string, Values>>): Summand[] =>
  terms.map(({ at: places, factor }) => {
    const factors = Object.entries(places).map(([name, index]) => ({
      name: show(name, index),
      value: at(operands[name], index),
    }));
    if (factor !== undefined) factors.push({ name: 'share of the window', value: factor });
    return { factors, product: factors.reduce((product, { value }) => product * value, 1) };
  });
const total = (summands: readonly Summand[]): number => summands.reduce((sum, { product }) => sum + product, 0);

/** What Selection names, as the worker's check wants it. */
export function targetOf({ layers }: View, { layer, part, at: index }: Selection): Target {
  if (part === 'y' || part === 'dy') return { layer, offset: offsetOf(layers[layer].y.shape, index) };
  return { layer, role: part, offset: offsetOf(parameter(layers[layer], part).shape, index) };
}

/**
 * How the selected number comes about: for an output forwards; for a cotangent, or a parameter's gradient, on the way
 * back.
 */
export function explain(view: View, selection: Selection): Explanation {
  const { layer, part, at: index } = selection;
  const { y, dy, parameters } = view.layers[layer];
  const value =
    part === 'y'
      ? at(y, index)
      : part === 'dy'
        ? at(dy, index)
        : at(parameters.find(({ role }) => role === part)!.gradient!, index);
  const behind =
    part === 'y'
      ? forwards(view, layer, index)
      : part === 'dy'
        ? backwards(view, layer, index)
        : parameterGradient(view, layer, part, index);
  const fields =
    part === 'y' ? receptiveFields(view, layer, index) : (behind.fields ?? []).filter((field) => field !== undefined);
  return { ...behind, value, fields };
}

/** A sliding index with its constant part worked out: `r + 3`, `r − 1`, `r`. */
const slid = (letter: string, start: number): string =>
  start === 0 ? letter : `${letter} ${start < 0 ? '−' : '+'} ${Math.abs(start)}`;
const times = (letter: string, stride: number): string => (stride === 1 ? letter : `${letter}·${stride}`);
/** `(5 − r)/2`, the output that sees a place through tap r. */
const seen = (letter: string, from: number, stride: number): string =>
  stride === 1 ? `${from} − ${letter}` : `(${from} − ${letter})/${stride}`;

const ACTIVATIONS: Record<
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

function poolTerms(view: View, layer: number): Omit<Directions, 'filterGrad'> {
  const g = view.layers[layer].geometry!;
  return view.settings.pooling === 'max' ? maxPoolTerms(g, view.layers[layer - 1].y.data) : avgPoolTerms(g);
}

function forwards(view: View, layer: number, index: readonly number[]): Behind {
  const self = view.layers[layer];
  const { kind, geometry: g } = self;
  if (kind === 'input') {
    return {
      formula: 'x = √byte / 2 − 1',
      filled: `${show('x', index)} = ${shortly(at(self.y, index))}: a pixel of the galaxy, 0 to 255, as the network sees it`,
      summands: [],
      computed: at(self.y, index),
      line: 'conv',
      note: 'Nothing computes it: it is given. The line below reads it.',
    };
  }
  const x = view.layers[layer - 1].y;
  if (kind === 'conv' || kind === 'dense') {
    const w = parameter(self, 'w');
    const k = index[index.length - 1];
    const bias = self.parameters.some(({ role }) => role === 'b') ? at(parameter(self, 'b'), [k]) : undefined;
    const terms =
      kind === 'conv' ? convTerms(g!).forward(index) : matmulTerms([1, w.shape[0]], w.shape[1]).forward(index);
    const products = summandsOf(terms, { x: kind === 'conv' ? x : { shape: [1, w.shape[0]], data: x.data }, w });
    const summands =
      bias === undefined
        ? products
        : [...products, { factors: [{ name: show('b', [k]), value: bias }], product: bias }];
    const tail = (letter: string | number) => (bias === undefined ? '' : ` + b[${letter}]`);
    const rest = { summands, computed: total(summands), line: kind === 'conv' ? 'conv' : 'matmul' } as const;
    if (kind === 'dense')
      return {
        ...rest,
        formula: `y[n, k] = Σ x[n, i] · w[i, k]${tail('k')}`,
        filled: `${show('y', index)} = Σ x[0, i] · w[i, ${k}]${tail(k)},  i = 0 … ${w.shape[0] - 1}`,
        note: flattened(x),
      };
    const [, ho, wo] = index;
    return {
      ...rest,
      formula: `y[n, ho, wo, k] = Σ x[n, ${times('ho', g!.strideH)} + r − ${g!.padTop}, ${times('wo', g!.strideW)} + s − ${g!.padLeft}, c] · w[r, s, c, k]${tail('k')}`,
      filled: `${show('y', index)} = Σ x[0, ${slid('r', ho * g!.strideH - g!.padTop)}, ${slid('s', wo * g!.strideW - g!.padLeft)}, c] · w[r, s, c, ${k}]${tail(k)}`,
      note:
        terms.length < w.shape[0] * w.shape[1] * w.shape[2]
          ? 'Part of the window lies outside of the image, where all is zero: those products are left out.'
          : undefined,
    };
  }
  if (kind === 'pool') {
    const summands = summandsOf(poolTerms(view, layer).forward(index), { x });
    const [rows, columns] = [g!.strideH * index[1], g!.strideW * index[2]];
    const [name, letters] =
      view.settings.pooling === 'max' ? (['max', 'max pool'] as const) : (['mean', 'average pool'] as const);
    return {
      formula: `y[n, ho, wo, c] = ${name} of x[n, 2·ho + r, 2·wo + s, c],  r, s = 0, 1`,
      filled: `${show('y', index)} = ${name} of x[0, ${rows} … ${rows + 1}, ${columns} … ${columns + 1}, ${index[3]}]`,
      summands,
      computed: total(summands),
      line: letters,
      note: name === 'max' ? 'The largest of the window alone goes on; of equals the first.' : undefined,
    };
  }
  if (kind === 'activation') {
    const { f, formula, filled } = ACTIVATIONS[view.settings.activation];
    const v = at(x, index);
    return {
      formula: `y = ${formula}`,
      filled: `${show('y', index)} = ${filled(inFormula(v))} = ${shortly(f(v))}`,
      summands: [],
      computed: f(v),
      line: view.settings.activation,
    };
  }
  if (kind === 'norm') {
    const { mean, deviation, gamma, beta } = normOf(self, index[3]);
    const y = (gamma * (at(x, index) - mean)) / deviation + beta;
    return {
      formula: 'y = γ[c] · (x − mean[c]) / √(variance[c] + ε) + β[c]',
      filled: `${show('y', index)} = ${inFormula(gamma)} · (${shortly(at(x, index))} − ${inFormula(mean)}) / ${shortly(deviation)} + ${inFormula(beta)} = ${shortly(y)}`,
      summands: [],
      computed: y,
      line: 'norm',
      note: RUNNING,
    };
  }
  const p = softmaxOf(x);
  const loss = -Math.log(p[view.label]);
  return {
    formula: 'loss = −log p[label],  p = softmax(x): p[k] = e^x[k] / Σ e^x[j]',
    filled: `loss = −log ${shortly(p[view.label])} = ${shortly(loss)},  p = [${p.map((share) => shortly(share)).join(', ')}]`,
    summands: [],
    computed: loss,
    line: 'loss',
  };
}

const RUNNING =
  'For one image, batch norm takes the running mean and variance, as in prediction; while it trains, those of the batch.';

const flattened = ({ shape: [, h, v, c] }: Values): string =>
  `i counts the ${h} × ${v} × ${c} numbers of the maps before: i = (row · ${v} + column) · ${c} + channel.`;

function normOf(layer: LayerView, c: number): { mean: number; deviation: number; gamma: number; beta: number } {
  const running = parameter(layer, 'running');
  return {
    mean: at(running, [0, c]),
    deviation: Math.sqrt(at(running, [1, c]) + NORM_EPSILON),
    gamma: at(parameter(layer, 'gamma'), [c]),
    beta: at(parameter(layer, 'beta'), [c]),
  };
}

/** The probabilities that logits [1, K] stand for, in float64. */
export function softmaxOf({ data }: Values): number[] {
  const largest = Math.max(...data);
  const parts = [...data].map((x) => Math.exp(x - largest));
  return parts.map((part) => part / parts.reduce((a, b) => a + b, 0));
}

/**
 * The cotangent of a layer's output: what the next layer makes of its own. In the formulas the output is the next
 * layer's input, x.
 */
function backwards(view: View, layer: number, index: readonly number[]): Behind {
  const next = view.layers[layer + 1];
  const x = view.layers[layer].y;
  if (!next)
    return {
      formula: 'dloss/dloss = 1',
      filled: 'Here the way back begins.',
      summands: [],
      computed: 1,
      line: 'loss input grad',
    };
  const { kind, geometry: g, dy } = next;
  if (kind === 'conv') {
    const w = parameter(next, 'w');
    const terms = convTerms(g!).inputGrad(index);
    const summands = summandsOf(terms, { dy, w });
    const [, h, v, c] = index;
    const division = g!.strideH === 1 ? '' : ', where the division leaves no rest';
    return {
      formula: `dx[n, h, v, c] = Σ dy[n, (h + ${g!.padTop} − r)/${g!.strideH}, (v + ${g!.padLeft} − s)/${g!.strideW}, k] · w[r, s, c, k]${division}`,
      filled: `${show('dx', index)} = Σ dy[0, ${seen('r', h + g!.padTop, g!.strideH)}, ${seen('s', v + g!.padLeft, g!.strideW)}, k] · w[r, s, ${c}, k]`,
      summands,
      computed: total(summands),
      line: 'conv input grad',
      fields: [
        around(
          layer + 1,
          'dy',
          terms.map((term) => term.at.dy),
        ),
      ],
      note:
        terms.length === 0 ? 'No window of the next convolution sees it: the loss does not depend on it.' : undefined,
    };
  }
  if (kind === 'dense') {
    const w = parameter(next, 'w');
    const i = offsetOf(x.shape, index);
    const summands = summandsOf(matmulTerms([1, w.shape[0]], w.shape[1]).inputGrad([0, i]), { dy, w });
    return {
      formula: 'dx[n, i] = Σ dy[n, k] · w[i, k]',
      filled: `dx[0, ${i}] = Σ dy[0, k] · w[${i}, k],  k = 0, 1`,
      summands,
      computed: total(summands),
      line: 'matmul',
      note: flattened(x),
    };
  }
  if (kind === 'pool') {
    const terms = poolTerms(view, layer + 1).inputGrad(index);
    const summands = summandsOf(terms, { dy });
    const isMax = view.settings.pooling === 'max';
    return {
      formula: isMax
        ? 'dx[n, h, v, c] = dy[n, h/2, v/2, c] where x is the largest of its window, else 0'
        : 'dx[n, h, v, c] = dy[n, h/2, v/2, c] / 4,  h/2 and v/2 rounded down',
      filled: `${show('dx', index)} = ${summands.length === 0 ? '0' : summands.map(({ factors }) => factors.map(({ value }) => shortly(value)).join(' · ')).join(' + ')}`,
      summands,
      computed: total(summands),
      line: isMax ? 'max pool input grad' : 'average pool input grad',
      fields: [
        around(
          layer + 1,
          'dy',
          terms.map((term) => term.at.dy),
        ),
      ],
      note:
        summands.length > 0
          ? undefined
          : isMax
            ? 'It did not win its window: nothing comes back to it.'
            : 'No window sees it.',
    };
  }
  const same = around(layer + 1, 'dy', [index]);
  if (kind === 'activation') {
    const { slope, slopeFormula } = ACTIVATIONS[view.settings.activation];
    const steep = slope(at(x, index), at(next.y, index));
    const computed = at(dy, index) * steep;
    const summands = [
      {
        factors: [
          { name: show('dy', index), value: at(dy, index) },
          { name: 'slope', value: steep },
        ],
        product: computed,
      },
    ];
    return {
      formula: `dx = dy · slope,  slope = ${slopeFormula}`,
      filled: `${show('dx', index)} = ${inFormula(at(dy, index))} · ${inFormula(steep)}`,
      summands,
      computed,
      line: `${view.settings.activation} grad`,
      fields: [same],
    };
  }
  if (kind === 'norm') {
    const { deviation, gamma } = normOf(next, index[3]);
    const computed = (gamma / deviation) * at(dy, index);
    return {
      formula: 'dx = γ[c] / √(variance[c] + ε) · dy',
      filled: `${show('dx', index)} = ${inFormula(gamma)} / ${shortly(deviation)} · ${inFormula(at(dy, index))}`,
      summands: [],
      computed,
      line: 'norm input grad',
      fields: [same],
      note: RUNNING,
    };
  }
  const p = softmaxOf(x)[index[1]];
  const target = view.label === index[1] ? 1 : 0;
  return {
    formula: 'dx[k] = softmax(x)[k] − target[k]',
    filled: `dx[${index[1]}] = ${shortly(p)} − ${target}`,
    summands: [],
    computed: p - target,
    line: 'loss input grad',
  };
}

/** The gradient of the looked-at image's loss with respect to one parameter. */
function parameterGradient(view: View, layer: number, role: Role, index: readonly number[]): Behind {
  const self = view.layers[layer];
  const x = view.layers[layer - 1].y;
  const { kind, dy, geometry: g } = self;
  const c = index[index.length - 1];
  if (role === 'w') {
    const w = parameter(self, 'w');
    const terms =
      kind === 'conv' ? convTerms(g!).filterGrad(index) : matmulTerms([1, w.shape[0]], w.shape[1]).filterGrad(index);
    const summands = summandsOf(terms, { x: kind === 'conv' ? x : { shape: [1, w.shape[0]], data: x.data }, dy });
    const rest = { summands, computed: total(summands) };
    if (kind === 'dense')
      return {
        ...rest,
        formula: 'dw[i, k] = Σ x[n, i] · dy[n, k]',
        filled: `${show('dw', index)} = x[0, ${index[0]}] · dy[0, ${c}]`,
        line: 'matmul',
        note: `${flattened(x)} The sum is over the images, and here is one.`,
      };
    const [r, s, channel, k] = index;
    return {
      ...rest,
      formula: `dw[r, s, c, k] = Σ x[n, ${times('ho', g!.strideH)} + r − ${g!.padTop}, ${times('wo', g!.strideW)} + s − ${g!.padLeft}, c] · dy[n, ho, wo, k]`,
      filled: `${show('dw', index)} = Σ x[0, ${slid(times('ho', g!.strideH), r - g!.padTop)}, ${slid(times('wo', g!.strideW), s - g!.padLeft)}, ${channel}] · dy[0, ho, wo, ${k}]`,
      line: 'conv filter grad',
      fields: [
        around(
          layer - 1,
          'y',
          terms.map((term) => term.at.x),
        ),
        around(
          layer,
          'dy',
          terms.map((term) => term.at.dy),
        ),
      ],
      note: 'Every place where this weight was used adds its share.',
    };
  }
  const places = dy.data.length / dy.shape[dy.shape.length - 1];
  const channels = dy.shape[dy.shape.length - 1];
  const indexOf = (place: number) =>
    dy.shape.length === 2 ? [0, c] : [0, Math.floor(place / dy.shape[2]), place % dy.shape[2], c];
  const normal = (place: number) => {
    const { mean, deviation } = normOf(self, c);
    return (x.data[place * channels + c] - mean) / deviation;
  };
  const summands = Array.from({ length: places }, (_, place): Summand => {
    const factors = [{ name: show('dy', indexOf(place)), value: dy.data[place * channels + c] }];
    if (role === 'gamma') factors.push({ name: show('x̂', indexOf(place)), value: normal(place) });
    return { factors, product: factors.reduce((product, { value }) => product * value, 1) };
  });
  const fields =
    dy.shape.length === 4
      ? [
          around(layer, 'dy', [
            [0, 0, 0, c],
            [0, dy.shape[1] - 1, dy.shape[2] - 1, c],
          ]),
        ]
      : [];
  const rest = { summands, computed: total(summands), fields };
  if (role === 'gamma')
    return {
      ...rest,
      formula: 'dγ[c] = Σ dy · x̂,  x̂ = (x − mean[c]) / √(variance[c] + ε)',
      filled: `dγ[${c}] = Σ dy[0, h, v, ${c}] · x̂[0, h, v, ${c}]`,
      line: 'norm gamma grad',
      note: RUNNING,
    };
  const name = role === 'beta' ? 'dβ' : 'db';
  return {
    ...rest,
    formula: `${name}[k] = Σ dy over all places`,
    filled: `${name}[${c}] = Σ dy[0, ${dy.shape.length === 4 ? 'ho, wo, ' : ''}${c}]`,
    line: role === 'beta' ? 'norm beta grad' : 'sum',
  };
}
