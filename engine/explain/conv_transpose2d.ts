import { convTranspose2d } from '../ops/conv_transpose2d.ts';
import type { ConvGeometry } from '../ops/conv_geometry.ts';
import { input } from '../ops/leaves.ts';
import { sumOf, wholeNumbers, type Explanation, type Settings, type Values } from './explanation.ts';
import { convTerms, type Term } from './terms.ts';

const windowOf = ({ stride, padding }: Settings) => ({ stride, padding });

/** The convolution from the output to x whose adjoint it is: that its own op carries. */
const geometryOf = ({ x, w }: Values, settings: Settings): ConvGeometry => ({
  ...(convTranspose2d(input('x', x.shape), input('w', w.shape), windowOf(settings)).attrs as unknown as ConvGeometry),
});

/** The terms with the names of the convolution's operands exchanged for ours. */
const renamed = (terms: readonly Term[], names: Readonly<Record<string, string>>): Term[] =>
  terms.map(({ at, ...rest }) => ({
    ...rest,
    at: Object.fromEntries(Object.entries(at).map(([name, index]) => [names[name] ?? name, index])),
  }));

export const TRANSPOSED: Explanation = {
  name: 'conv_transpose2d',
  says: 'Each pixel lays its own multiple of the filter into the output, stride pixels apart; where they overlap they add up.',
  settings: [
    { name: 'stride', choices: [2, 1] },
    { name: 'padding', choices: [0, 1] },
  ],
  operands: () => [
    { name: 'x', says: 'images [n, h, v, c]', shape: [1, 2, 3, 1], data: wholeNumbers([1, 2, 3, 1], 0, 3, 1) },
    {
      name: 'w',
      says: 'filters [r, s, k, c]: row, column, filter, channel',
      shape: [2, 2, 2, 1],
      data: wholeNumbers([2, 2, 2, 1], -1, 2, 3),
    },
  ],
  apply: ({ x, w }, settings, version) => convTranspose2d(x, w, { ...windowOf(settings), version }),
  results: [
    {
      name: 'y',
      formula: 'y[n, ho, vo, k] = Σ_{r,s,c} x[n, (ho + pad − r)/stride, (vo + pad − s)/stride, c] · w[r, s, k, c]',
      where: 'over the taps r, s whose quotients are whole numbers and lie inside x',
      line: 'sum += f32(dy[pixel + k]) * w[tap + k];',
      behind: (at, values, settings) =>
        sumOf(renamed(convTerms(geometryOf(values, settings)).inputGrad(at), { dy: 'x' }), values),
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[n, h, v, c] = Σ_{r,s,k} dy[n, h·stride + r − pad, v·stride + s − pad, k] · w[r, s, k, c]',
      where: 'where dy is outside the image it counts as 0',
      line: 'sum += f32(x[pixel + c]) * w[(tap + c) * params.outChannels + k];',
      behind: (at, values, settings) =>
        sumOf(renamed(convTerms(geometryOf(values, settings)).forward(at), { x: 'dy' }), values),
    },
    {
      name: 'dw',
      of: 'w',
      formula: 'dw[r, s, k, c] = Σ_{n,h,v} dy[n, h·stride + r − pad, v·stride + s − pad, k] · x[n, h, v, c]',
      where: 'where dy is outside the image it counts as 0',
      line: 'sum += f32(x[pixel + c]) * f32(dy[((n * params.outH + ho) * params.outW + wo) * params.outChannels + k]);',
      behind: (at, values, settings) =>
        sumOf(renamed(convTerms(geometryOf(values, settings)).filterGrad(at), { x: 'dy', dy: 'x' }), values),
    },
  ],
};
