import { convTerms, matmulTerms } from '../../engine/explain/terms.ts';
import type { Behind, Summand } from './explanation.ts';
import { around } from './fields.ts';
import { show, slid, times } from './formula.ts';
import { RUNNING, flattened, normOf, parameter, summandsOf, total } from './layer_sums.ts';
import type { Role } from './network.ts';
import type { View } from './view.ts';

/** The gradient of the looked-at image's loss with respect to one parameter. */
export function parameterGradient(view: View, layer: number, role: Role, index: readonly number[]): Behind {
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
    const inputs = terms.map((term) => term.at.x);
    const cotangents = terms.map((term) => term.at.dy);
    return {
      ...rest,
      formula: `dw[r, s, c, k] = Σ x[n, ${times('ho', g!.strideH)} + r − ${g!.padTop}, ${times('wo', g!.strideW)} + s − ${g!.padLeft}, c] · dy[n, ho, wo, k]`,
      filled: `${show('dw', index)} = Σ x[0, ${slid(times('ho', g!.strideH), r - g!.padTop)}, ${slid(times('wo', g!.strideW), s - g!.padLeft)}, ${channel}] · dy[0, ho, wo, ${k}]`,
      line: 'conv filter grad',
      fields: [around(layer - 1, 'y', inputs), around(layer, 'dy', cotangents)],
      note: 'Each place where this weight was used contributes one product.',
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
