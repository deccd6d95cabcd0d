import { convTerms, matmulTerms, offsetOf } from '../../engine/explain/terms.ts';
import type { Behind } from './explanation.ts';
import { around } from './fields.ts';
import { inFormula, seen, shortly, show } from './formula.ts';
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

/**
 * The cotangent of a layer's output: what the next layer makes of its own. In the formulas the output is the next
 * layer's input, x.
 */
export function backwards(view: View, layer: number, index: readonly number[]): Behind {
  const next = view.layers[layer + 1];
  const x = view.layers[layer].y;
  if (!next)
    return {
      formula: 'dloss/dloss = 1',
      filled: 'Backpropagation begins here.',
      summands: [],
      computed: 1,
      line: 'loss input grad',
    };
  const { kind, geometry: g, dy } = next;
  if (kind === 'conv') {
    const w = parameter(next, 'w');
    const terms = convTerms(g!).inputGrad(index);
    const summands = summandsOf(terms, { dy, w });
    const cotangents = terms.map((term) => term.at.dy);
    const [, h, v, c] = index;
    const division = g!.strideH === 1 ? '' : ', where the division leaves no remainder';
    return {
      formula: `dx[n, h, v, c] = Σ dy[n, (h + ${g!.padTop} − r)/${g!.strideH}, (v + ${g!.padLeft} − s)/${g!.strideW}, k] · w[r, s, c, k]${division}`,
      filled: `${show('dx', index)} = Σ dy[0, ${seen('r', h + g!.padTop, g!.strideH)}, ${seen('s', v + g!.padLeft, g!.strideW)}, k] · w[r, s, ${c}, k]`,
      summands,
      computed: total(summands),
      line: 'conv input grad',
      fields: [around(layer + 1, 'dy', cotangents)],
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
    const cotangents = terms.map((term) => term.at.dy);
    const products = summands.map(({ factors }) => factors.map(({ value }) => shortly(value)).join(' · '));
    const isMax = view.settings.pooling === 'max';
    return {
      formula: isMax
        ? 'dx[n, h, v, c] = dy[n, h/2, v/2, c] where x is the largest of its window, else 0'
        : 'dx[n, h, v, c] = dy[n, h/2, v/2, c] / 4,  h/2 and v/2 rounded down',
      filled: `${show('dx', index)} = ${products.join(' + ') || '0'}`,
      summands,
      computed: total(summands),
      line: isMax ? 'max pool input grad' : 'average pool input grad',
      fields: [around(layer + 1, 'dy', cotangents)],
      note:
        summands.length > 0
          ? undefined
          : isMax
            ? 'It was not the largest of its window: its gradient is 0.'
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
