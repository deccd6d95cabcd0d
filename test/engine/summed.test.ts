import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { batchNorm, batchNormStats } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { depthwiseConv2d } from '../../engine/ops/depthwise_conv2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, exp, mul, relu } from '../../engine/ops/pointwise.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { evaluateGraph } from '../reference/interpreter.ts';
import { expectWithin, relativeL2, sumBound, UNIT } from '../tolerance.ts';
import { asHardware, asLavapipe, kernelsOf, likeGpu } from './as_adapter.ts';

/*
 * Convolutions and products that make the statistics of their results, as those for GPUs do, against float64. When the
 * compiler has them do so, rewriting.test.ts shows.
 */

/** Tiles that are full and that are not, in rows and in columns; a batch of one; groups; strips and chunks cut off. */
const CASES: Record<string, { x: readonly number[]; w: readonly number[]; y(x: Tensor, w: Tensor): Tensor }> = {
  'a product of less than a tile': { x: [5, 12], w: [12, 8], y: matmul },
  'a product of several tiles': { x: [333, 20], w: [20, 100], y: matmul },
  'a product of many tiles of few columns': { x: [9001, 4], w: [4, 12], y: matmul },
  'a convolution of 1 x 1': { x: [2, 13, 11, 16], w: [1, 1, 16, 24], y: (x, w) => conv2d(x, w) },
  'a convolution with a bias': {
    x: [1, 9, 9, 8],
    w: [1, 1, 8, 24],
    y: (x, w) => add(conv2d(x, w), input('bias', [24])),
  },
  'a convolution of 3 x 3, stride 2': {
    x: [3, 17, 15, 8],
    w: [3, 3, 8, 40],
    y: (x, w) => conv2d(x, w, { stride: 2, padding: 'same' }),
  },
  'a convolution in groups': {
    x: [2, 9, 11, 16],
    w: [3, 3, 8, 72],
    y: (x, w) => conv2d(x, w, { groups: 2, padding: 'same' }),
  },
  'a depthwise convolution': {
    x: [2, 37, 9, 24],
    w: [3, 3, 24],
    y: (x, w) => depthwiseConv2d(x, w, { padding: 'same' }),
  },
  'a depthwise convolution of 5 x 5, stride 2, odd channels': {
    x: [1, 21, 18, 7],
    w: [5, 5, 7],
    y: (x, w) => depthwiseConv2d(x, w, { stride: 2, padding: 'same' }),
  },
  'a depthwise convolution of many channels of few pixels': {
    x: [3, 7, 7, 80],
    w: [5, 5, 80],
    y: (x, w) => depthwiseConv2d(x, w, { padding: 'same' }),
  },
};

function setUp({ x: xShape, w: wShape, y: make }: (typeof CASES)[string]) {
  const [x, w] = [input('x', xShape), input('w', wShape)];
  const y = make(x, w);
  const c = y.shape[y.shape.length - 1];
  // Far from 0 beside their deviation: a variance that is a difference of squares would lose its digits.
  const feeds: Record<string, Float32Array> = { x: randomArray(x.size, 1, 2, 3), w: randomArray(w.size, 2, 1, 2) };
  if (JSON.stringify(y.inputs.map(({ name }) => name)).includes('bias')) feeds['bias'] = randomArray(c, 3, 50, 90);
  return { x, w, y, c, feeds };
}

/** GPUs that cut tiles and strips of other sizes: so many sums a thread, and so many threads that keep them busy. */
const TILES = [
  [16, 20_000],
  [32, 128],
  [64, 128],
] as const;

