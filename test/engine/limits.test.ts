import { describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { augmentImages } from '../../engine/ops/augment.ts';
import { batchNormInference } from '../../engine/ops/batch_norm.ts';
import { conv2d, conv2dInputGrad, type Conv2dGeometry } from '../../engine/ops/conv2d.ts';
import { depthwiseConv2d } from '../../engine/ops/depthwise_conv2d.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { avgPool2d, maxPool2d } from '../../engine/ops/pool.ts';
import { add, mul } from '../../engine/ops/pointwise.ts';
import { broadcastTo, sum } from '../../engine/ops/reduce.ts';
import { softmax } from '../../engine/ops/softmax_cross_entropy.ts';
import { compile } from '../../engine/program/program.ts';
import { outline } from '../../engine/program/outline.ts';
import { MAX_WORKGROUPS } from '../../kernels/kernel.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Tuning } from '../../engine/tuning.ts';
import { describeAdapters, evaluate } from '../gpu.ts';

/*
 * WebGPU takes 65,535 workgroups a side and bindings up to a limit of the adapter's. On both sides of each the results
 * must be the same: here samples repeat, so whatever the grid, every third must come out like the first three alone,
 * which a small program computes.
 */
const PERIOD = 3;

/** y for a batch of n, from `x` and small operands; samples are independent of each other. */
type Build = (n: number) => Tensor;

// As small as they can be: what is to be many are workgroups.
const small = (name: string, ...shape: number[]) => input(name, shape);
const CASES: readonly [string, Build][] = [
  ['pointwise', (n) => mul(add(input('x', [n, 1]), 1), small('s', 1))],
  ['matmul', (n) => matmul(input('x', [n, 4]), small('w', 4, 4))],
  ['matmul, transposed', (n) => matmul(small('w', 4, 4), input('x', [n, 4]), { transposeB: true })],
  ['conv2d 3x3', (n) => conv2d(input('x', [n, 1, 2, 4]), small('w', 3, 3, 4, 4), { padding: 1 })],
  [
    'conv2d_input_grad, stride 2',
    (n) => {
      const w = small('w', 3, 3, 4, 4);
      return conv2dInputGrad(
        input('x', [n, 1, 1, 4]),
        w,
        conv2d(input('z', [n, 2, 2, 4]), w, { padding: 1, stride: 2 }).attrs as unknown as Conv2dGeometry,
      );
    },
  ],
  ['conv2d, groups', (n) => conv2d(input('x', [n, 1, 1, 2]), small('w', 3, 3, 1, 2), { padding: 1, groups: 2 })],
  ['depthwise_conv2d', (n) => depthwiseConv2d(input('x', [n, 1, 1, 3]), small('w', 3, 3, 3), { padding: 1 })],
  ['max_pool2d', (n) => maxPool2d(input('x', [n, 2, 2, 1]), { size: 2, stride: 2 })],
  ['avg_pool2d', (n) => avgPool2d(input('x', [n, 2, 2, 1]), { size: 2, stride: 2 })],
  [
    'batch_norm',
    (n) =>
      batchNormInference(input('x', [n, 3]), small('stats', 2, 3), small('gamma', 3), small('beta', 3), {
        activation: 'relu',
      }),
  ],
  ['sum', (n) => sum(input('x', [n, 2]), [1])],
  ['broadcast', (n) => broadcastTo(input('x', [n, 1]), [n, 2])],
  ['softmax', (n) => softmax(input('x', [n, 2]))],
];

const inputsOf = (t: Tensor): Tensor[] => (t.op.name === 'input' ? [t] : t.inputs.flatMap(inputsOf));

/** Small whole numbers, for which sums are exact; those of the batch repeat after PERIOD samples. */
function feedsFor(y: Tensor): Record<string, Float32Array> {
  return Object.fromEntries(
    inputsOf(y).map((t) => {
      const values = new Float32Array(t.size);
      const period = t.name === 'x' ? (t.size / t.shape[0]) * PERIOD : t.size;
      for (let i = 0; i < values.length; i++) values[i] = (((i % period) * 7) % 5) + 1;
      return [t.name!, values];
    }),
  );
}

/** Where there is a choice, the one that needs the most workgroups for this op. */
function mostWorkgroups(device: Device, y: Tensor): Tuning {
  const groups = (tuning?: Tuning) =>
    Math.max(
      ...outline(device, { outputs: [y], tuning }).lowered.steps.map(({ launch }) =>
        launch.workgroups.reduce((a, b) => a * b),
      ),
    );
  const [point] = outline(device, { outputs: [y] }).lowered.choicePoints;
  let best: Tuning = { find: () => undefined };
  for (const choice of point?.choices.candidates ?? []) {
    const tuning = { find: () => choice };
    if (groups(tuning) > groups(best)) best = tuning;
  }
  return best;
}

/**
 * Beyond it a grid is folded, or its workgroups are larger than the 8 threads that tiles have on a software adapter.
 */
const isBeyond = (device: Device, y: Tensor, tuning: Tuning) =>
  outline(device, { outputs: [y], tuning }).lowered.steps.some(
    ({ launch: { workgroups, overrides } }) =>
      workgroups.reduce((a, b) => a * b) * ((overrides?.['LANES'] ?? 8) / 8) > MAX_WORKGROUPS,
  );

/** The largest batch that needs no more than 65,535 workgroups. */
function lastWithin(device: Device, build: Build, tuning: Tuning): number {
  let [low, high] = [PERIOD, PERIOD + 1];
  while (!isBeyond(device, build(high), tuning)) [low, high] = [high, high * 2];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    [low, high] = isBeyond(device, build(middle), tuning) ? [low, middle] : [middle, high];
  }
  return low;
}

