import { convTerms, depthwiseTerms, matmulTerms } from '../../engine/explain/terms.ts';
import type { Behind } from './explanation.ts';
import { inFormula, shortly, show, slid, times } from './formula.ts';
import {
  ACTIVATIONS,
  asRow,
  at,
  flattened,
  inputOf,
  normOf,
  parameter,
  placesOf,
  poolTerms,
  softmaxOf,
  statisticsNote,
  summandsOf,
  total,
} from './layer_sums.ts';
import type { LayerKind } from './network.ts';
import { labelsOf, type View } from './view.ts';

type Index = readonly number[];
type Explain = (view: View, layer: number, index: Index) => Behind;

/** An element of a layer's output: what the layer makes of the outputs that it takes. */
export const forwards: Explain = (view, layer, index) => FORWARDS[view.layers[layer].kind](view, layer, index);

/** Convolution, depthwise or not. */
const convolution: Explain = (view, layer, index) => {
  const self = view.layers[layer];
  const g = self.geometry!;
  const w = parameter(self, 'w');
  const [, ho, wo, k] = index;
  const isDepthwise = self.kind === 'depthwise';
  const terms = (isDepthwise ? depthwiseTerms(g) : convTerms(g)).forward(index);
  const { summands, tail } = biased(view, layer, k, summandsOf(terms, { x: inputOf(view, layer), w }));
  const [from, out] = isDepthwise ? ['c', 'c'] : ['c', 'k'];
  const [channel, tap] = isDepthwise ? [String(k), `r, s, ${k}`] : ['c', `r, s, c, ${k}`];
  return {
    formula: `y[n, ho, vo, ${out}] = Σ x[n, ${times('ho', g.strideH)} + r − ${g.padTop}, ${times('vo', g.strideW)} + s − ${g.padLeft}, ${from}] · w[${isDepthwise ? 'r, s, c' : 'r, s, c, k'}]${tail(out)}`,
    filled: `${show('y', index)} = Σ x[${index[0]}, ${slid('r', ho * g.strideH - g.padTop)}, ${slid('s', wo * g.strideW - g.padLeft)}, ${channel}] · w[${tap}]${tail(k)}`,
    summands,
    computed: total(summands),
    line: isDepthwise ? 'depthwise' : 'conv',
    note:
      terms.length < g.filterH * g.filterW * (isDepthwise ? 1 : g.inChannels)
        ? 'Part of the window lies outside the image, where every pixel counts as 0: those products are left out.'
        : undefined,
  };
};

const dense: Explain = (view, layer, index) => {
  const w = parameter(view.layers[layer], 'w');
  const x = inputOf(view, layer);
  const [n, k] = index;
  const terms = matmulTerms([1, w.shape[0]], w.shape[1]).forward(index);
  const { summands, tail } = biased(view, layer, k, summandsOf(terms, { x: asRow(x), w }));
  return {
    formula: `y[n, k] = Σ x[n, i] · w[i, k]${tail('k')}`,
    filled: `${show('y', index)} = Σ x[${n}, i] · w[i, ${k}]${tail(k)},  i = 0 … ${w.shape[0] - 1}`,
    summands,
    computed: total(summands),
    line: 'matmul',
    note: flattened(x),
  };
};

/** The products and the bias, and how the bias is written. */
function biased(view: View, layer: number, k: number, products: ReturnType<typeof summandsOf>) {
  const bias = view.layers[layer].parameters.find(({ role }) => role === 'b')?.value;
  const tail = (letter: string | number) => (bias ? ` + b[${letter}]` : '');
  if (!bias) return { summands: products, tail };
  const value = at(bias, [k]);
  return { summands: [...products, { factors: [{ name: show('b', [k]), value }], product: value }], tail };
}

const pool: Explain = (view, layer, index) => {
  const { geometry: g, pooling } = view.layers[layer];
  const summands = summandsOf(poolTerms(view, layer).forward(index), { x: inputOf(view, layer) });
  const [rows, columns] = [g!.strideH * index[1], g!.strideW * index[2]];
  const last = g!.filterH - 1;
  const [name, line] = pooling === 'max' ? (['max', 'max pool'] as const) : (['mean', 'average pool'] as const);
  const stride = g!.strideH === 1 ? '' : `${g!.strideH}·`;
  return {
    formula: `y[n, ho, vo, c] = ${name} of x[n, ${stride}ho + r, ${stride}vo + s, c],  r, s = ${last === 1 ? '0, 1' : `0 … ${last}`}`,
    filled: `${show('y', index)} = ${name} of x[${index[0]}, ${rows} … ${rows + last}, ${columns} … ${columns + last}, ${index[3]}]`,
    summands,
    computed: total(summands),
    line,
    note: name === 'max' ? 'Only the largest number of the window is passed on; of equal ones, the first.' : undefined,
  };
};

