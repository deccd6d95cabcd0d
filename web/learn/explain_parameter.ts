import { convTerms, depthwiseTerms, matmulTerms } from '../../engine/explain/terms.ts';
import type { Behind, Summand } from './explanation.ts';
import { around } from './fields.ts';
import { show, slid, times } from './formula.ts';
import {
  asRow,
  at,
  flattened,
  inputOf,
  normOf,
  parameter,
  placesOfChannel,
  statisticsNote,
  summandsOf,
  total,
} from './layer_sums.ts';
import type { Role } from './network.ts';
import type { View } from './view.ts';

type Index = readonly number[];

/** The gradient of the loss, of the looked-at image or its batch, with respect to one parameter. */
export function parameterGradient(view: View, layer: number, role: Role, index: Index): Behind {
  if (role !== 'w') return channelGradient(view, layer, role, index[index.length - 1]);
  return view.layers[layer].kind === 'dense' ? denseWeight(view, layer, index) : filterWeight(view, layer, index);
}

function denseWeight(view: View, layer: number, index: Index): Behind {
  const self = view.layers[layer];
  const w = parameter(self, 'w');
  const x = inputOf(view, layer);
  const terms = matmulTerms([x.shape[0], w.shape[0]], w.shape[1]).filterGrad(index);
  const summands = summandsOf(terms, { x: asRow(x), dy: self.dy });
  return {
    formula: 'dw[i, k] = Σ x[n, i] · dy[n, k]',
    filled: view.batch
      ? `${show('dw', index)} = Σ x[n, ${index[0]}] · dy[n, ${index[1]}],  n = 0 … ${x.shape[0] - 1}`
      : `${show('dw', index)} = x[0, ${index[0]}] · dy[0, ${index[1]}]`,
    summands,
    computed: total(summands),
    line: 'matmul',
    note: `${flattened(x) ?? ''} The sum is over the images${view.batch ? '' : ', and here is one'}.`,
  };
}

/** Of a convolution, depthwise or not. */
function filterWeight(view: View, layer: number, index: Index): Behind {
  const self = view.layers[layer];
  const g = self.geometry!;
  const isDepthwise = self.kind === 'depthwise';
  const terms = (isDepthwise ? depthwiseTerms(g) : convTerms(g)).filterGrad(index);
  const summands = summandsOf(terms, { x: inputOf(view, layer), dy: self.dy });
  const [r, s, channel, k = channel] = index;
  const n = view.batch ? 'n' : 0;
  const [out, at] = isDepthwise ? ['c', 'r, s, c'] : ['k', 'r, s, c, k'];
  return {
    formula: `dw[${at}] = Σ x[n, ${times('ho', g.strideH)} + r − ${g.padTop}, ${times('vo', g.strideW)} + s − ${g.padLeft}, c] · dy[n, ho, vo, ${out}]`,
    filled: `${show('dw', index)} = Σ x[${n}, ${slid(times('ho', g.strideH), r - g.padTop)}, ${slid(times('vo', g.strideW), s - g.padLeft)}, ${channel}] · dy[${n}, ho, vo, ${k}]`,
    summands,
    computed: total(summands),
    line: isDepthwise ? 'depthwise filter grad' : 'conv filter grad',
    fields: [
      around(
        self.inputs[0],
        'y',
        terms.map((term) => term.at.x),
      ),
      around(
        layer,
        'dy',
        terms.map((term) => term.at.dy),
      ),
    ],
    note: 'Each place where this weight was used contributes one product.',
  };
}

/** Of a bias, a scale or a shift: a sum over all places of its channel. */
function channelGradient(view: View, layer: number, role: Exclude<Role, 'w'>, c: number): Behind {
  const self = view.layers[layer];
  const { dy } = self;
  const places = placesOfChannel(dy.shape, c);
  const x = inputOf(view, layer);
  const { mean, deviation } = role === 'gamma' ? normOf(self, c) : { mean: 0, deviation: 1 };
  const summands = places.map((place): Summand => {
    const factors = [{ name: show('dy', place), value: at(dy, place) }];
    if (role === 'gamma') factors.push({ name: show('x̂', place), value: (at(x, place) - mean) / deviation });
    return { factors, product: factors.reduce((product, { value }) => product * value, 1) };
  });
  const rest = { summands, computed: total(summands), fields: [around(layer, 'dy', places)] };
  const at4 = dy.shape.length === 4;
  const n = view.batch ? 'n' : 0;
  if (role === 'gamma') {
    const where = at4 ? `${n}, h, v, ${c}` : `${n}, ${c}`;
    return {
      ...rest,
      formula: 'dγ[c] = Σ dy · x̂,  x̂ = (x − mean[c]) / √(variance[c] + ε)',
      filled: `dγ[${c}] = Σ dy[${where}] · x̂[${where}]`,
      line: 'norm gamma grad',
      note: statisticsNote(view),
    };
  }
  const name = role === 'beta' ? 'dβ' : 'db';
  return {
    ...rest,
    formula: `${name}[k] = Σ dy over all places`,
    filled: `${name}[${c}] = Σ dy[${n}, ${at4 ? 'ho, vo, ' : ''}${c}]`,
    line: role === 'beta' ? 'norm beta grad' : 'sum',
  };
}
