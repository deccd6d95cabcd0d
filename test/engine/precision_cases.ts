import { grad } from '../../engine/autodiff.ts';
import { elu, gelu, hardSwish, mish, prelu } from '../../engine/ops/activations.ts';
import { augmentImages } from '../../engine/ops/augment.ts';
import { batchNorm, batchNormInference } from '../../engine/ops/batch_norm.ts';
import { cast } from '../../engine/ops/cast.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { depthwiseConv2d } from '../../engine/ops/depthwise_conv2d.ts';
import { argMax, max, min } from '../../engine/ops/fold.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { less, where } from '../../engine/ops/logic.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import {
  add,
  div,
  erf,
  exp,
  greater,
  log1p,
  maximum,
  mul,
  pow,
  relu,
  sigmoid,
  silu,
  square,
  sub,
  tanh,
} from '../../engine/ops/pointwise.ts';
import { adaptiveAvgPool2d, avgPool2d, maxPool2d } from '../../engine/ops/pool.ts';
import { dropout } from '../../engine/ops/random.ts';
import { broadcastTo, mean, sum } from '../../engine/ops/reduce.ts';
import { sizeOf, type Shape } from '../../engine/tensor.ts';
import { randomArray } from '../random.ts';
import { UNIT, functionBound, sumBound, winogradBound } from '../tolerance.ts';
import { MOVES } from './precision_moves.ts';
import { Operands, type Build } from './precision_operands.ts';
import { SUMS } from './precision_sums.ts';

const CASES: [string, Build][] = [];

const CONVOLUTIONS: readonly [string, Shape, Shape, object][] = [
  ['3x3', [2, 9, 7, 8], [3, 3, 8, 20], { padding: 'same' }],
  ['3x3 with stride 2 and odd channels', [2, 9, 7, 5], [3, 3, 5, 6], { padding: 'same', stride: 2 }],
  ['3x3 in groups', [2, 5, 7, 8], [3, 3, 4, 8], { padding: 'same', groups: 2 }],
  ['3x3 in groups of three channels', [2, 5, 7, 6], [3, 3, 3, 8], { padding: 'same', groups: 2, stride: 2 }],
  ['3x3, naive', [2, 5, 7, 5], [3, 3, 5, 6], { padding: 'same', version: 1 }],
  ['3x3 by Winograd', [2, 9, 7, 8], [3, 3, 8, 20], { padding: 'same', version: 3 }],
  ['3x3 by Winograd and odd channels', [2, 9, 7, 5], [3, 3, 5, 6], { padding: 'same', version: 3 }],
  ['1x1', [3, 7, 9, 12], [1, 1, 12, 24], {}],
  ['1x1 of odd channels', [1, 7, 9, 7], [1, 1, 7, 10], {}],
  ['1x1 of odd channels and many pixels', [2, 17, 19, 7], [1, 1, 7, 18], {}],
  ['1x1 of four pixels', [1, 2, 2, 64], [1, 1, 64, 12], {}],
  ['1x1 of few pixels and a long sum', [1, 2, 3, 1024], [1, 1, 1024, 16], {}],
];
/**
 * No operand is larger than 1, so of a channel or a tile no more than Σ_z |A||G||B| = 8 along either dimension passes
 * through Winograd's sums.
 */
const winogradError = (products: number): number => winogradBound(products, 64 * products);

