import { dropPath, dropout } from '../ops/random.ts';
import { elementOf, written, type Behind, type Explanation, type Values } from './explanation.ts';

const RATE = 0.5;
const SEED = {
  name: 'seed',
  says: 'seed and number of the step: the same seed drops the same',
  shape: [2],
  data: [2026, 1],
  dtype: 'u32',
} as const;
const MASK =
  'mask is 1 where the random number of (seed, step, stream) is at least the rate, else 0; here the rate is 0.5';

/** Whether an element was kept is seen in what became of it: no x is 0. */
const kept = (values: Values, at: readonly number[]) => Number(elementOf(values, { of: 'y', at }) !== 0);
const masked =
  (of: string) =>
  (at: readonly number[], values: Values): Behind => ({
    cells: [{ of, at }],
    arithmetic: written`${elementOf(values, { of, at })} · ${kept(values, at)} / (1 − ${RATE})`,
  });

const LINE = 'out[i] = Out(storable(Value(x[i]) * factor.x));';

const dropoutExplanation: Explanation = {
  name: 'dropout',
  says: 'In training each number is dropped with some probability, and the others grow so that the mean stays.',
  settings: [],
  operands: () => [{ name: 'x', says: 'numbers', shape: [3, 4], data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] }, SEED],
  apply: ({ x, seed }) => dropout(x, seed, { rate: RATE, stream: 0 }),
  results: [
    { name: 'y', formula: 'y[i] = x[i] · mask(seed, i) / (1 − rate)', where: MASK, line: LINE, behind: masked('x') },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[i] = dy[i] · mask(seed, i) / (1 − rate)',
      where: 'the mask is made again from the seed',
      line: LINE,
      behind: masked('dy'),
    },
  ],
};

const dropPathExplanation: Explanation = {
  name: 'drop_path',
  says: 'Whole samples are dropped (stochastic depth): a residual branch is left out for them.',
  settings: [],
  operands: () => [
    { name: 'x', says: 'a row for each sample [n, c]', shape: [6, 2], data: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] },
    SEED,
  ],
  apply: ({ x, seed }) => dropPath(x, seed, { rate: RATE, stream: 0 }),
  results: [
    { name: 'y', formula: 'y[n, c] = x[n, c] · mask(seed, n) / (1 − rate)', where: MASK, behind: masked('x') },
    { name: 'dx', of: 'x', formula: 'dx[n, c] = dy[n, c] · mask(seed, n) / (1 − rate)', behind: masked('dy') },
  ],
};

export const RANDOM = [dropoutExplanation, dropPathExplanation];
