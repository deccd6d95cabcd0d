import { convTerms, depthwiseTerms, matmulTerms, offsetOf } from '../../engine/explain/terms.ts';
import type { Behind } from './explanation.ts';
import { around } from './fields.ts';
import { inFormula, seen, shortly, show } from './formula.ts';
import {
  ACTIVATIONS,
  at,
  flattened,
  gradientOf,
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
import { labelsOf, usersOf, type View } from './view.ts';
import { titleOf } from './words.ts';

type Index = readonly number[];
/**
 * What layer `user` hands back to its input, whose element `index` is asked about; `which` of its inputs it is. In the
 * formulas the input is x.
 */
type Explain = (view: View, user: number, index: Index, which: number) => Behind;

/** The cotangent of a layer's output: what the layers that take it hand back, added up where they are several. */
export function backwards(view: View, layer: number, index: Index): Behind {
  const paths = usersOf(view.layers, layer).map((user) => ({
    user,
    behind: BACKWARDS[view.layers[user].kind as Exclude<LayerKind, 'input'>](
      view,
      user,
      index,
      view.layers[user].inputs.indexOf(layer),
    ),
  }));
  if (paths.length === 0)
    return {
      formula: 'dloss/dloss = 1',
      filled: 'Backpropagation begins here.',
      summands: [],
      computed: 1,
      line: 'loss input grad',
    };
  if (paths.length === 1) return paths[0].behind;
  const summands = paths.map(({ user, behind: { computed } }) => ({
    factors: [{ name: `by way of ${titleOf(view.layers[user]).toLowerCase()}`, value: computed }],
    product: computed,
  }));
  return {
    formula: `dx = ${paths.map((_, i) => `dx${'₁₂₃₄₅₆₇₈₉'[i]}`).join(' + ')}`,
    filled: `${show('dx', index)} = ${summands.map(({ product }) => inFormula(product)).join(' + ')}`,
    summands,
    computed: total(summands),
    line: 'add',
    fields: paths.flatMap(({ behind }) => behind.fields ?? []),
    note: `${paths.length} layers take this number, so the loss depends on it by ${paths.length} ways: their cotangents add up (chain rule).`,
    paths,
  };
}

/** The cotangents that these terms take. */
const cotangentsOf = (layer: number, terms: readonly { readonly at: Readonly<Record<string, readonly number[]>> }[]) =>
  around(
    layer,
    'dy',
    terms.map(({ at }) => at['dy']),
  );

/** Convolution, depthwise or not. */
const convolution: Explain = (view, user, index) => {
  const self = view.layers[user];
  const g = self.geometry!;
  const isDepthwise = self.kind === 'depthwise';
  const terms = (isDepthwise ? depthwiseTerms(g) : convTerms(g)).inputGrad(index);
  const summands = summandsOf(terms, { dy: self.dy, w: parameter(self, 'w') });
  const [n, h, v, c] = index;
  const division = g.strideH === 1 ? '' : ', where the division leaves no remainder';
  const [out, tap, place] = isDepthwise ? ['c', 'r, s, c', c] : ['k', 'r, s, c, k', 'k'];
  return {
    formula: `dx[n, h, v, c] = Σ dy[n, (h + ${g.padTop} − r)/${g.strideH}, (v + ${g.padLeft} − s)/${g.strideW}, ${out}] · w[${tap}]${division}`,
    filled: `${show('dx', index)} = Σ dy[${n}, ${seen('r', h + g.padTop, g.strideH)}, ${seen('s', v + g.padLeft, g.strideW)}, ${place}] · w[r, s, ${isDepthwise ? c : `${c}, k`}]`,
    summands,
    computed: total(summands),
    line: isDepthwise ? 'depthwise input grad' : 'conv input grad',
    fields: [cotangentsOf(user, terms)],
    note:
      terms.length === 0 ? `No window of ${titleOf(self).toLowerCase()} sees it: no gradient comes back.` : undefined,
  };
};

const dense: Explain = (view, user, index) => {
  const { dy, parameters } = view.layers[user];
  const w = parameter({ parameters }, 'w');
  const x = inputOf(view, user);
  const n = index[0];
  const i = offsetOf(x.shape, [0, ...index.slice(1)]);
  const summands = summandsOf(matmulTerms([1, w.shape[0]], w.shape[1]).inputGrad([n, i]), { dy, w });
  return {
    formula: 'dx[n, i] = Σ dy[n, k] · w[i, k]',
    filled: `dx[${n}, ${i}] = Σ dy[${n}, k] · w[${i}, k],  k = ${w.shape[1] === 2 ? '0, 1' : `0 … ${w.shape[1] - 1}`}`,
    summands,
    computed: total(summands),
    line: 'matmul',
    note: flattened(x),
  };
};

const pool: Explain = (view, user, index) => {
  const { geometry: g, pooling, dy } = view.layers[user];
  const terms = poolTerms(view, user).inputGrad(index);
  const summands = summandsOf(terms, { dy });
  const products = summands.map(({ factors }) => factors.map(({ value }) => shortly(value)).join(' · '));
  const isMax = pooling === 'max';
  const [size, stride] = [g!.filterH, g!.strideH];
  const place = `[n, h/${stride}, v/${stride}, c]`;
  const formula =
    size === stride
      ? isMax
        ? `dx[n, h, v, c] = dy${place} where x is the largest of its window, else 0`
        : `dx[n, h, v, c] = dy${place} / ${size * size},  h/${stride} and v/${stride} rounded down`
      : isMax
        ? 'dx[n, h, v, c] = Σ dy[n, ho, vo, c] over the windows of which x is the largest'
        : `dx[n, h, v, c] = Σ dy[n, ho, vo, c] / ${size * size} over the windows that see x`;
  return {
    formula,
    filled: `${show('dx', index)} = ${products.join(' + ') || '0'}`,
    summands,
    computed: total(summands),
    line: isMax ? 'max pool input grad' : 'average pool input grad',
    fields: [cotangentsOf(user, terms)],
    note:
      summands.length > 0
        ? undefined
        : isMax
          ? 'It was not the largest of its window: its gradient is 0.'
          : 'No window sees it.',
  };
};

const activation: Explain = (view, user, index) => {
  const { activation: name, y, dy } = view.layers[user];
  const { slope, slopeFormula } = ACTIVATIONS[name!];
  const steep = slope(at(inputOf(view, user), index), at(y, index));
  const computed = at(dy, index) * steep;
  const factors = [
    { name: show('dy', index), value: at(dy, index) },
    { name: 'slope', value: steep },
  ];
  return {
    formula: `dx = dy · slope,  slope = ${slopeFormula}`,
    filled: `${show('dx', index)} = ${inFormula(at(dy, index))} · ${inFormula(steep)}`,
    summands: [{ factors, product: computed }],
    computed,
    line: `${name!} grad`,
    fields: [around(user, 'dy', [index])],
  };
};

const norm: Explain = (view, user, index) => {
  const self = view.layers[user];
  const c = index[index.length - 1];
  const { mean, deviation, gamma } = normOf(self, c);
  const dy = at(self.dy, index);
  const scale = gamma / deviation;
  const rest = { line: 'norm input grad', fields: [around(user, 'dy', [index])], note: statisticsNote(view) } as const;
  if (!view.batch)
    return {
      ...rest,
      formula: 'dx = γ[c] / √(variance[c] + ε) · dy',
      filled: `${show('dx', index)} = ${inFormula(gamma)} / ${shortly(deviation)} · ${inFormula(dy)}`,
      summands: [],
      computed: scale * dy,
    };
  // Ioffe & Szegedy 2015, section 3: the batch's mean and variance depend on x as well.
  const count = self.dy.data.length / self.dy.shape[self.dy.shape.length - 1];
  const [dgamma, dbeta] = (['gamma', 'beta'] as const).map((role) => at(gradientOf(self, role), [c]));
  const normal = (at(inputOf(view, user), index) - mean) / deviation;
  const parts: [string, number][][] = [
    [['dy', dy]],
    [
      ['−dβ', -dbeta],
      ['1/M', 1 / count],
    ],
    [
      ['−x̂', -normal],
      ['dγ', dgamma],
      ['1/M', 1 / count],
    ],
  ];
  const summands = parts.map((part) => {
    const factors = [{ name: 'γ/√(variance + ε)', value: scale }, ...part.map(([name, value]) => ({ name, value }))];
    return { factors, product: factors.reduce((product, { value }) => product * value, 1) };
  });
  return {
    ...rest,
    formula: 'dx = γ[c] / √(variance[c] + ε) · (dy − dβ[c]/M − x̂ · dγ[c]/M),  dβ = Σ dy,  dγ = Σ dy · x̂',
    filled: `${show('dx', index)} = ${inFormula(gamma)} / ${shortly(deviation)} · (${shortly(dy)} − ${inFormula(dbeta)}/${count} − ${inFormula(normal)} · ${inFormula(dgamma)}/${count})`,
    summands,
    computed: total(summands),
    note: `${statisticsNote(view)} They depend on x too: the second term is what comes back through the mean, the third through the variance. M = ${count} numbers of the channel share them.`,
  };
};

const mean: Explain = (view, user, index) => {
  const [n, , , c] = index;
  const [, h, v] = inputOf(view, user).shape;
  const terms = [{ at: { dy: [n, c] }, factor: 1 / (h * v) }];
  const summands = summandsOf(terms, { dy: view.layers[user].dy }, 'share of the map');
  return {
    formula: 'dx[n, h, v, c] = dy[n, c] / (H · W)',
    filled: `${show('dx', index)} = ${inFormula(summands[0].factors[0].value)} / (${h} · ${v})`,
    summands,
    computed: total(summands),
    line: 'mean input grad',
    note: 'Each place has the same share in the mean.',
  };
};

/** The maps get the cotangent times their factor; the factor gets the sum over its map. */
const scale: Explain = (view, user, index, which) => {
  const { dy } = view.layers[user];
  const [x, s] = [inputOf(view, user), inputOf(view, user, 1)];
  const [n, c] = [index[0], index[index.length - 1]];
  if (which === 0) {
    const summands = summandsOf([{ at: { dy: index, s: [n, c] } }], { dy, s });
    return {
      formula: 'dx[n, h, v, c] = dy[n, h, v, c] · s[n, c]',
      filled: `${show('dx', index)} = ${summands[0].factors.map(({ value }) => inFormula(value)).join(' · ')}`,
      summands,
      computed: total(summands),
      line: 'mul',
      fields: [around(user, 'dy', [index])],
    };
  }
  const places = placesOf(x.shape, index);
  const summands = summandsOf(
    places.map((place) => ({ at: { dy: place, x: place } })),
    { dy, x },
  );
  return {
    formula: 'ds[n, c] = Σ dy[n, h, v, c] · x[n, h, v, c]',
    filled: `${show('ds', index)} = Σ dy[${n}, h, v, ${c}] · x[${n}, h, v, ${c}]`,
    summands,
    computed: total(summands),
    line: 'sum of products',
    fields: [around(user, 'dy', places), around(view.layers[user].inputs[0], 'y', places)],
    note: 'One factor scales a whole map, so every place of the map has a product in its gradient.',
  };
};

const sum: Explain = (view, user, index) => {
  const dy = at(view.layers[user].dy, index);
  return {
    formula: 'dx = dy',
    filled: `${show('dx', index)} = ${inFormula(dy)}`,
    summands: [{ factors: [{ name: show('dy', index), value: dy }], product: dy }],
    computed: dy,
    line: 'add',
    fields: [around(user, 'dy', [index])],
    note: 'An addition hands its cotangent back unchanged, to both sides. No kernel runs.',
  };
};

const loss: Explain = (view, user, [n, k]) => {
  const labels = labelsOf(view);
  const p = softmaxOf(inputOf(view, user), n)[k];
  const target = labels[n] === k ? 1 : 0;
  const isBatch = labels.length > 1;
  return {
    formula: isBatch ? 'dx[n, k] = (softmax(x[n])[k] − target[n, k]) / N' : 'dx[k] = softmax(x)[k] − target[k]',
    filled: isBatch
      ? `dx[${n}, ${k}] = (${shortly(p)} − ${target}) / ${labels.length}`
      : `dx[${k}] = ${shortly(p)} − ${target}`,
    summands: [],
    computed: (p - target) / labels.length,
    line: 'loss input grad',
  };
};

const BACKWARDS: Readonly<Record<Exclude<LayerKind, 'input'>, Explain>> = {
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
