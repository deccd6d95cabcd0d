import { l1Norm, l2Norm, logSumExp, max, min, prod } from '../ops/fold.ts';
import { globalMaxPool } from '../ops/pool.ts';
import type { Tensor } from '../tensor.ts';
import { elementOf, joined, written, type Behind, type Cell, type Explanation, type Values } from './explanation.ts';
import { COMPARED, type Text } from './pointwise.ts';

const FOLD_LINE = 'folded = fold_two(folded, Value(x[(o * params.length + r) * params.inner + i]));';

/** What becomes of a row of numbers: one number, and its slope in each of them. */
interface Reduction {
  readonly name: string;
  readonly says: string;
  readonly apply: (x: Tensor, axes: readonly number[]) => Tensor;
  readonly formula: string;
  readonly slope: string;
  readonly where?: string;
  readonly line?: string;
  value(row: readonly number[]): Text;
  slopeAt(row: readonly number[], c: number): Text;
}

const list = (row: readonly number[]) => joined(row, ', ');
const squares = (row: readonly number[]) =>
  joined(
    row.map((v) => written`${v} · ${v}`),
    ' + ',
  );
const exponentials = (row: readonly number[]) =>
  joined(
    row.map((v) => written`exp(${v})`),
    ' + ',
  );

const REDUCTIONS: readonly Reduction[] = [
  {
    name: 'max',
    says: 'The largest over some axes, here the last; equals share the cotangent.',
    apply: max,
    formula: 'max_{c} x[i, c]',
    slope: '(x[i, c] = y[i, 0]) / Σ_{j} (x[i, j] = y[i, 0])',
    where: COMPARED,
    line: FOLD_LINE,
    value: (row) => written`max(${list(row)})`,
    slopeAt: (row, c) => [Number(row[c] === Math.max(...row))],
  },
  {
    name: 'min',
    says: 'The smallest over some axes, here the last; equals share the cotangent.',
    apply: min,
    formula: 'min_{c} x[i, c]',
    slope: '(x[i, c] = y[i, 0]) / Σ_{j} (x[i, j] = y[i, 0])',
    where: COMPARED,
    line: FOLD_LINE,
    value: (row) => written`min(${list(row)})`,
    slopeAt: (row, c) => [Number(row[c] === Math.min(...row))],
  },
  {
    name: 'prod',
    says: 'The product over some axes, here the last; the slope in a number is the product of the others.',
    apply: prod,
    formula: 'Π_{c} x[i, c]',
    slope: 'Π_{j} x[i, j]',
    where: 'the product being over the j that are not c',
    line: FOLD_LINE,
    value: (row) => joined(row, ' · '),
    slopeAt: (row, c) =>
      joined(
        row.filter((_, j) => j !== c),
        ' · ',
      ),
  },
  {
    name: 'log_sum_exp',
    says: 'A maximum without a corner: its slopes are softmax.',
    apply: logSumExp,
    formula: 'log(Σ_{c} exp(x[i, c]))',
    slope: 'exp(x[i, c]) / Σ_{j} exp(x[i, j])',
    value: (row) => written`log(${exponentials(row)})`,
    slopeAt: (row, c) => written`exp(${row[c]}) / (${exponentials(row)})`,
  },
  {
    name: 'l1_norm',
    says: 'The sum of the sizes.',
    apply: l1Norm,
    formula: 'Σ_{c} max(x[i, c], −x[i, c])',
    slope: 'sign(x[i, c])',
    where: 'sign is −1, 0 or 1',
    value: (row) =>
      joined(
        row.map((v) => written`max(${v}, ${-v})`),
        ' + ',
      ),
    slopeAt: (row, c) => [Math.sign(row[c])],
  },
  {
    name: 'l2_norm',
    says: 'The length of a vector.',
    apply: l2Norm,
    formula: '√(Σ_{c} x[i, c] · x[i, c])',
    slope: 'x[i, c] / y[i, 0]',
    value: (row) => written`√(${squares(row)})`,
    slopeAt: (row, c) => written`${row[c]} / √(${squares(row)})`,
  },
];

const DATA = [3, -1, 2, 4, -2, 1, 5, 2, -3, 1, 2, -4];
const rowOf = (values: Values, of: string, i: number): Cell[] =>
  Array.from({ length: values[of].shape[1] }, (_, c) => ({ of, at: [i, c] }));
const numbers = (values: Values, cells: readonly Cell[]) => cells.map((cell) => elementOf(values, cell));

const explainReduction = ({
  name,
  says,
  apply,
  formula,
  slope,
  where,
  line,
  value,
  slopeAt,
}: Reduction): Explanation => ({
  name,
  says,
  settings: [],
  operands: () => [{ name: 'x', says: 'a matrix [i, c]', shape: [3, 4], data: DATA }],
  apply: ({ x }) => apply(x, [1]),
  results: [
    {
      name: 'y',
      formula: `y[i, 0] = ${formula}`,
      line,
      behind([i], values): Behind {
        const cells = rowOf(values, 'x', i);
        return { cells, arithmetic: value(numbers(values, cells)) };
      },
    },
    {
      name: 'dx',
      of: 'x',
      formula: `dx[i, c] = dy[i, 0] · ${slope}`,
      where,
      behind([i, c], values): Behind {
        const cells = rowOf(values, 'x', i);
        const dy = { of: 'dy', at: [i, 0] };
        return {
          cells: [dy, ...cells],
          arithmetic: written`${elementOf(values, dy)} · ${slopeAt(numbers(values, cells), c)}`,
        };
      },
    },
  ],
});

const pixelsOf = (values: Values, n: number, c: number): Cell[] => {
  const [, H, W] = values.x.shape;
  return Array.from({ length: H * W }, (_, i) => ({ of: 'x', at: [n, Math.floor(i / W), i % W, c] }));
};

const globalMaximum: Explanation = {
  name: 'global_max_pool',
  says: 'The largest of each channel over all pixels.',
  settings: [],
  operands: () => [
    {
      name: 'x',
      says: 'images [n, h, v, c]',
      shape: [1, 2, 3, 2],
      data: [1, 4, 3, -2, 0, 5, 2, 1, 7, 3, -1, 2],
    },
  ],
  apply: ({ x }) => globalMaxPool(x),
  results: [
    {
      name: 'y',
      formula: 'y[n, c] = max_{h,v} x[n, h, v, c]',
      line: FOLD_LINE,
      behind([n, c], values) {
        const cells = pixelsOf(values, n, c);
        return { cells, arithmetic: written`max(${list(numbers(values, cells))})` };
      },
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[n, h, v, c] = dy[n, c] · (x[n, h, v, c] = y[n, c])',
      where: `of several equals each gets a share; ${COMPARED}`,
      behind(at, values) {
        const [n, , , c] = at;
        const cells = pixelsOf(values, n, c);
        const dy = { of: 'dy', at: [n, c] };
        const isLargest = elementOf(values, { of: 'x', at }) === Math.max(...numbers(values, cells));
        return { cells: [dy, ...cells], arithmetic: written`${elementOf(values, dy)} · ${Number(isLargest)}` };
      },
    },
  ],
};

/** One number of many. */
export const REDUCTIONS_EXPLAINED = [...REDUCTIONS.map(explainReduction), globalMaximum];