const activation: Explain = (view, layer, index) => {
  const name = view.layers[layer].activation!;
  const { f, formula, filled } = ACTIVATIONS[name];
  const v = at(inputOf(view, layer), index);
  return {
    formula: `y = ${formula}`,
    filled: `${show('y', index)} = ${filled(inFormula(v))} = ${shortly(f(v))}`,
    summands: [],
    computed: f(v),
    line: name,
  };
};

const norm: Explain = (view, layer, index) => {
  const { mean, deviation, gamma, beta } = normOf(view.layers[layer], index[index.length - 1]);
  const x = at(inputOf(view, layer), index);
  const y = (gamma * (x - mean)) / deviation + beta;
  return {
    formula: 'y = γ[c] · (x − mean[c]) / √(variance[c] + ε) + β[c]',
    filled: `${show('y', index)} = ${inFormula(gamma)} · (${shortly(x)} − ${inFormula(mean)}) / ${shortly(deviation)} + ${inFormula(beta)} = ${shortly(y)}`,
    summands: [],
    computed: y,
    line: 'norm',
    note: statisticsNote(view),
  };
};

const mean: Explain = (view, layer, index) => {
  const x = inputOf(view, layer);
  const [, h, v] = x.shape;
  const terms = placesOf(x.shape, index).map((place) => ({ at: { x: place }, factor: 1 / (h * v) }));
  const summands = summandsOf(terms, { x }, 'share of the map');
  return {
    formula: 'y[n, c] = Σ x[n, h, v, c] / (H · W)',
    filled: `${show('y', index)} = Σ x[${index[0]}, h, v, ${index[1]}] / (${h} · ${v})`,
    summands,
    computed: total(summands),
    line: 'mean',
    note: 'Squeeze: a map becomes one number.',
  };
};

const scale: Explain = (view, layer, index) => {
  const [n, , , c] = index;
  const summands = summandsOf([{ at: { x: index, s: [n, c] } }], {
    x: inputOf(view, layer),
    s: inputOf(view, layer, 1),
  });
  return {
    formula: 'y[n, h, v, c] = x[n, h, v, c] · s[n, c]',
    filled: `${show('y', index)} = ${summands[0].factors.map(({ value }) => inFormula(value)).join(' · ')}`,
    summands,
    computed: total(summands),
    line: 'mul',
    note: 'Excite: each channel is multiplied by a number from 0 to 1, s, which the sigmoid before gives.',
  };
};

const sum: Explain = (view, layer, index) => {
  const summands = summandsOf([{ at: { x: index } }, { at: { a: index } }], {
    x: inputOf(view, layer),
    a: inputOf(view, layer, 1),
  });
  return {
    formula: 'y = x + a',
    filled: `${show('y', index)} = ${summands.map(({ product }) => inFormula(product)).join(' + ')}`,
    summands,
    computed: total(summands),
    line: 'add',
    note: 'x is the output of the layer before, a that of an earlier one, which takes the short way here.',
  };
};

const loss: Explain = (view, layer) => {
  const labels = labelsOf(view);
  const p = labels.map((_, n) => softmaxOf(inputOf(view, layer), n));
  const losses = labels.map((label, n) => -Math.log(p[n][label]));
  const computed = losses.reduce((a, b) => a + b, 0) / labels.length;
  const own = `p = [${p[0].map((share) => shortly(share)).join(', ')}]`;
  if (labels.length === 1)
    return {
      formula: 'loss = −log p[label],  p = softmax(x): p[k] = e^x[k] / Σ e^x[j]',
      filled: `loss = −log ${shortly(p[0][labels[0]])} = ${shortly(computed)},  ${own}`,
      summands: [],
      computed,
      line: 'loss',
    };
  const share = { name: 'share of the batch', value: 1 / labels.length };
  return {
    formula: 'loss = Σ −log p[n, label[n]] / N,  p[n] = softmax(x[n])',
    filled: `loss = ${shortly(computed)};  of this image −log ${shortly(p[0][labels[0]])} = ${shortly(losses[0])},  ${own}`,
    summands: losses.map((value, n) => ({
      factors: [{ name: `−log p[${n}, ${labels[n]}]`, value }, share],
      product: value * share.value,
    })),
    computed,
    line: 'loss',
  };
};

const FORWARDS: Readonly<Record<LayerKind, Explain>> = {
  input: (view, layer, index) => {
    const { y } = view.layers[layer];
    return {
      formula: view.isOwn ? 'x = byte / 64 − 2' : 'x = √byte / 2 − 1',
      filled: `${show('x', index)} = ${shortly(at(y, index))}: a pixel of the ${view.isOwn ? 'image' : 'galaxy'}, 0 to 255, as the network sees it`,
      summands: [],
      computed: at(y, index),
      line: 'conv',
      note: 'It is given, not computed. The line below reads it.',
    };
  },
  conv: convolution,
  depthwise: convolution,
  norm,
  activation,
  pool,
  mean,
  scale,
  add: sum,
  dense,
  loss,
};
