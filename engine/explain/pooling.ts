import { windowGeometry, type ConvGeometry } from '../ops/conv_geometry.ts';
import { input } from '../ops/leaves.ts';
import { adaptiveAvgPool2d, avgPool2d, globalAvgPool, maxPool2d } from '../ops/pool.ts';
import {
  elementOf,
  joined,
  sumOf,
  wholeNumbers,
  written,
  type Explanation,
  type Operand,
  type Settings,
  type Values,
} from './explanation.ts';
import { avgPoolTerms, maxPoolTerms, upTo, type Term } from './terms.ts';

const SETTINGS = [
  { name: 'size', choices: [2, 3] },
  { name: 'stride', choices: [2, 1] },
  { name: 'padding', choices: [0, 1] },
] as const;
const windowOf = ({ size, stride, padding }: Settings) => ({ size, stride, padding });
const images = (shape: readonly number[], salt: number): Operand[] => [
  { name: 'x', says: 'images [n, h, v, c]', shape, data: wholeNumbers(shape, -2, 9, salt) },
];

function geometryOf({ x: { shape } }: Values, { size, stride, padding }: Settings): ConvGeometry {
  return windowGeometry(
    'pool',
    [input('x', shape)],
    { filterH: size, filterW: size, outChannels: shape[3], groups: shape[3] },
    { stride, padding },
  );
}

const maxPool: Explanation = {
  name: 'max_pool2d',
  says: 'Each output is the largest value of a window; on the way back, that value alone gets the cotangent.',
  chapter: '10-pooling',
  settings: SETTINGS,
  operands: () => images([1, 4, 4, 1], 1),
  apply: ({ x }, settings, version) => maxPool2d(x, { ...windowOf(settings), version }),
  results: [
    {
      name: 'y',
      formula: 'y[n, ho, vo, c] = max_{r,s} x[n, ho·stride + r − pad, vo·stride + s − pad, c]',
      where: 'where x is outside the image it counts as −∞, so padding never wins',
      line: 'best = larger(best, select(best, Value(x[at]), inside));',
      behind(at, values, settings) {
        const { cells } = sumOf(avgPoolTerms(geometryOf(values, settings)).forward(at), values);
        return {
          cells,
          arithmetic: written`max(${joined(
            cells.map((cell) => elementOf(values, cell)),
            ', ',
          )})`,
        };
      },
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[n, h, v, c] = Σ_{ho,vo} dy[n, ho, vo, c]',
      where: 'over the windows whose largest value is x[n, h, v, c]; of equal values the first in the window has it',
      line: 'sum += cotangent;',
      behind: (at, values, settings) =>
        sumOf(maxPoolTerms(geometryOf(values, settings), Float32Array.from(values.x.data)).inputGrad(at), values),
    },
  ],
};

const averagePool: Explanation = {
  name: 'avg_pool2d',
  says: 'Each output is the average of a window; on the way back, each value of the window gets an equal share.',
  chapter: '10-pooling',
  settings: SETTINGS,
  operands: () => images([1, 4, 4, 1], 2),
  apply: ({ x }, settings) => avgPool2d(x, windowOf(settings)),
  results: [
    {
      name: 'y',
      formula: 'y[n, ho, vo, c] = Σ_{r,s} x[n, ho·stride + r − pad, vo·stride + s − pad, c] / (size·size)',
      where: 'where x is outside the image it counts as 0',
      line: 'sum += Value(x[((image + h) * p.inW + w) * p.channels + c]);',
      behind: (at, values, settings) => sumOf(avgPoolTerms(geometryOf(values, settings)).forward(at), values),
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[n, h, v, c] = Σ_{ho,vo} dy[n, ho, vo, c] / (size·size)',
      where: 'over the windows that see x[n, h, v, c]',
      line: 'sum += Value(dy[((n * p.outH + ho) * p.outW + wo) * p.channels + c]) / window_count(ho, wo);',
      behind: (at, values, settings) => sumOf(avgPoolTerms(geometryOf(values, settings)).inputGrad(at), values),
    },
  ],
};

/** Which of `inputs` pixels window o of `outputs` sees, one dimension of adaptive pooling. */
const spanOf = (o: number, inputs: number, outputs: number): number[] => {
  const first = Math.floor((o * inputs) / outputs);
  return Array.from({ length: Math.ceil(((o + 1) * inputs) / outputs) - first }, (_, i) => first + i);
};

