import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { mul, relu } from '../../engine/ops/pointwise.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { outline } from '../../engine/program/outline.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { leastTraffic, stepCosts } from '../../models/step_cost.ts';

let device: Device;
beforeAll(async () => {
  // Only planned for: nothing is computed.
  device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
});
afterAll(() => device[Symbol.dispose]());

/** The steps of a program by kernel, with what each costs. */
function planned(...outputs: Tensor[]) {
  const { lowered } = outline(device, { outputs });
  const costs = stepCosts(lowered);
  return {
    least: leastTraffic(lowered),
    steps: lowered.steps.map(({ launch, tensor }, i) => ({
      kernel: launch.kernel.name,
      op: tensor.op.name,
      ...costs[i],
    })),
  };
}
const total = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

describe('what a step costs', () => {
  it('is what it reads and writes, four bytes a number', () => {
    const x = input('x', [8, 32]);
    const { steps, least } = planned(relu(x));
    expect(steps).toMatchObject([
      { kernel: 'pointwise', read: 1024, written: 1024, bound: 2048, flops: 0, threads: 64 },
    ]);
    expect(least).toEqual({ read: 1024, written: 1024 });
  });
  it('counts what is read twice once', () => {
    const x = input('x', [8, 32]);
    expect(planned(mul(x, x)).steps).toMatchObject([{ read: 1024, written: 1024, bound: 2048 }]);
  });
  it('counts a product by its sizes', () => {
    const [a, b] = [input('a', [64, 32]), input('b', [32, 16])];
    const { steps } = planned(matmul(a, b));
    expect(total(steps.map(({ flops }) => flops))).toBe(2 * 64 * 32 * 16);
    expect(steps[0]).toMatchObject({ op: 'matmul', read: 4 * (64 * 32 + 32 * 16) });
    expect(steps.at(-1)!.written).toBe(4 * 64 * 16);
  });
  it('counts each input and gradient of a convolution once, whatever kernels make it', () => {
    const [x, w] = [input('x', [2, 9, 9, 8]), input('w', [3, 3, 8, 16])];
    const y = conv2d(x, w, { stride: 2, padding: 'same' });
    const { steps } = planned(y, ...grad(sum(mul(y, y)), [x, w]));
    for (const op of ['conv2d', 'conv2d_input_grad', 'conv2d_filter_grad'])
      expect(total(steps.filter((step) => step.op === op).map(({ flops }) => flops))).toBeCloseTo(
        2 * 2 * 5 * 5 * 9 * 8 * 16,
        6,
      );
  });
  it("counts Winograd's own products, and each stretch of tiles by itself", () => {
    const [x, w] = [input('x', [32, 28, 28, 256]), input('w', [3, 3, 256, 256])];
    const { steps } = planned(conv2d(x, w, { padding: 'same' }));
    const transforms = steps.filter(({ kernel }) => kernel === 'winograd_input');
    expect(transforms.length).toBeGreaterThan(1);
    expect(total(transforms.map(({ read }) => read))).toBeCloseTo(4 * 32 * 28 * 28 * 256, 3);
    const outputs = steps.filter(({ kernel }) => kernel === 'winograd_output');
    expect(total(outputs.map(({ written }) => written))).toBeCloseTo(4 * 32 * 28 * 28 * 256, 3);
    // 16 products where the sum has 36: Winograd's F(2x2, 3x3).
    expect(total(steps.map(({ flops }) => flops))).toBe((2 * 32 * 28 * 28 * 9 * 256 * 256 * 16) / 36);
  });
});

describe('the least that a schedule moves', () => {
  const [x, v, w] = [input('x', [64, 32]), input('v', [32, 32]), input('w', [32, 16])];
  it('leaves out what can be made where it is read', () => {
    const { least, steps } = planned(matmul(relu(relu(x)), v));
    expect(least).toEqual({ read: 4 * (64 * 32 + 32 * 32), written: 4 * 64 * 32 });
    expect(total(steps.map(({ read, written }) => read + written))).toBeGreaterThan(least.read + least.written);
  });
  it('has what a product makes for another, written once and read once', () => {
    const { least } = planned(matmul(relu(matmul(x, v)), w));
    expect(least).toEqual({
      read: 4 * (64 * 32 + 32 * 32 + 32 * 16 + 64 * 32),
      written: 4 * (64 * 32 + 64 * 16),
    });
  });
});
