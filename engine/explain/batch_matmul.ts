import { matmul } from '../ops/matmul.ts';
import { sumOf, wholeNumbers, type Explanation } from './explanation.ts';
import { upTo } from './terms.ts';

const [PRODUCTS, ROWS, INNER, COLUMNS] = [2, 2, 3, 2];

export const BATCH_MATMUL: Explanation = {
  name: 'batch_matmul',
  says: 'Several products of matrices at once, as attention has them; here the left factor is the same for all.',
  settings: [],
  operands: () => [
    { name: 'a', says: 'a matrix [m, i]', shape: [ROWS, INNER], data: wholeNumbers([ROWS, INNER], -2, 3, 1) },
    {
      name: 'b',
      says: 'matrices [z, i, k]',
      shape: [PRODUCTS, INNER, COLUMNS],
      data: wholeNumbers([PRODUCTS, INNER, COLUMNS], -1, 3, 2),
    },
  ],
  apply: ({ a, b }, _, version) => matmul(a, b, { version }),
  results: [
    {
      name: 'y',
      formula: 'y[z, m, k] = Σ_{i} a[m, i] · b[z, i, k]',
      line: 'sums[i * TN + j] += left[i] * right;',
      behind: ([z, m, k], values) =>
        sumOf(
          upTo(INNER).map((i) => ({ at: { a: [m, i], b: [z, i, k] } })),
          values,
        ),
    },
    {
      name: 'da',
      of: 'a',
      formula: 'da[m, i] = Σ_{z,k} dy[z, m, k] · b[z, i, k]',
      behind: ([m, i], values) =>
        sumOf(
          upTo(PRODUCTS).flatMap((z) => upTo(COLUMNS).map((k) => ({ at: { dy: [z, m, k], b: [z, i, k] } }))),
          values,
        ),
    },
    {
      name: 'db',
      of: 'b',
      formula: 'db[z, i, k] = Σ_{m} a[m, i] · dy[z, m, k]',
      line: 'sums[i * TN + j] += left[i] * right;',
      behind: ([z, i, k], values) =>
        sumOf(
          upTo(ROWS).map((m) => ({ at: { a: [m, i], dy: [z, m, k] } })),
          values,
        ),
    },
  ],
};
