import { convTerms, matmulTerms } from '../../engine/explain/terms.ts';
import type { Behind } from './explanation.ts';
import { inFormula, shortly, show, slid, times } from './formula.ts';
import {
  ACTIVATIONS,
  RUNNING,
  at,
  flattened,
  normOf,
  parameter,
  poolTerms,
  softmaxOf,
  summandsOf,
  total,
} from './layer_sums.ts';
import type { View } from './view.ts';

/** An element of a layer's output: what the layer makes of the output before it. */
export function forwards(view: View, layer: number, index: readonly number[]): Behind {
  const self = view.layers[layer];
  const { kind, geometry: g } = self;
  if (kind === 'input') {
    return {
      formula: 'x = √byte / 2 − 1',
      filled: `${show('x', index)} = ${shortly(at(self.y, index))}: a pixel of the galaxy, 0 to 255, as the network sees it`,
      summands: [],
      computed: at(self.y, index),
      line: 'conv',
      note: 'It is given, not computed. The line below reads it.',
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
          ? 'Part of the window lies outside the image, where every pixel counts as 0: those products are left out.'
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
      note:
        name === 'max' ? 'Only the largest number of the window is passed on; of equal ones, the first.' : undefined,
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
