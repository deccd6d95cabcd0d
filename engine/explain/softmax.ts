import { logSoftmax, softmax, softmaxCrossEntropy } from '../ops/softmax_cross_entropy.ts';
import { elementOf, joined, written, type Behind, type Cell, type Explanation, type Values } from './explanation.ts';

const CHAPTER = '12-softmax-and-cross-entropy';

const rowOf = (values: Values, of: string, n: number): Cell[] =>
  Array.from({ length: values[of].shape[1] }, (_, k) => ({ of, at: [n, k] }));
const numbers = (values: Values, cells: readonly Cell[]): number[] => cells.map((cell) => elementOf(values, cell));
const exponentials = (x: readonly number[]) =>
  joined(
    x.map((v) => written`exp(${v})`),
    ' + ',
  );

const OPERANDS = [
  { name: 'x', says: 'a row of logits for each sample [n, k]', shape: [2, 3], data: [2, 1, -1, 0, 3, 1] },
] as const;

/** An element of a gradient that depends on its whole row. */
const back = (values: Values, [n]: readonly number[], arithmetic: Behind['arithmetic']): Behind => ({
  cells: [...rowOf(values, 'dy', n), ...rowOf(values, 'y', n)],
  arithmetic,
});

const softmaxExplanation: Explanation = {
  name: 'softmax',
  says: 'Turns each row of numbers into probabilities: positive, of sum 1, the largest number the likeliest.',
  chapter: CHAPTER,
  settings: [],
  operands: () => OPERANDS,
  apply: ({ x }) => softmax(x),
  results: [
    {
      name: 'y',
      formula: 'y[n, k] = exp(x[n, k]) / Σ_{j} exp(x[n, j])',
      line: 'out[row.start + k] = exponential(shifted) / row_sum;',
      behind([n, k], values) {
        const cells = rowOf(values, 'x', n);
        const x = numbers(values, cells);
        return { cells, arithmetic: written`exp(${x[k]}) / (${exponentials(x)})` };
      },
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[n, k] = y[n, k] · (dy[n, k] − Σ_{j} dy[n, j] · y[n, j])',
      behind([n, k], values) {
        const [dy, y] = [numbers(values, rowOf(values, 'dy', n)), numbers(values, rowOf(values, 'y', n))];
        return back(
          values,
          [n],
          written`${y[k]} · (${dy[k]} − (${joined(
            dy.map((d, j) => written`${d} · ${y[j]}`),
            ' + ',
          )}))`,
        );
      },
    },
  ],
};

const logSoftmaxExplanation: Explanation = {
  name: 'log_softmax',
  says: 'The logarithm of softmax, exact where a probability would round to zero.',
  chapter: CHAPTER,
  settings: [],
  operands: () => OPERANDS,
  apply: ({ x }) => logSoftmax(x),
  results: [
    {
      name: 'y',
      formula: 'y[n, k] = x[n, k] − log(Σ_{j} exp(x[n, j]))',
      line: 'out[row.start + k] = shifted - log_sum;',
      behind([n, k], values) {
        const cells = rowOf(values, 'x', n);
        const x = numbers(values, cells);
        return { cells, arithmetic: written`${x[k]} − log(${exponentials(x)})` };
      },
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[n, k] = dy[n, k] − exp(y[n, k]) · Σ_{j} dy[n, j]',
      behind([n, k], values) {
        const [dy, y] = [numbers(values, rowOf(values, 'dy', n)), numbers(values, rowOf(values, 'y', n))];
        return back(values, [n], written`${dy[k]} − exp(${y[k]}) · (${joined(dy, ' + ')})`);
      },
    },
  ],
};

const crossEntropy: Explanation = {
  name: 'softmax_cross_entropy',
  says: 'How badly the probabilities of the logits fit the targets, in nats: 0 where all of the probability is on the target.',
  chapter: CHAPTER,
  settings: [],
  operands: () => [
    { name: 'logits', says: 'a row for each sample [n, k]', shape: [2, 3], data: [2, 1, -1, 0, 3, 1] },
    { name: 'targets', says: 'the probabilities that are wanted [n, k]', shape: [2, 3], data: [1, 0, 0, 0, 0, 1] },
  ],
  apply: ({ logits, targets }) => softmaxCrossEntropy(logits, targets),
  // As of a sum over the samples: what one reads is then p − t itself.
  cotangent: [1, 1],
  results: [
    {
      name: 'loss',
      formula: 'loss[n] = Σ_{k} targets[n, k] · (log(Σ_{j} exp(logits[n, j])) − logits[n, k])',
      line: 'loss += t[row.start + k] * ((row_largest - x[row.start + k]) + log_sum);',
      behind([n], values) {
        const cells = [...rowOf(values, 'logits', n), ...rowOf(values, 'targets', n)];
        const [x, t] = [numbers(values, rowOf(values, 'logits', n)), numbers(values, rowOf(values, 'targets', n))];
        const summands = x.flatMap((v, k) => (t[k] === 0 ? [] : [written`${t[k]} · (log(${exponentials(x)}) − ${v})`]));
        return { cells, arithmetic: joined(summands, ' + ') };
      },
    },
    {
      name: 'dlogits',
      of: 'logits',
      formula: 'dlogits[n, k] = dloss[n] · (softmax(logits)[n, k] · Σ_{j} targets[n, j] − targets[n, k])',
      line: 'out[i] = dLoss[row.number] * (exponential(x[i] - row_largest) / row_sum * total - t[i]);',
      behind([n, k], values) {
        const cells = [{ of: 'dloss', at: [n] }, ...rowOf(values, 'logits', n), ...rowOf(values, 'targets', n)];
        const [x, t] = [numbers(values, rowOf(values, 'logits', n)), numbers(values, rowOf(values, 'targets', n))];
        const [dloss, sum, all] = [elementOf(values, cells[0]), exponentials(x), joined(t, ' + ')];
        return { cells, arithmetic: written`${dloss} · (exp(${x[k]}) / (${sum}) · (${all}) − ${t[k]})` };
      },
    },
    {
      name: 'dtargets',
      of: 'targets',
      formula: 'dtargets[n, k] = dloss[n] · (log(Σ_{j} exp(logits[n, j])) − logits[n, k])',
      behind([n, k], values) {
        const cells = [{ of: 'dloss', at: [n] }, ...rowOf(values, 'logits', n)];
        const x = numbers(values, rowOf(values, 'logits', n));
        return { cells, arithmetic: written`${elementOf(values, cells[0])} · (log(${exponentials(x)}) − ${x[k]})` };
      },
    },
  ],
};

export const SOFTMAXES = [softmaxExplanation, logSoftmaxExplanation, crossEntropy];
