import { grad } from '../../engine/autodiff.ts';
import { batchNorm, batchNormInference, batchNormStats } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { depthwiseConv2d } from '../../engine/ops/depthwise_conv2d.ts';
import { reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, mul, silu } from '../../engine/ops/pointwise.ts';
import type { Shape, Tensor } from '../../engine/tensor.ts';
import { functionBound, UNIT } from '../tolerance.ts';
import { Operands, type Build } from './precision_operands.ts';

/*
 * What is summed where it is made (engine/program/summed.ts) is summed as it is stored. All operands are whole numbers,
 * and so is what they make, below 2048: f16 holds it, and the sums are those of the program of precision f32.
 */

/** Whole numbers of at most 3. */
function whole(at: Operands, ...names: string[]): void {
  for (const name of names) at.feeds[name] = (at.feeds[name] as Float32Array).map((v) => Math.round(3 * v));
}

/** -1, 0 and 1. */
function signs(at: Operands): void {
  for (const name of Object.keys(at.feeds))
    if (name !== 'gamma' && name !== 'beta') at.feeds[name] = (at.feeds[name] as Float32Array).map(Math.round);
}

/** Mean and variance of numbers below `largest`. */
const statisticsError = (largest: number) => 100 * UNIT * largest * (1 + 3 * largest);

type Making = readonly [xShape: Shape, wShape: Shape, (x: Tensor, w: Tensor) => Tensor];
const MADE: Record<string, Making> = {
  '1x1': [[2, 9, 7, 8], [1, 1, 8, 24], conv2d],
  '3x3': [[2, 9, 7, 8], [3, 3, 8, 20], (x, w) => conv2d(x, w, { padding: 'same' })],
};

export const SUMS: [string, Build][] = Object.entries(MADE).map(([title, [xShape, wShape, make]]) => [
  `convolution ${title} with an epilogue and its statistics`,
  () => {
    const at = new Operands();
    const y = make(at.stored('x', xShape), at.plain('w', wShape));
    const four = [0, 1, 2, 3].reduce((sum, k) => add(sum, at.stored(`residual${k}`, y.shape)), y);
    whole(at, ...Object.keys(at.feeds));
    const largest = 9 * 8 * 9 + 12;
    return at
      .results(four)
      .exact(batchNormStats(four))
      .case((o) => (o === 0 ? 0 : statisticsError(largest)));
  },
]);

SUMS.push([
  'product of two activations with its statistics',
  () => {
    const at = new Operands();
    const a = reshape(at.stored('a', [2, 5, 4, 8]), [40, 8]);
    const b = reshape(at.stored('b', [1, 2, 4, 12]), [8, 12]);
    const y = matmul(a, b);
    whole(at, 'a', 'b');
    return at.exact(y, batchNormStats(y)).case((o) => (o === 0 ? 0 : statisticsError(72)));
  },
]);

// On a GPU what the batch norm and its gate make is not written.
for (const [title, isGated, isSummed] of [
  ['a gated batch norm with its statistics', true, true],
  ['a gated batch norm', true, false],
  ['a batch norm', false, false],
] as const) {
  SUMS.push([
    `product of ${title}`,
    () => {
      const at = new Operands();
      const [x, w] = [at.stored('x', [2, 9, 7, 8]), reshape(at.stored('w', [1, 2, 4, 12]), [1, 1, 8, 12])];
      const norm = [at.plain('stats', [2, 8]), at.plain('gamma', [8]), at.plain('beta', [8])] as const;
      const normed = batchNormInference(x, ...norm, { epsilon: 0, activation: 'relu' });
      const y = conv2d(isGated ? mul(normed, at.plain('gate', [2, 1, 1, 8])) : normed, w);
      const [dw] = grad(y, [w], at.stored('dy', y.shape));
      whole(at, ...Object.keys(at.feeds));
      at.feeds['stats'] = Float32Array.from({ length: 16 }, (_, i) => Number(i >= 8));
      const largest = 8 * (3 * 3 + 3) * 3 * 3;
      at.results(y).exact(dw, ...(isSummed ? [batchNormStats(y)] : []));
      return at.case((o) => (o === 2 ? statisticsError(largest) : 0));
    },
  ]);
}

