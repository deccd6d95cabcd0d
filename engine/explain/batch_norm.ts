import { batchNorm, batchNormInference } from '../ops/batch_norm.ts';
import {
  elementOf,
  joined,
  sumOf,
  wholeNumbers,
  written,
  type Behind,
  type Cell,
  type Explanation,
  type Values,
} from './explanation.ts';

const EPSILON = 1e-5;
const ROWS = 6;
const WHERE = 'mean and variance are those of channel c over all rows (images and pixels), ε = 0.00001';
const NORMAL = 'x̂ = (x − mean) / √(variance + ε)';

const OPERANDS = [
  {
    name: 'x',
    says: 'a row for each pixel of each image, a column for each channel [row, c]',
    shape: [ROWS, 2],
    data: wholeNumbers([ROWS, 2], 0, 9, 2),
  },
  { name: 'gamma', says: 'scale of each channel [c]', shape: [2], data: [1, 2] },
  { name: 'beta', says: 'shift of each channel [c]', shape: [2], data: [0, 1] },
] as const;

const column = (of: string, c: number): Cell[] => Array.from({ length: ROWS }, (_, row) => ({ of, at: [row, c] }));

/** What belongs to channel c; statistics that were given, or the batch's own. */
function channel(values: Values, c: number) {
  const get = (cell: Cell) => elementOf(values, cell);
  const x = column('x', c).map(get);
  const mean = values.stats ? get({ of: 'stats', at: [0, c] }) : x.reduce((a, b) => a + b, 0) / ROWS;
  const variance = values.stats ? get({ of: 'stats', at: [1, c] }) : x.reduce((a, b) => a + (b - mean) ** 2, 0) / ROWS;
  const deviation = Math.sqrt(variance + EPSILON);
  const normal = x.map((v) => (v - mean) / deviation);
  return {
    x,
    mean,
    variance,
    deviation,
    normal,
    dy: column('dy', c).map(get),
    gamma: get({ of: 'gamma', at: [c] }),
    beta: get({ of: 'beta', at: [c] }),
  };
}

const own = (c: number): Cell[] => [
  { of: 'gamma', at: [c] },
  { of: 'beta', at: [c] },
];

function forward([row, c]: readonly number[], values: Values): Behind {
  const { x, mean, variance, gamma, beta } = channel(values, c);
  const read = values.stats
    ? [
        { of: 'x', at: [row, c] },
        { of: 'stats', at: [0, c] },
        { of: 'stats', at: [1, c] },
      ]
    : column('x', c);
  return {
    cells: [...read, ...own(c)],
    arithmetic: written`${gamma} · (${x[row]} − ${mean}) / √(${variance} + ${EPSILON}) + ${beta}`,
  };
}

const dGamma = ([c]: readonly number[], values: Values): Behind => {
  const { dy, normal } = channel(values, c);
  return {
    cells: [...column('dy', c), ...column('x', c)],
    arithmetic: joined(
      dy.map((d, row) => written`${d} · ${normal[row]}`),
      ' + ',
    ),
  };
};
const dBeta = ([c]: readonly number[], values: Values): Behind =>
  sumOf(
    column('dy', c).map(({ at }) => ({ at: { dy: at } })),
    values,
  );

const PARAMETERS = [
  {
    name: 'dgamma',
    of: 'gamma',
    formula: 'dγ[c] = Σ_{row} dy[row, c] · x̂[row, c]',
    where: NORMAL,
    line: 'dGamma += dz * normal;',
    behind: dGamma,
  },
  { name: 'dbeta', of: 'beta', formula: 'dβ[c] = Σ_{row} dy[row, c]', line: 'dBeta += dz;', behind: dBeta },
] as const;

const FORWARD_LINE = 'let y = activate((Value(x[i]) - mean) * scale + shift);';
const BACKWARD_LINE = 'out[i] = Out(storable(scale * (dz - meanDz - normal * meanDzX)));';

const training: Explanation = {
  name: 'batch_norm',
  says: 'Each channel is shifted and scaled to mean 0 and variance 1 over the batch, then to a mean and a scale that are learnt.',
  chapter: '08-batch-norm',
  settings: [],
  operands: () => OPERANDS,
  apply: ({ x, gamma, beta }) => batchNorm(x, gamma, beta, { epsilon: EPSILON }).y,
  results: [
    {
      name: 'y',
      formula: 'y[row, c] = γ[c] · (x[row, c] − mean[c]) / √(variance[c] + ε) + β[c]',
      where: WHERE,
      line: FORWARD_LINE,
      behind: forward,
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[row, c] = γ[c] / √(variance[c] + ε) · (dy[row, c] − (dβ[c] + x̂[row, c] · dγ[c]) / rows)',
      where: `${NORMAL}: mean and variance depend on x too`,
      line: BACKWARD_LINE,
      behind([row, c], values) {
        const { dy, deviation, normal, gamma } = channel(values, c);
        const beta = dy.reduce((a, b) => a + b, 0);
        const scale = dy.reduce((sum, d, i) => sum + d * normal[i], 0);
        return {
          cells: [...column('dy', c), ...column('x', c), own(c)[0]],
          arithmetic: written`${gamma} / ${deviation} · (${dy[row]} − (${beta} + ${normal[row]} · ${scale}) / ${ROWS})`,
        };
      },
    },
    ...PARAMETERS,
  ],
};

const inference: Explanation = {
  name: 'batch_norm_inference',
  says: "Batch norm with mean and variance that are given (stats) and not the batch's own: after training, or with frozen statistics.",
  chapter: '08-batch-norm',
  settings: [],
  operands: () => [
    OPERANDS[0],
    { name: 'stats', says: 'mean and variance of each channel [2, c]', shape: [2, 2], data: [4, 5, 4, 9] },
    OPERANDS[1],
    OPERANDS[2],
  ],
  apply: ({ x, stats, gamma, beta }) => batchNormInference(x, stats, gamma, beta, { epsilon: EPSILON }),
  results: [
    {
      name: 'y',
      formula: 'y[row, c] = γ[c] · (x[row, c] − stats[0, c]) / √(stats[1, c] + ε) + β[c]',
      where: 'ε = 0.00001',
      line: FORWARD_LINE,
      behind: forward,
    },
    {
      name: 'dx',
      of: 'x',
      formula: 'dx[row, c] = γ[c] / √(stats[1, c] + ε) · dy[row, c]',
      line: BACKWARD_LINE,
      behind([row, c], values) {
        const { dy, variance, gamma } = channel(values, c);
        return {
          cells: [{ of: 'dy', at: [row, c] }, own(c)[0], { of: 'stats', at: [1, c] }],
          arithmetic: written`${gamma} / √(${variance} + ${EPSILON}) · ${dy[row]}`,
        };
      },
    },
    ...PARAMETERS,
  ],
};

export const BATCH_NORMS = [training, inference];