describeAdapters('a result whose maker sums it', (device) => {
  it('is made in tiles of every height', async () => {
    const heights = new Set<number>();
    for (const [sums, threads] of TILES) {
      const { y } = setUp(CASES['a product of several tiles']);
      using program = await compile(likeGpu(device(), threads, sums, 2 * sums), { outputs: [batchNormStats(y)] });
      heights.add(program.steps[0].launch.overrides!['HIGH']);
    }
    expect([...heights].sort()).toEqual([1, 2]);
  });

  const cases = Object.keys(CASES).flatMap((name) => TILES.map((tile) => [name, ...tile] as const));
  it.each(cases)('%s, %d sums a thread, %d threads', async (name, sums, threads) => {
    const { y, c, feeds } = setUp(CASES[name]);
    const outputs = [y, batchNormStats(y)];
    using program = await compile(likeGpu(device(), threads, sums, 2 * sums), { outputs });
    expect(kernelsOf(program.steps)).not.toContain('batch_norm_stats');
    expect(kernelsOf(program.steps).some((kernel) => kernel.endsWith('_summed'))).toBe(true);
    program.run(feeds);
    const [got, stats] = [await program.read(outputs[0]), await program.read(outputs[1])];
    const want = evaluateGraph([y], new Map(Object.entries(feeds))).get(y)!;
    const largest = Math.max(...want);
    // Of at most 25 · 16 products each.
    const error = sumBound(400, largest);
    expectWithin(got, want, () => error, 'y');
    // The statistics are of what was stored. A thread follows at most 148 numbers, a workgroup adds or joins in at most
    // 6 steps, and 64 parts are joined at a time: fewer than 250 roundings one after another.
    const [rows, off] = [y.size / c, 250 * UNIT * largest];
    for (let k = 0; k < c; k++) {
      let [mean, squares] = [0, 0];
      for (let row = 0; row < rows; row++) mean += got[row * c + k] / rows;
      for (let row = 0; row < rows; row++) squares += (got[row * c + k] - mean) ** 2 / rows;
      expect(Math.abs(stats[k] - mean), `mean of ${k}`).toBeLessThan(off);
      // A mean that is off by d adds d² to the variance, and each difference is off by so much.
      const bound = 250 * UNIT * squares + 2 * Math.sqrt(squares) * off + off * off;
      expect(Math.abs(stats[c + k] - squares), `variance of ${k}`).toBeLessThan(bound);
    }
  });

  it('lets what is not finite through', async () => {
    for (const name of ['a product of several tiles', 'a depthwise convolution'])
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
        const { y, c, feeds } = setUp(CASES[name]);
        // The second channel of the filter: of all outputs of one channel, and of no others.
        feeds['w'] = feeds['w'].map((v, i) => (i === 1 ? bad : v));
        const outputs = [y, batchNormStats(y)];
        using program = await compile(asHardware(device()), { outputs });
        program.run(feeds);
        const stats = await program.read(outputs[1]);
        expect([...stats.keys()].filter((i) => !Number.isFinite(stats[i]))).toEqual([1, c + 1]);
      }
  });

  it.each([
    [[2, 9, 11, 8], 3, 1, 'silu'],
    [[1, 37, 13, 24], 5, 1, 'none'],
    [[3, 8, 9, 5], 3, 2, 'relu'],
    [[1, 21, 18, 36], 5, 2, 'silu'],
    [[2, 7, 7, 80], 3, 2, 'silu'],
  ] as const)(
    'a depthwise input gradient and the batch norm before it, %j, filter %d, stride %d, %s',
    async (shape, r, stride, activation) => {
      const c = shape[3];
      const [x, w, gamma, beta] = [input('x', shape), input('w', [r, r, c]), input('gamma', [c]), input('beta', [c])];
      const { y: normed } = batchNorm(x, gamma, beta, { epsilon: 1e-3, activation });
      const y = depthwiseConv2d(normed, w, { stride, padding: 'same' });
      const dy = input('dy', y.shape);
      const outputs = grad(y, [x, gamma, beta], dy);
      const feeds = {
        x: randomArray(x.size, 1, -2, 3),
        w: randomArray(w.size, 2),
        gamma: randomArray(c, 3, 0.5, 2),
        beta: randomArray(c, 4),
        dy: randomArray(dy.size, 5),
      };
      const want = evaluateGraph(outputs, new Map(Object.entries(feeds)));
      const precisions = device().capabilities.f16 ? (['f32', 'f16'] as const) : (['f32'] as const);
      for (const sums of [16, 64])
        for (const precision of precisions) {
          using program = await compile(likeGpu(device(), 16_384, sums, 2 * sums), { outputs, precision });
          expect(kernelsOf(program.steps)).not.toContain('batch_norm_sums');
          program.run(feeds);
          // A hundred roundings, all in one direction; of what is stored as f16 eight.
          const bound = precision === 'f32' ? 100 * UNIT : 8 * 2 ** -11;
          for (const [o, t] of outputs.entries())
            expect(relativeL2(await program.read(t), want.get(t)!), `${precision}, output ${o}`).toBeLessThan(bound);
        }
    },
  );

  it('has the gradients of the graph that it was made of, whatever is stored as f16', async () => {
    const [x, w, taps] = [input('x', [2, 9, 11, 8]), input('w', [1, 1, 8, 24]), input('taps', [3, 3, 24])];
    const [gamma, beta] = [input('gamma', [24]), input('beta', [24])];
    const norm = (t: Tensor) => batchNorm(t, gamma, beta, { epsilon: 1e-3, activation: 'silu' }).y;
    // What is fed is f32; of what is made inside, each statistic is of what is stored.
    const wide = norm(conv2d(exp(mul(x, 0.5)), w));
    const y = norm(depthwiseConv2d(wide, taps, { padding: 'same' }));
    const dy = input('dy', y.shape);
    const outputs = [y, ...grad(y, [x, w, taps, gamma, beta], dy)];
    const sizes = { x, w, taps, gamma, beta, dy };
    const feeds = Object.fromEntries(Object.entries(sizes).map(([name, t], i) => [name, randomArray(t.size, i)]));
    const want = evaluateGraph(outputs, new Map(Object.entries(feeds)));
    const hardware = asHardware(device());
    for (const precision of hardware.capabilities.f16 ? (['f32', 'f16'] as const) : (['f32'] as const)) {
      using program = await compile(hardware, { outputs, precision });
      expect(kernelsOf(program.steps)).not.toContain('batch_norm_stats');
      program.run(feeds);
      // A hundred roundings, all in one direction; of what is stored as f16 sixteen.
      const bound = precision === 'f32' ? 100 * UNIT : 16 * 2 ** -11;
      for (const [o, t] of outputs.entries())
        expect(relativeL2(await program.read(t), want.get(t)!), `${precision}, output ${o}`).toBeLessThan(bound);
    }
  });
});

