import { reshape } from '../ops/leaves.ts';
import { broadcastTo, mean, sum, sumTo } from '../ops/reduce.ts';
import { row } from '../ops/row.ts';
import { sumOf, wholeNumbers, type Behind, type Explanation, type Operand, type Values } from './explanation.ts';

const ROWS = 3;
const matrix = (salt: number): Operand[] => [
  { name: 'x', says: 'a matrix [i, c]', shape: [ROWS, 4], data: wholeNumbers([ROWS, 4], -3, 6, salt) },
];

const copy = (of: string, at: readonly number[], values: Values, factor?: number): Behind =>
  sumOf([{ at: { [of]: at }, ...(factor !== undefined && { factor }) }], values);
/** A sum down a column, or along a row. */
const down = (of: string, c: number, values: Values, factor?: number): Behind =>
  sumOf(
    Array.from({ length: values[of].shape[0] }, (_, i) => ({
      at: { [of]: [i, c] },
      ...(factor !== undefined && { factor }),
    })),
    values,
  );
const along = (of: string, i: number, values: Values): Behind =>
  sumOf(
    Array.from({ length: values[of].shape[1] }, (_, c) => ({ at: { [of]: [i, c] } })),
    values,
  );

const SUM_LINE = 'sum += Value(x[(o * params.length + r) * params.inner + i]);';
const REPEAT_LINE = 'out[t] = Out(storable(params.scale * Value(x[o * params.inner + t % params.inner])));';
const COPY_LINE = 'out[at.out + k * params.outOn] = Out(storable(Value(x[at.x + k * params.xOn])));';

const sumExplanation: Explanation = {
  name: 'sum',
  says: 'The sum over some axes, here the last; its gradient repeats the cotangent along them.',
  settings: [],
  operands: () => matrix(1),
  apply: ({ x }) => sum(x, [1]),
  results: [
    { name: 'y', formula: 'y[i, 0] = Σ_{c} x[i, c]', line: SUM_LINE, behind: ([i], values) => along('x', i, values) },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[i, c] = dy[i, 0]',
      line: REPEAT_LINE,
      behind: ([i], values) => copy('dy', [i, 0], values),
    },
  ],
};

const meanExplanation: Explanation = {
  name: 'mean',
  says: 'The mean over some axes, here the first.',
  settings: [],
  operands: () => matrix(2),
  apply: ({ x }) => mean(x, [0]),
  results: [
    {
      name: 'y',
      formula: 'y[0, c] = Σ_{i} x[i, c] / rows',
      line: SUM_LINE,
      behind: ([, c], values) => down('x', c, values, 1 / ROWS),
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[i, c] = dy[0, c] / rows',
      line: REPEAT_LINE,
      behind: ([, c], values) => copy('dy', [0, c], values, 1 / ROWS),
    },
  ],
};

const broadcastExplanation: Explanation = {
  name: 'broadcast_to',
  says: 'A tensor repeated along an axis; its gradient is the sum along it.',
  settings: [],
  operands: () => [{ name: 'x', says: 'a row [c]', shape: [4], data: [1, -2, 3, 0] }],
  apply: ({ x }) => broadcastTo(x, [ROWS, 4]),
  results: [
    { name: 'y', formula: 'y[i, c] = x[c]', line: REPEAT_LINE, behind: ([, c], values) => copy('x', [c], values) },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[c] = Σ_{i} dy[i, c]',
      line: SUM_LINE,
      behind: ([c], values) => down('dy', c, values),
    },
  ],
};

const sumToExplanation: Explanation = {
  name: 'sum_to',
  says: 'A tensor summed down to a smaller shape: what broadcasting becomes on the way back.',
  settings: [],
  operands: () => matrix(3),
  apply: ({ x }) => sumTo(x, [4]),
  results: [
    { name: 'y', formula: 'y[c] = Σ_{i} x[i, c]', line: SUM_LINE, behind: ([c], values) => down('x', c, values) },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[i, c] = dy[c]',
      line: REPEAT_LINE,
      behind: ([, c], values) => copy('dy', [c], values),
    },
  ],
};

const reshapeExplanation: Explanation = {
  name: 'reshape',
  says: 'The same numbers in the same order under another shape, here [2, 6]; no kernel runs.',
  settings: [],
  operands: () => matrix(4),
  apply: ({ x }) => reshape(x, [2, 6]),
  results: [
    {
      name: 'y',
      formula: 'y[o, p] = x[i, c]',
      where: '6·o + p = 4·i + c',
      behind: ([o, p], values) => copy('x', [Math.floor((6 * o + p) / 4), (6 * o + p) % 4], values),
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[i, c] = dy[o, p]',
      where: '6·o + p = 4·i + c',
      behind: ([i, c], values) => copy('dy', [Math.floor((4 * i + c) / 6), (4 * i + c) % 6], values),
    },
  ],
};

/** Of a part that begins at `from`: what lies outside gets nothing. */
const within = (at: readonly number[], inside: boolean, values: Values, of = 'dy'): Behind =>
  inside ? copy(of, at, values) : { cells: [], arithmetic: [0] };

const rowExplanation: Explanation = {
  name: 'row',
  says: 'One row of a tensor, here row 1.',
  settings: [],
  operands: () => matrix(5),
  apply: ({ x }) => row(x, 1),
  results: [
    { name: 'y', formula: 'y[c] = x[1, c]', line: COPY_LINE, behind: ([c], values) => copy('x', [1, c], values) },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[i, c] = dy[c] · (i = 1)',
      where: 'all other rows get 0',
      line: COPY_LINE,
      behind: ([i, c], values) => within([c], i === 1, values),
    },
  ],
};

export const SHAPES = [
  sumExplanation,
  meanExplanation,
  broadcastExplanation,
  sumToExplanation,
  reshapeExplanation,
  rowExplanation,
];
