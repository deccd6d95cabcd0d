import { concat } from '../ops/concat.ts';
import { pad } from '../ops/pad.ts';
import { slice, split } from '../ops/slice.ts';
import { transpose } from '../ops/transpose.ts';
import { sumOf, wholeNumbers, type Behind, type Explanation, type Operand, type Values } from './explanation.ts';

const operand = (name: string, rows: number, columns: number, salt: number): Operand => ({
  name,
  says: 'a matrix [i, c]',
  shape: [rows, columns],
  data: wholeNumbers([rows, columns], -3, 6, salt),
});

const LINE = 'out[at.out] = Out(storable(Value(x[at.x])));';

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

/** Ops that move numbers and compute none. */
export const MOVES = [transposeExplanation, sliceExplanation, splitExplanation, padExplanation, concatExplanation];
