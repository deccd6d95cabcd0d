import { concat } from '../ops/concat.ts';
import { depthToSpace, spaceToDepth } from '../ops/depth_to_space.ts';
import { gather } from '../ops/gather.ts';
import { pad } from '../ops/pad.ts';
import { resize } from '../ops/resize.ts';
import { slice, split } from '../ops/slice.ts';
import { transpose } from '../ops/transpose.ts';
import { sumOf, wholeNumbers, type Behind, type Explanation, type Operand, type Values } from './explanation.ts';

const operand = (name: string, rows: number, columns: number, salt: number): Operand => ({
  name,
  says: 'a matrix [i, c]',
  shape: [rows, columns],
  data: wholeNumbers([rows, columns], -3, 6, salt),
});

const LINE = 'out[at.out + k * params.outOn] = Out(storable(Value(x[at.x + k * params.xOn])));';

/** One element as it is, or 0 where it is none. */
const copy = (of: string, at: readonly number[], values: Values): Behind => sumOf([{ at: { [of]: at } }], values);
const copyIf = (condition: boolean, of: string, at: readonly number[], values: Values): Behind =>
  condition ? copy(of, at, values) : { cells: [], arithmetic: [0] };

const transposeExplanation: Explanation = {
  name: 'transpose',
  says: 'The dimensions in another order; here rows become columns.',
  settings: [],
  operands: () => [operand('x', 3, 4, 21)],
  apply: ({ x }) => transpose(x, [1, 0]),
  results: [
    { name: 'y', formula: 'y[c, i] = x[i, c]', line: LINE, behind: ([c, i], values) => copy('x', [i, c], values) },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[i, c] = dy[c, i]',
      line: LINE,
      behind: ([i, c], values) => copy('dy', [c, i], values),
    },
  ],
};

const sliceExplanation: Explanation = {
  name: 'slice',
  says: 'Some elements along each dimension, here of both rows every second column, from the last one backwards.',
  settings: [],
  operands: () => [operand('x', 2, 5, 22)],
  apply: ({ x }) => slice(x, [0, 4], [2, 3], [1, -2]),
  results: [
    {
      name: 'y',
      formula: 'y[i, j] = x[i, 4 − 2·j]',
      line: LINE,
      behind: ([i, j], values) => copy('x', [i, 4 - 2 * j], values),
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[i, c] = dy[i, (4 − c)/2]',
      where: 'c is even; other columns get 0',
      line: LINE,
      behind: ([i, c], values) => copyIf(c % 2 === 0, 'dy', [i, (4 - c) / 2], values),
    },
  ],
};

const splitExplanation: Explanation = {
  name: 'split',
  says: 'Consecutive parts along an axis, here columns 0 and 1 to 3; shown is the second part.',
  settings: [],
  operands: () => [operand('x', 2, 4, 23)],
  apply: ({ x }) => split(x, [1, 3], 1)[1],
  results: [
    {
      name: 'y',
      formula: 'y[i, j] = x[i, j + 1]',
      line: LINE,
      behind: ([i, j], values) => copy('x', [i, j + 1], values),
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[i, c] = dy[i, c − 1]',
      where: 'c is 1 to 3; column 0 gets 0',
      line: LINE,
      behind: ([i, c], values) => copyIf(c > 0, 'dy', [i, c - 1], values),
    },
  ],
};

const padExplanation: Explanation = {
  name: 'pad',
  says: 'Margins around a tensor, here one row of zeros above and two columns of them on the left.',
  settings: [],
  operands: () => [operand('x', 2, 3, 24)],
  apply: ({ x }) =>
    pad(x, [
      [1, 0],
      [2, 0],
    ]),
  results: [
    {
      name: 'y',
      formula: 'y[o, p] = x[o − 1, p − 2]',
      where: 'o is at least 1 and p at least 2; elsewhere it is 0',
      line: LINE,
      behind: ([o, p], values) => copyIf(o >= 1 && p >= 2, 'x', [o - 1, p - 2], values),
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[i, c] = dy[i + 1, c + 2]',
      line: LINE,
      behind: ([i, c], values) => copy('dy', [i + 1, c + 2], values),
    },
  ],
};

const concatExplanation: Explanation = {
  name: 'concat',
  says: 'Tensors one after the other along an axis, here two columns and then three.',
  settings: [],
  operands: () => [operand('a', 2, 2, 25), operand('b', 2, 3, 26)],
  apply: ({ a, b }) => concat([a, b], 1),
  results: [
    {
      name: 'y',
      formula: 'y[i, j] = a[i, j] · (j < 2) + b[i, j − 2] · (j ≥ 2)',
      behind: ([i, j], values) => (j < 2 ? copy('a', [i, j], values) : copy('b', [i, j - 2], values)),
    },
    {
      name: 'da',
      of: 'a',
      formula: 'da[i, c] = dy[i, c]',
      line: LINE,
      behind: ([i, c], values) => copy('dy', [i, c], values),
    },
    {
      name: 'db',
      of: 'b',
      formula: 'db[i, c] = dy[i, c + 2]',
      line: LINE,
      behind: ([i, c], values) => copy('dy', [i, c + 2], values),
    },
  ],
};