const ADAPTIVE = [2, 2] as const;

/** Every pair of an output and an input that its window sees, with the input's share of it. */
function adaptivePairs([N, H, W, C]: readonly number[]): { y: number[]; x: number[]; factor: number }[] {
  return upTo(N).flatMap((n) =>
    upTo(ADAPTIVE[0]).flatMap((ho) =>
      upTo(ADAPTIVE[1]).flatMap((wo) => {
        const [rows, columns] = [spanOf(ho, H, ADAPTIVE[0]), spanOf(wo, W, ADAPTIVE[1])];
        return rows.flatMap((h) =>
          columns.flatMap((v) =>
            upTo(C).map((c) => ({ y: [n, ho, wo, c], x: [n, h, v, c], factor: 1 / (rows.length * columns.length) })),
          ),
        );
      }),
    ),
  );
}
const same = (a: readonly number[], b: readonly number[]) => a.join() === b.join();
const fromX = (shape: readonly number[], at: readonly number[]): Term[] =>
  adaptivePairs(shape)
    .filter(({ y }) => same(y, at))
    .map(({ x, factor }) => ({ at: { x }, factor }));
const fromDy = (shape: readonly number[], at: readonly number[]): Term[] =>
  adaptivePairs(shape)
    .filter(({ x }) => same(x, at))
    .map(({ y, factor }) => ({ at: { dy: y }, factor }));

const adaptivePool: Explanation = {
  name: 'adaptive_avg_pool2d',
  says: 'Averages over windows chosen so that the output has a given size (here 2 x 2), whatever that of the image.',
  chapter: '10-pooling',
  settings: [],
  operands: () => images([1, 3, 5, 1], 3),
  apply: ({ x }) => adaptiveAvgPool2d(x, ADAPTIVE),
  results: [
    {
      name: 'y',
      formula: 'y[n, ho, vo, c] = Σ_{h,v} x[n, h, v, c] / count',
      where: 'h runs from ⌊ho·H/Ho⌋ to ⌈(ho + 1)·H/Ho⌉ − 1 and v likewise; count is how many pixels that is',
      line: 'sum += Value(x[((image + h) * p.inW + w) * p.channels + c]);',
      behind: (at, values) => sumOf(fromX(values.x.shape, at), values),
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[n, h, v, c] = Σ_{ho,vo} dy[n, ho, vo, c] / count',
      where: 'over the windows that see x[n, h, v, c], each with its own count',
      line: 'sum += Value(dy[((image + ho) * p.outW + wo) * p.channels + c]) / f32(count);',
      behind: (at, values) => sumOf(fromDy(values.x.shape, at), values),
    },
  ],
};

const pixelsOf = ([, H, W]: readonly number[]) =>
  Array.from({ length: H * W }, (_, i) => [Math.floor(i / W), i % W] as const);

const globalPool: Explanation = {
  name: 'global_avg_pool',
  says: 'The average of each channel over all pixels: what stands between the last convolution and the classifier.',
  chapter: '10-pooling',
  settings: [],
  operands: () => images([1, 2, 3, 2], 4),
  apply: ({ x }) => globalAvgPool(x),
  results: [
    {
      name: 'y',
      formula: 'y[n, c] = Σ_{h,v} x[n, h, v, c] / (H·W)',
      where: 'H·W is the number of pixels',
      line: 'sum += Value(x[(o * params.length + r) * params.inner + i]);',
      behind: ([n, c], values) =>
        sumOf(
          pixelsOf(values.x.shape).map(([h, v]) => ({
            at: { x: [n, h, v, c] },
            factor: 1 / pixelsOf(values.x.shape).length,
          })),
          values,
        ),
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[n, h, v, c] = dy[n, c] / (H·W)',
      line: 'out[t] = Out(storable(params.scale * Value(x[o * params.inner + t % params.inner])));',
      behind: ([n, , , c], values) =>
        sumOf([{ at: { dy: [n, c] }, factor: 1 / pixelsOf(values.x.shape).length }], values),
    },
  ],
};

export const POOLING = [maxPool, averagePool, adaptivePool, globalPool];