describe('whoever makes it', () => {
  it('compiles in every tile, and leaves to batch norm what it does not sum itself', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    let count = 0;
    for (const name of Object.keys(CASES))
      for (const sums of [64, 32, 16])
        for (const threads of [128, 20_000]) {
          const { y } = setUp(CASES[name]);
          using program = await compile(likeGpu(device, threads, sums, 2 * sums), { outputs: [y, batchNormStats(y)] });
          // A few tiles are none that stage; then batch norm reads what they made.
          const kernels = kernelsOf(program.steps);
          const isSummed = kernels.some((kernel) => kernel.endsWith('_summed'));
          expect(kernels.includes('batch_norm_stats'), name).toBe(!isSummed);
          if (isSummed) count++;
        }
    expect(count).toBeGreaterThan(50);
    // Channels that must be padded, and an epilogue, which the summing depthwise kernel has not.
    const [x, gamma] = [input('x', [2, 9, 11, 8]), input('gamma', [8])];
    const { y: normed } = batchNorm(x, gamma, gamma);
    const dilated = depthwiseConv2d(normed, input('w', [3, 3, 8]), { padding: 2, dilation: 2 });
    using backward = await compile(asHardware(device), { outputs: grad(dilated, [x], input('dy', dilated.shape)) });
    expect(kernelsOf(backward.steps)).toContain('batch_norm_sums');
    const padded = conv2d(input('x', [2, 9, 11, 8]), input('w', [3, 3, 8, 6]));
    const ended = relu(depthwiseConv2d(input('x', [2, 9, 11, 8]), input('w', [3, 3, 8])));
    for (const y of [padded, ended]) {
      using program = await compile(asHardware(device), { outputs: [batchNormStats(y)] });
      expect(kernelsOf(program.steps)).toContain('batch_norm_stats');
    }
    using software = await compile(asLavapipe(device), {
      outputs: [batchNormStats(setUp(CASES['a depthwise convolution']).y)],
    });
    expect(kernelsOf(software.steps)).toContain('batch_norm_stats');
  });
});