const gatherExplanation: Explanation = {
  name: 'gather',
  says: 'Some rows, named by their numbers: in any order, and any number of times.',
  settings: [],
  operands: () => [
    operand('x', 3, 2, 27),
    { name: 'indices', says: 'which row stands there [j]', shape: [4], data: [2, 0, 2, 1], dtype: 'u32' },
  ],
  apply: ({ x, indices }) => gather(x, indices, 0),
  results: [
    {
      name: 'y',
      formula: 'y[j, c] = x[indices[j], c]',
      line: 'v = Value(x[(o * params.length + index) * params.inner + i]);',
      behind: ([j, c], values) => copy('x', [values.indices.data[j], c], values),
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[i, c] = Σ_{j} dy[j, c] · (indices[j] = i)',
      line: 'sum += Value(dy[(o * params.count + j) * params.inner + i]);',
      behind: ([i, c], values) =>
        sumOf(
          Array.from(values.indices.data).flatMap((index, j) => (index === i ? [{ at: { dy: [j, c] } }] : [])),
          values,
        ),
    },
  ],
};

/** Of pixel p of 4 the pixels of 2 that it is made from, with their shares, in halves of pixels. */
const SHARES: readonly (readonly (readonly [number, number])[])[] = [
  [[0, 1]],
  [
    [0, 0.75],
    [1, 0.25],
  ],
  [
    [0, 0.25],
    [1, 0.75],
  ],
  [[1, 1]],
];
const RESAMPLE_LINE = 'sums[k] += weight * Value(x[source + k * params.step]);';

const resizeExplanation: Explanation = {
  name: 'resize',
  says: 'Images in another size; here twice as wide, each pixel between its two neighbours, which count by nearness.',
  settings: [],
  operands: () => [
    { name: 'x', says: 'an image [n, h, v, c]', shape: [1, 2, 2, 1], data: wholeNumbers([1, 2, 2, 1], -3, 6, 28) },
  ],
  apply: ({ x }) => resize(x, { size: [2, 4], method: 'linear', coordinates: 'half_pixel' }),
  results: [
    {
      name: 'y',
      formula: 'y[n, h, vo, c] = Σ_{v} share[vo, v] · x[n, h, v, c]',
      where: 'share[vo, v] = max(0, 1 − |v − (vo + 1/2)/2 + 1/2|), and what lies outside counts for the edge',
      line: RESAMPLE_LINE,
      behind: ([n, h, wo, c], values) =>
        sumOf(
          SHARES[wo].map(([v, factor]) => ({ at: { x: [n, h, v, c] }, factor })),
          values,
        ),
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[n, h, v, c] = Σ_{vo} share[vo, v] · dy[n, h, vo, c]',
      line: RESAMPLE_LINE,
      behind: ([n, h, v, c], values) =>
        sumOf(
          SHARES.flatMap((shares, wo) =>
            shares.flatMap(([of, factor]) => (of === v ? [{ at: { dy: [n, h, wo, c] }, factor }] : [])),
          ),
          values,
        ),
    },
  ],
};

const depthExplanation: Explanation = {
  name: 'depth_to_space',
  says: 'Channels become pixels: the four channels of a pixel become a block of two by two.',
  settings: [],
  operands: () => [
    { name: 'x', says: 'an image [n, h, v, c]', shape: [1, 1, 2, 4], data: wholeNumbers([1, 1, 2, 4], -3, 6, 29) },
  ],
  apply: ({ x }) => depthToSpace(x, 2),
  results: [
    {
      name: 'y',
      formula: 'y[n, ho, vo, 0] = x[n, ⌊ho/2⌋, ⌊vo/2⌋, c]',
      where: 'c = 2·(ho mod 2) + vo mod 2',
      line: LINE,
      behind: ([n, ho, wo], values) =>
        copy('x', [n, Math.floor(ho / 2), Math.floor(wo / 2), 2 * (ho % 2) + (wo % 2)], values),
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[n, h, v, c] = dy[n, 2·h + ⌊c/2⌋, 2·v + c mod 2, 0]',
      line: LINE,
      behind: ([n, h, v, c], values) => copy('dy', [n, 2 * h + Math.floor(c / 2), 2 * v + (c % 2), 0], values),
    },
  ],
};

const spaceExplanation: Explanation = {
  name: 'space_to_depth',
  says: 'Pixels become channels: a block of two by two pixels becomes one with four channels.',
  settings: [],
  operands: () => [
    { name: 'x', says: 'an image [n, h, v, c]', shape: [1, 2, 4, 1], data: wholeNumbers([1, 2, 4, 1], -3, 6, 30) },
  ],
  apply: ({ x }) => spaceToDepth(x, 2),
  results: [
    {
      name: 'y',
      formula: 'y[n, ho, vo, k] = x[n, 2·ho + ⌊k/2⌋, 2·vo + k mod 2, 0]',
      line: LINE,
      behind: ([n, ho, wo, k], values) => copy('x', [n, 2 * ho + Math.floor(k / 2), 2 * wo + (k % 2), 0], values),
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[n, h, v, 0] = dy[n, ⌊h/2⌋, ⌊v/2⌋, k]',
      where: 'k = 2·(h mod 2) + v mod 2',
      line: LINE,
      behind: ([n, h, v], values) =>
        copy('dy', [n, Math.floor(h / 2), Math.floor(v / 2), 2 * (h % 2) + (v % 2)], values),
    },
  ],
};

/** Ops that move numbers, and resizing, which mixes neighbours. */
export const MOVES = [
  transposeExplanation,
  sliceExplanation,
  splitExplanation,
  padExplanation,
  concatExplanation,
  gatherExplanation,
  resizeExplanation,
  depthExplanation,
  spaceExplanation,
];
