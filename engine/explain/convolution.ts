import { conv2d } from '../ops/conv2d.ts';
import { convGeometry, windowGeometry } from '../ops/conv_geometry.ts';
import { depthwiseConv2d } from '../ops/depthwise_conv2d.ts';
import { input } from '../ops/leaves.ts';
import { matmul } from '../ops/matmul.ts';
import { sumOf, wholeNumbers, type Explanation, type Settings, type Values } from './explanation.ts';
import { convTerms, depthwiseTerms, matmulTerms, type Directions, type Term } from './terms.ts';

const SLIDING = [
  { name: 'stride', choices: [1, 2] },
  { name: 'padding', choices: [0, 1, 2] },
] as const;
const windowOf = ({ stride, padding }: Settings) => ({ stride, padding });

const TAPS = 'over the taps r, s whose quotients are whole numbers and lie inside dy';
const ZEROS = 'where x is outside the image it counts as 0';

/** The terms of a convolution whose operands are those of `values`. */
const convolution = (values: Values, settings: Settings): Directions =>
  convTerms(convGeometry('conv2d', input('x', values.x.shape), input('w', values.w.shape), windowOf(settings)));

const conv2dExplanation: Explanation = {
  name: 'conv2d',
  says: 'A filter slides over the image; each output is the sum of the products of the filter with the window under it.',
  chapter: '02-convolution',
  settings: [...SLIDING, { name: 'channels', choices: [1, 2] }, { name: 'filters', choices: [1, 2] }],
  operands: ({ channels, filters }) => {
    const [x, w] = [
      [1, 4, 4, channels],
      [3, 3, channels, filters],
    ];
    return [
      { name: 'x', says: 'images [n, h, v, c]: image, row, column, channel', shape: x, data: wholeNumbers(x, 0, 3, 1) },
      {
        name: 'w',
        says: 'filters [r, s, c, k]: row, column, channel, filter',
        shape: w,
        data: wholeNumbers(w, -1, 2, 3),
      },
    ];
  },
  apply: ({ x, w }, settings, version) => conv2d(x, w, { ...windowOf(settings), version }),
  results: [
    {
      name: 'y',
      formula: 'y[n, ho, vo, k] = Σ_{r,s,c} x[n, ho·stride + r − pad, vo·stride + s − pad, c] · w[r, s, c, k]',
      where: ZEROS,
      line: 'sum += f32(x[pixel + c]) * w[(tap + c) * params.outChannels + k];',
      behind: (at, values, settings) => sumOf(convolution(values, settings).forward(at), values),
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[n, h, v, c] = Σ_{r,s,k} dy[n, (h + pad − r)/stride, (v + pad − s)/stride, k] · w[r, s, c, k]',
      where: TAPS,
      line: 'sum += f32(dy[pixel + k]) * w[tap + k];',
      behind: (at, values, settings) => sumOf(convolution(values, settings).inputGrad(at), values),
    },
    {
      name: 'dw',
      of: 'w',
      formula: 'dw[r, s, c, k] = Σ_{n,ho,vo} x[n, ho·stride + r − pad, vo·stride + s − pad, c] · dy[n, ho, vo, k]',
      where: ZEROS,
      line: 'sum += f32(x[pixel + c]) * f32(dy[((n * params.outH + ho) * params.outW + wo) * params.outChannels + k]);',
      behind: (at, values, settings) => sumOf(convolution(values, settings).filterGrad(at), values),
    },
  ],
};

function depthwise({ x, w }: Values, settings: Settings): Directions {
  const [filterH, filterW, channels] = w.shape;
  return depthwiseTerms(
    windowGeometry(
      'depthwise_conv2d',
      [input('x', x.shape)],
      { filterH, filterW, outChannels: channels, groups: channels },
      windowOf(settings),
    ),
  );
}