async function run(device: Device, y: Tensor, tuning: Tuning): Promise<Float32Array> {
  using program = await compile(device, { outputs: [y], tuning });
  program.run(feedsFor(y));
  return program.read(y);
}

describeAdapters('65,535 workgroups', (device) => {
  it.each(CASES)('%s is the same on both sides', async (title, build) => {
    // Tiles keep their size: larger ones are what such a batch makes the default take.
    const tuning = /matmul|conv2d/.test(title) ? { find: () => undefined } : mostWorkgroups(device(), build(4096));
    const expected = await run(device(), build(PERIOD), tuning);
    const last = lastWithin(device(), build, tuning);
    for (const n of [last, last + 1]) {
      const y = build(n);
      const values = await run(device(), y, tuning);
      // For the transposed product the batch is the output's columns.
      const rows = y.shape[0] === n ? 1 : y.shape[0];
      const [length, period] = [y.size / rows, expected.length / rows];
      let wrong = 0;
      for (let i = 0; i < values.length; i++)
        if (values[i] !== expected[Math.floor(i / length) * period + ((i % length) % period)]) wrong++;
      expect(wrong, `wrong numbers of a batch of ${n}`).toBe(0);
    }
  });
});

describe('a grid', () => {
  it.each([true, false])('has no side beyond 65,535, however large the batch (software %s)', async (software) => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    Object.assign(device.capabilities, { software });
    for (const [title, build] of [
      ...CASES,
      [
        'augment',
        (n: number) =>
          augmentImages(input('i', [n, 4, 4], 'u32'), input('v', [n, 6]), input('c', [n, 12]), { size: 8, taps: 1 }),
      ] as const,
    ]) {
      for (let n = 2 ** 14; n <= 2 ** 24; n *= 2) {
        for (const { launch } of outline(device, { outputs: [build(n)] }).lowered.steps) {
          expect(Math.max(...launch.workgroups), `${title}, batch ${n}, ${launch.kernel.name}`).toBeLessThanOrEqual(
            MAX_WORKGROUPS,
          );
        }
      }
    }
  });
});

describeAdapters('a binding', (device) => {
  it('is used up to the last number where it is as large as the adapter binds, and refused by name where it is larger', async () => {
    const numbers = device().capabilities.maxStorageBinding / 4;
    // Made on the adapter and added up there: a CPU need not hold it.
    const columns = sum(reshape(broadcastTo(small('one', 1), [numbers]), [numbers / 4, 4]), [0]);
    const run = evaluate(device(), [columns], { one: Float32Array.of(1) });
    // SwiftShader binds a GiB and cannot allocate one: that is said too.
    if (device().capabilities.maxStorageBinding >= 2 ** 30)
      await expect(run).rejects.toThrow(/is out of memory: \d+ MiB were asked for/);
    else expect([...(await run)[0]]).toEqual(Array<number>(4).fill(numbers / 4));
    await expect(evaluate(device(), [mul(input('large', [numbers + 4]), 2)])).rejects.toThrow(
      /large: input\[\d+\] needs \d+ MiB, and 1 more, and .* binds at most \d+ MiB/,
    );
    expect(device().memory.buffers).toBe(0);
  });
});