for (const [title, xShape, wShape, attrs] of CONVOLUTIONS) {
  const isWinograd = (attrs as { version?: number }).version === 3;
  CASES.push([
    `convolution ${title}`,
    () => {
      const at = new Operands();
      const [x, w] = [at.stored('x', xShape), at.plain('w', wShape)];
      const y = conv2d(x, w, attrs);
      const dy = at.stored('dy', y.shape);
      const [dx, dw] = grad(y, [x, w], dy);
      const lengths = [wShape[0] * wShape[1] * wShape[2], wShape[0] * wShape[1] * wShape[3], y.size / wShape[3]];
      const products = [wShape[2], wShape[3], lengths[2]];
      return at
        .results(y, dx)
        .exact(dw)
        .case((o, magnitude) => (isWinograd ? winogradError(products[o]) : sumBound(lengths[o], magnitude)));
    },
  ]);
  // The stages need not be linear: SiLU's slope is below 1.1, and the terms that add up to its argument are at most
  // twice the magnitude.
  CASES.push([
    `convolution ${title} with an epilogue`,
    () => {
      const at = new Operands();
      const y = conv2d(at.stored('x', xShape), at.plain('w', wShape), attrs);
      const c = y.shape[3];
      const out = add(silu(mul(add(y, at.plain('bias', [c])), 0.5)), at.stored('residual', y.shape));
      // And an operand of the full shape at every stage.
      const again = conv2d(at.stored('x2', xShape), at.plain('w2', wShape), attrs);
      const four = [0, 1, 2, 3].reduce((sum, k) => add(sum, at.stored(`residual${k}`, y.shape)), again);
      const winograd = isWinograd ? 1.1 * winogradError(wShape[2]) : 0;
      return at
        .results(out, four)
        .case(
          (_, magnitude) =>
            winograd + 1.1 * sumBound(sizeOf(wShape) / c + 8, 4 * magnitude + 4) + functionBound(2, 2 * magnitude + 2),
        );
    },
  ]);
}

const DEPTHWISE: readonly [string, Shape, Shape, object][] = [
  ['3x3', [2, 9, 10, 8], [3, 3, 8], { padding: 'same' }],
  ['5x5 with stride 2 and odd channels', [2, 9, 7, 5], [5, 5, 5], { padding: 'same', stride: 2 }],
  ['5x5 with stride 2', [2, 14, 12, 8], [5, 5, 8], { padding: 'same', stride: 2 }],
  ['3x3, naive', [2, 9, 7, 8], [3, 3, 8], { padding: 'same', version: 1 }],
];
for (const [title, xShape, wShape, attrs] of DEPTHWISE) {
  CASES.push([
    `depthwise convolution ${title}`,
    () => {
      const at = new Operands();
      const [x, w] = [at.stored('x', xShape), at.plain('w', wShape)];
      const y = depthwiseConv2d(x, w, attrs);
      const dy = at.stored('dy', y.shape);
      const [dx, dw] = grad(y, [x, w], dy);
      const lengths = [wShape[0] * wShape[1], wShape[0] * wShape[1], y.size / wShape[2]];
      return at
        .results(y, dx)
        .exact(dw)
        .case((o, magnitude) => sumBound(lengths[o], magnitude));
    },
  ]);
  CASES.push([
    `depthwise convolution ${title} with an epilogue`,
    () => {
      const at = new Operands();
      const y = depthwiseConv2d(at.stored('x', xShape), at.plain('w', wShape), attrs);
      const out = sub(maximum(mul(y, at.plain('scale', [wShape[2]])), -0.25), at.stored('residual', y.shape));
      const again = depthwiseConv2d(at.stored('x2', xShape), at.plain('w2', wShape), attrs);
      const four = [0, 1, 2, 3].reduce((sum, k) => add(sum, at.stored(`residual${k}`, y.shape)), again);
      return at.results(out, four).case((_, magnitude) => sumBound(sizeOf(wShape) / wShape[2] + 8, magnitude + 4));
    },
  ]);
}

for (const shape of [
  [2, 9, 5, 8],
  [3, 4, 4, 5],
  [1, 33, 41, 12],
]) {
  for (const activation of ['none', 'relu', 'silu'] as const) {
    CASES.push([
      `batch norm of ${shape.join('x')}, ${activation}`,
      () => {
        const at = new Operands();
        const c = shape[3];
        const [x, gamma, beta] = [at.stored('x', shape, -2, 3), at.plain('gamma', [c], 0.5, 2), at.plain('beta', [c])];
        const { y, stats } = batchNorm(x, gamma, beta, { epsilon: 1e-3, activation });
        const frozen = batchNormInference(x, at.plain('given', [2, c], 0.5, 2), gamma, beta, {
          epsilon: 1e-3,
          activation,
        });
        const dy = at.stored('dy', shape);
        // relu's slope jumps at 0, where rounding decides: its gradients are held against the f32 program alone, to the
        // bit.
        const [dx, dGamma, dBeta] = grad(y, [x, gamma, beta], dy);
        const [frozenDx] = grad(frozen, [x], dy);
        const rows = x.size / c;
        at.results(y, frozen).exact(stats);
        at.results(dx, frozenDx).exact(dGamma, dBeta);
        // As derived in batch_norm.test.ts: |x̂| < 7, |z| < 15, at most 75 additions and 40 other roundings.
        const errorZ = (Math.min(rows, 75) + 40) * UNIT * 30;
        const gradient = (bound: number) => (activation === 'relu' ? Infinity : bound);
        const bounds = [
          1.2 * errorZ,
          1.2 * errorZ,
          errorZ,
          gradient(3 * 82.2 * errorZ),
          gradient(3 * 2.4 * errorZ),
          gradient(rows * 10.4 * errorZ),
          gradient(rows * 1.2 * errorZ),
        ];
        return at.case((o) => bounds[o]);
      },
    ]);
  }
}