const depthwiseExplanation: Explanation = {
  name: 'depthwise_conv2d',
  says: 'Each channel is convolved with a filter of its own, and channels are not added up.',
  chapter: '07-depthwise-convolution',
  settings: SLIDING,
  operands: () => [
    { name: 'x', says: 'images [n, h, v, c]', shape: [1, 4, 4, 2], data: wholeNumbers([1, 4, 4, 2], 0, 3, 5) },
    {
      name: 'w',
      says: 'one filter for each channel [r, s, c]',
      shape: [3, 3, 2],
      data: wholeNumbers([3, 3, 2], -1, 2, 6),
    },
  ],
  apply: ({ x, w }, settings, version) => depthwiseConv2d(x, w, { ...windowOf(settings), version }),
  results: [
    {
      name: 'y',
      formula: 'y[n, ho, vo, c] = Σ_{r,s} x[n, ho·stride + r − pad, vo·stride + s − pad, c] · w[r, s, c]',
      where: ZEROS,
      line: 'sum += Value(x[(image + u32(column)) * p.channels + c]) * w[(r * p.filterW + s) * p.channels + c];',
      behind: (at, values, settings) => sumOf(depthwise(values, settings).forward(at), values),
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[n, h, v, c] = Σ_{r,s} dy[n, (h + pad − r)/stride, (v + pad − s)/stride, c] · w[r, s, c]',
      where: TAPS,
      line: 'sum += Value(dy[(image + u32(wo)) * p.channels + c]) * w[(r * p.filterW + s) * p.channels + c];',
      behind: (at, values, settings) => sumOf(depthwise(values, settings).inputGrad(at), values),
    },
    {
      name: 'dw',
      of: 'w',
      formula: 'dw[r, s, c] = Σ_{n,ho,vo} x[n, ho·stride + r − pad, vo·stride + s − pad, c] · dy[n, ho, vo, c]',
      where: ZEROS,
      line: 'sum += Value(x[(image + u32(column)) * p.channels + c]) * Value(dy[(row * p.outW + wo) * p.channels + c]);',
      behind: (at, values, settings) => sumOf(depthwise(values, settings).filterGrad(at), values),
    },
  ],
};

/** Terms that call the factors x, w and dy, with the names that a product has for them. */
const renamed = (terms: readonly Term[]): Term[] =>
  terms.map(({ at: { x, w, dy } }) => ({ at: { ...(x && { a: x }), ...(dy && { dy }), ...(w && { b: w }) } }));
const products = ({ a, b }: Values): Directions => matmulTerms(a.shape, b.shape[1]);

const matmulExplanation: Explanation = {
  name: 'matmul',
  says: 'The product of two matrices: each row of a with each column of b.',
  chapter: '11-dense-layer',
  settings: [],
  operands: () => [
    { name: 'a', says: 'matrix [m, k]', shape: [2, 3], data: [1, 2, 0, -1, 3, 1] },
    { name: 'b', says: 'matrix [k, n]', shape: [3, 3], data: wholeNumbers([3, 3], -1, 3, 8) },
  ],
  apply: ({ a, b }, _, version) => matmul(a, b, { version }),
  results: [
    {
      name: 'y',
      formula: 'y[m, n] = Σ_{k} a[m, k] · b[k, n]',
      line: 'sum += f32(a[m * params.a_m + k * params.a_k]) * f32(b[k * params.b_k + n * params.b_n]);',
      behind: (at, values) => sumOf(renamed(products(values).forward(at)), values),
    },
    {
      name: 'da',
      of: 'a',
      formula: 'da[m, k] = Σ_{n} dy[m, n] · b[k, n]',
      where: 'the product of dy with b transposed',
      line: 'sum += f32(a[m * params.a_m + k * params.a_k]) * f32(b[k * params.b_k + n * params.b_n]);',
      behind: (at, values) => sumOf(renamed(products(values).inputGrad(at)), values),
    },
    {
      name: 'db',
      of: 'b',
      formula: 'db[k, n] = Σ_{m} a[m, k] · dy[m, n]',
      where: 'the product of a transposed with dy',
      line: 'sum += f32(a[m * params.a_m + k * params.a_k]) * f32(b[k * params.b_k + n * params.b_n]);',
      behind: (at, values) => sumOf(renamed(products(values).filterGrad(at)), values),
    },
  ],
};

export const CONVOLUTIONS = [conv2dExplanation, depthwiseExplanation, matmulExplanation];