for (const [filter, stride, c] of [
  [3, 1, 8],
  [3, 2, 5],
  [5, 1, 6],
  [5, 2, 8],
] as const) {
  SUMS.push([
    `depthwise convolution of ${filter} x ${filter}, stride ${stride}, and batch norms around it`,
    () => {
      const at = new Operands();
      const [x, w] = [at.stored('x', [2, 9, 7, c]), at.plain('w', [filter, filter, c])];
      const y = depthwiseConv2d(x, w, { stride, padding: 'same' });
      const [gamma, beta] = [at.plain('gamma', [c], 0.5, 2), at.plain('beta', [c])];
      const { y: normed } = batchNorm(at.stored('z', [2, 9, 7, c]), gamma, beta, { epsilon: 1e-3 });
      const next = depthwiseConv2d(normed, w, { stride, padding: 'same' });
      const sums = grad(next, [gamma, beta], at.stored('dy', next.shape));
      whole(at, 'x', 'w', 'z', 'dy');
      const [largest, rows] = [9 * filter * filter, 2 * 9 * 7];
      // |x̂| < 7, off by less than 200 roundings of itself; a sum of so many rows rounds as often.
      const sumError = rows * largest * 7 * (200 + rows) * UNIT;
      const bounds = [0, statisticsError(largest), sumError, sumError];
      return at
        .results(y)
        .exact(batchNormStats(y), ...sums)
        .case((o) => bounds[o]);
    },
  ]);
}

SUMS.push([
  'product in parts with its statistics',
  () => {
    const at = new Operands();
    const y = conv2d(at.stored('x', [2, 16, 16, 512]), at.plain('w', [1, 1, 512, 8]));
    const ended = add(y, at.stored('residual', y.shape));
    signs(at);
    return at
      .results(ended)
      .exact(batchNormStats(ended))
      .case((o) => (o === 0 ? 0 : statisticsError(513)));
  },
]);

SUMS.push([
  'batch norm before two products of which one is in parts, and what goes around them',
  () => {
    const at = new Operands();
    const [gamma, beta] = [at.plain('gamma', [8], 0.5, 2), at.plain('beta', [8])];
    const { y: normed } = batchNorm(at.stored('x', [2, 16, 16, 8]), gamma, beta, { epsilon: 1e-3 });
    const deep = conv2d(normed, at.plain('w', [1, 1, 8, 512]));
    const around = add(conv2d(deep, at.plain('v', [1, 1, 512, 8])), normed);
    const sums = grad(around, [gamma, beta], at.stored('dy', around.shape));
    signs(at);
    const rows = 512;
    return at.exact(...sums).case(() => rows * (8 * 512 + 1) * 7 * (200 + rows) * UNIT);
  },
]);

SUMS.push([
  'small product with a function of it beside it',
  () => {
    const at = new Operands();
    const a = reshape(at.stored('a', [2, 5, 4, 7]), [40, 7]);
    const b = reshape(at.stored('b', [1, 7, 2, 5]), [7, 10]);
    const y = [0, 1, 2, 3].reduce(
      (sum, k) => add(sum, reshape(at.stored(`residual${k}`, [2, 5, 4, 10]), [40, 10])),
      matmul(a, b),
    );
    whole(at, ...Object.keys(at.feeds));
    return at.exact(y, silu(y)).case((o) => (o === 0 ? 0 : functionBound(2, 7 * 9 + 12)));
  },
]);

SUMS.push([
  'batch norm with a residual sum',
  () => {
    const at = new Operands();
    const [gamma, beta] = [at.plain('gamma', [8], 0.5, 2), at.plain('beta', [8])];
    const { y } = batchNorm(at.stored('x', [2, 9, 7, 8], -2, 3), gamma, beta, { epsilon: 1e-3, activation: 'silu' });
    // As in batch norm's own cases, and one more addition.
    const error = 1.2 * (75 + 40) * UNIT * 30 + 16 * UNIT;
    return at.results(add(y, at.stored('residual', y.shape))).case(() => error);
  },
]);
