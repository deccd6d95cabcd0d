import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { input } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { exp, mul } from '../../engine/ops/pointwise.ts';
import { compile, type MemoryNeed } from '../../engine/program/program.ts';
import { UserError } from '../../engine/user_error.ts';

describe('what a program needs', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
  });
  afterAll(() => device[Symbol.dispose]());

  it('is told before anything is allocated, and is what is allocated then', async () => {
    using w = new Parameter(device, 'w', [64, 32], () => new Float32Array(64 * 32));
    const y = exp(matmul(matmul(input('x', [128, 64]), w.tensor), input('z', [32, 16])));
    let told: MemoryNeed | undefined;
    using program = await compile(device, {
      outputs: [y],
      onMemory(need) {
        expect(device.memory.buffers).toBe(0);
        told = need;
      },
    });
    expect(told!.total).toBe(device.memory.bytes);
    expect(told!.temporaries + told!.own).toBe(program.bytes);
    expect(told!.parameters).toBe(64 * 32 * 4);
    expect(told!.temporaries).toBeGreaterThanOrEqual(128 * 32 * 4);
  });

  it('beyond the limit is refused with nothing allocated, and to the byte at the limit is not', async () => {
    using w = new Parameter(device, 'w', [1000]);
    const y = mul(w.tensor, 2);
    let total = 0;
    const spec = { outputs: [y], onMemory: (need: MemoryNeed) => void (total = need.total) };
    try {
      device.memoryLimit = 4000;
      await expect(compile(device, spec)).rejects.toThrow(
        /does not fit: with it 0 MiB would be allocated.*--memory low/,
      );
      await expect(compile(device, spec)).rejects.toThrow(UserError);
      expect([device.memory.buffers, w.allocated]).toEqual([0, false]);
      device.memoryLimit = total;
      using program = await compile(device, spec);
      expect(device.memory.bytes).toBe(total);
      expect(program.bytes).toBe(total - 4000);
      // What is allocated already is not counted a second time, but not forgotten either.
      device.memoryLimit = total + program.bytes - 1;
      await expect(compile(device, spec)).rejects.toThrow(/does not fit/);
      device.memoryLimit = total + program.bytes;
      (await compile(device, spec))[Symbol.dispose]();
    } finally {
      device.memoryLimit = Infinity;
    }
  });

  it('a parameter that was disposed is not used again', async () => {
    const w = new Parameter(device, 'w', [4]);
    w[Symbol.dispose]();
    expect(() => w.binding).toThrow(/w is used after it was disposed/);
    expect(() => new Parameter(device, 'v', [4], new Float32Array(3))).toThrow(
      /v \[4\] holds 4 numbers and was given 3/,
    );
  });
});