// As squeeze and excite gates it: the compiler never writes y itself (engine/program/gates.ts).
for (const shape of [
  [2, 9, 5, 8],
  [3, 4, 4, 5],
]) {
  for (const activation of ['none', 'relu', 'silu'] as const) {
    CASES.push([
      `gated batch norm of ${shape.join('x')}, ${activation}`,
      () => {
        const at = new Operands();
        const c = shape[3];
        const [x, gamma, beta] = [at.stored('x', shape, -2, 3), at.plain('gamma', [c], 0.5, 2), at.plain('beta', [c])];
        const { y } = batchNorm(x, gamma, beta, { epsilon: 1e-3, activation });
        const v = at.plain('v', [c]);
        const gated = mul(y, sigmoid(mul(mean(y, [1, 2]), v)));
        const [dx, dGamma, dBeta, dV] = grad(gated, [x, gamma, beta, v], at.stored('dy', shape));
        at.results(gated, dx).exact(dGamma, dBeta, dV);
        const [rows, pixels] = [x.size / c, shape[1] * shape[2]];
        // z as in batch norm's own cases, |y| < 15; e of y and of its mean.
        const errorZ = (Math.min(rows, 75) + 40) * UNIT * 30;
        const e = 1.2 * errorZ + pixels * UNIT * 15;
        // The gate's slope is at most 1/4, its curvature 1/10: it is off by e / 4. y's cotangent is dy · s + g, where
        // |g| < 15 / 4, and off by less than 2.25 e. Batch norm's gradients follow that with at most the factors
        // 3 · 1.2 · 51, 7 · 1.2 and 1.2 a row, and are 5 times those of a cotangent below 1.
        const gradient = (bound: number) => (activation === 'relu' ? Infinity : bound);
        const bounds = [
          5 * e,
          gradient(5 * 3 * 82.2 * errorZ + 3 * 1.2 * 51 * 2.25 * e),
          gradient(rows * (5 * 10.4 * errorZ + 7 * 1.2 * 2.25 * e)),
          gradient(rows * (5 * 1.2 * errorZ + 1.2 * 2.25 * e)),
          gradient(rows * 30 * e),
        ];
        return at.case((o) => bounds[o]);
      },
    ]);
  }
}

for (const shape of [
  [2, 9, 7, 8],
  [1, 8, 6, 5],
]) {
  CASES.push([
    `pooling of ${shape.join('x')}`,
    () => {
      const at = new Operands();
      const x = at.stored('x', shape);
      // A factor no two elements of a window share, so that rounding of x to f16 makes no ties; ties are decided alike
      // in any case.
      const made = [
        maxPool2d(x, { size: 3, stride: 2, padding: 'same' }),
        maxPool2d(x, { size: 2, stride: 3 }),
        avgPool2d(x, { size: 3, stride: 2, padding: 1 }),
        avgPool2d(x, { size: 2, countIncludePad: false }),
        maxPool2d(x, { size: 2, dilation: 2, ceilMode: true }),
        adaptiveAvgPool2d(x, [3, 4]),
      ];
      const gradients = made.map((y, i) => grad(y, [x], at.stored(`dy${i}`, y.shape))[0]);
      // Averages divide; a pixel is seen by at most 4 windows, and a cotangent is at most 1.
      return at.results(...made, ...gradients).case(() => sumBound(12, 4));
    },
  ]);
}

