import { describe, expect, it } from 'vitest';
import { gpuModel } from '../../engine/device/gpu_model.ts';
import { GPU_SHEETS } from '../../engine/device/gpu_sheets.ts';
import type { LoweredStep } from '../../engine/program/lower.ts';
import { estimateStep } from '../../models/gpu_estimate.ts';
import type { StepCost } from '../../models/step_cost.ts';

const step = (kernel: string, workgroups: number) =>
  ({ launch: { kernel: { name: kernel }, workgroups: [workgroups, 1, 1] } }) as unknown as LoweredStep;
const cost = (flops: number, bytes: number): StepCost => ({
  threads: 64,
  flops,
  read: bytes / 4,
  written: (3 * bytes) / 4,
  bound: bytes,
});
const gpu = GPU_SHEETS['rtx-3090'];

describe('the time of a step on an RTX 3090 (35.6 TFLOP/s, 936 GB/s, 328 schedulers)', () => {
  it('is its arithmetic where that is most: 92 % of the peak in a product', () => {
    const { seconds, bound } = estimateStep(step('matmul_v2_workgroup', 1000), cost(35.6e9, 1e6), gpu);
    expect([bound, seconds]).toEqual(['arithmetic', expect.closeTo(1e-3 / 0.92, 9)]);
  });
  it('is twice that where half of the schedulers have a subgroup', () => {
    const { seconds } = estimateStep(step('matmul_v2_workgroup', 82), cost(35.6e9, 1e6), gpu);
    expect(seconds).toBeCloseTo(2e-3 / 0.92, 9);
  });
  it('is its bytes where they are most', () =>
    expect(estimateStep(step('pointwise', 1000), cost(0, 936e6), gpu)).toEqual({
      bound: 'memory',
      seconds: expect.closeTo(1e-3, 9),
    }));
  it('is a launch where both are less', () =>
    expect(estimateStep(step('reduce', 1), cost(0, 1000), gpu)).toEqual({ bound: 'launch', seconds: 5e-6 }));
  it('goes by the code that a maker has: depthwise convolutions of AMD have a larger share', () => {
    const on = (name: 'rx-6800' | 'rtx-3090') =>
      estimateStep(step('depthwise_conv2d_forward_v3', 10_000), cost(1e12, 0), GPU_SHEETS[name]).seconds;
    expect(on('rx-6800')).toBeCloseTo(1e12 / 16.2e12 / 0.65, 9);
    expect(on('rtx-3090')).toBeCloseTo(1e12 / 35.6e12 / 0.47, 9);
  });
});

describe('the data sheets', () => {
  it.each(Object.entries(GPU_SHEETS))(
    'of %s agree with a clock that there is',
    (_, { flops, subgroup, schedulers }) => {
      // Turing and A100 issue a subgroup over two clocks, RDNA3 counts two operations an instruction, Intel has 8
      // lanes.
      const gigahertz = flops / (2 * subgroup * schedulers) / 1e9;
      expect(gigahertz).toBeGreaterThan(0.58);
      expect(gigahertz).toBeLessThan(5.1);
    },
  );
  it.each([
    ['nvidia', 'hopper', '', 33_792, 7],
    ['nvidia', 'ampere', '', 20_992, 13],
    ['', '', 'AMD Radeon RX 6600 (RADV NAVI23)', 7680, 11],
    ['apple', 'metal-3', '', 2048, 13],
    ['intel', 'gen-12lp', '', 3072, 9],
  ])('make the model of %s %s%s', (vendor, architecture, description, threads, perByte) =>
    expect(gpuModel({ vendor, architecture, description })).toMatchObject({ threads, perByte }),
  );
  it('are found by the model as adapters of theirs are', () => {
    for (const { vendor, architecture, title } of Object.values(GPU_SHEETS))
      expect(gpuModel({ vendor, architecture, description: title }), title).toBeDefined();
  });
});