for (const shape of [
  [2, 5, 7, 8],
  [3, 4, 5, 5],
]) {
  const [n, h, w, c] = shape;
  CASES.push([
    `pointwise chains over ${shape.join('x')}`,
    () => {
      const at = new Operands();
      const [x, y, z] = [at.stored('x', shape, 0.5, 2), at.stored('y', shape, 0.5, 2), at.stored('z', shape, -2, 2)];
      const [channel, gate, sample, one] = [
        at.plain('channel', [c], 0.5, 2),
        at.plain('gate', [n, 1, 1, c], 0.5, 2),
        at.plain('sample', [n, 1, 1, 1], 0.5, 2),
        at.plain('one', [1], 0.5, 2),
      ];
      const plane = broadcastTo(at.stored('plane', [1, h, w, 1]), shape);
      at.results(
        exp(div(x, y)),
        sub(mul(x, channel), y),
        add(mul(z, gate), plane),
        mul(add(x, sample), one),
        tanh(mul(z, 0.5)),
        greater(z, x),
        mul(square(sigmoid(z)), 3),
        mul(y, add(z, relu(mul(x, z)))),
        ...grad(silu(z), [z], x),
        ...grad(relu(z), [z], y),
      );
      at.results(
        gelu(z),
        hardSwish(z),
        elu(z),
        mish(z),
        prelu(z, channel),
        pow(x, y),
        erf(z),
        log1p(x),
        where(less(z, 0), x, y),
        ...grad(gelu(z), [z], x),
        ...grad(hardSwish(z), [z], x),
      );
      // A handful of functions of arguments below 8 in size.
      return at.case(() => functionBound(8, 64));
    },
  ]);
  CASES.push([
    `sums and repetitions of ${shape.join('x')}`,
    () => {
      const at = new Operands();
      const x = at.stored('x', shape);
      // So many that the threads of a workgroup share a sum on a GPU.
      const many = [40, 2, w, c];
      return at
        .exact(sum(x, [1, 2]), sum(x))
        .results(
          max(x, [0]),
          min(at.stored('long', many), [0]),
          sum(x, [0]),
          sum(mul(x, at.stored('other', shape)), [0]),
          sum(at.stored('many', many), [0]),
          sum(mul(at.stored('left', many), at.stored('right', many)), [0]),
          broadcastTo(at.stored('row', [1, 1, w, c]), shape),
        )
        .case((_, magnitude) => sumBound(x.size, magnitude));
    },
  ]);
  CASES.push([
    `dropout of ${shape.join('x')}`,
    () => {
      const at = new Operands();
      at.feeds['seed'] = Uint32Array.of(5, 9);
      return at
        .results(dropout(at.stored('x', shape), input('seed', [2], 'u32'), { rate: 0.3, stream: 3 }))
        .case((_, magnitude) => functionBound(1, magnitude));
    },
  ]);
}

CASES.push(...MOVES, ...SUMS);

CASES.push([
  'views of images',
  () => {
    const at = new Operands();
    at.feeds['images'] = Uint32Array.from(randomArray(3 * 9 * 7, 1, 0, 2 ** 32));
    const [view, colour] = [at.plain('view', [3, 6]), at.plain('colour', [3, 12])];
    // As derived in augment.test.ts: a pixel's place is off by a few units of 16, and neighbours differ by at most 1.
    return at
      .results(augmentImages(input('images', [3, 9, 7], 'u32'), view, colour, { size: 5, taps: 2 }))
      .case(() => 200 * UNIT * 16);
  },
]);

for (const version of [1, 2] as const) {
  CASES.push([
    `matrix product v${version} of what has pixels`,
    () => {
      const at = new Operands();
      const [a, b] = [reshape(at.stored('a', [3, 5, 2, 3]), [3, 30]), reshape(at.stored('b', [5, 3, 2, 4]), [30, 4])];
      return at.exact(matmul(a, b, { version })).case((_, magnitude) => sumBound(30, magnitude));
    },
  ]);
}

CASES.push([
  'products of many matrices that have pixels',
  () => {
    const at = new Operands();
    const [a, b] = [reshape(at.stored('a', [2, 3, 4, 6]), [6, 4, 6]), reshape(at.stored('b', [2, 3, 6, 5]), [6, 6, 5])];
    return at.exact(matmul(a, b)).case((_, magnitude) => sumBound(6, magnitude));
  },
]);

CASES.push([
  'where the largest is',
  () => {
    const at = new Operands();
    return at.exact(cast(argMax(at.stored('x', [2, 5, 7, 6]), 1), 'f32')).case(() => 0);
  },
]);

export const PRECISION_CASES: ReadonlyMap<string, Build> = new Map(CASES);
