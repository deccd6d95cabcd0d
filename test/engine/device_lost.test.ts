import { describe, expect, it } from 'vitest';
import { openDevice } from '../../engine/device/device.ts';
import { DeviceLostError } from '../../engine/device/device_lost.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { input } from '../../engine/ops/leaves.ts';
import { relu, sigmoid } from '../../engine/ops/pointwise.ts';
import { compile } from '../../engine/program/program.ts';
import { ADAPTERS } from '../gpu.ts';

describe.each(ADAPTERS)('a device that is lost, on %s', (adapter) => {
  it('is named with its reason by everything that is asked of it afterwards', async () => {
    const device = await openDevice({ gpu: openGpu({ adapter }) });
    const [x, y] = [input('x', [4]), input('y', [4])];
    const program = await compile(device, { outputs: [relu(x)] });
    const weight = new Parameter(device, 'w', [4], new Float32Array(4));
    expect([...(await weight.read())]).toEqual([0, 0, 0, 0]);
    device.gpu.destroy();
    const reason = await device.lost;
    expect(reason).not.toBe('');
    const asked: Record<string, () => unknown> = {
      run: () => program.run({ x: new Float32Array(4) }),
      idle: () => device.idle(),
      check: () => device.check(),
      read: () => weight.read(),
      write: () => weight.write(new Float32Array(4)),
      compile: () => compile(device, { outputs: [sigmoid(y)] }),
      buffer: () => device.createBuffer(16, GPUBufferUsage.STORAGE, 'scratch'),
    };
    for (const [name, ask] of Object.entries(asked)) {
      const told = await Promise.resolve()
        .then(ask)
        .catch((error: unknown) => error);
      expect(told, name).toBeInstanceOf(DeviceLostError);
      expect((told as Error).message, name).toBe(`the GPU was lost: ${reason}`);
    }
    device[Symbol.dispose]();
  });

  it('rejects what waits for it, with the reason', async () => {
    const device = await openDevice({ gpu: openGpu({ adapter }) });
    const x = input('x', [1 << 16]);
    const y = relu(x);
    const program = await compile(device, { outputs: [y] });
    program.run({ x: new Float32Array(1 << 16) });
    const waiting = [program.read(y), program.read(y)];
    device.gpu.destroy();
    for (const read of waiting) await expect(read).rejects.toThrow(/^the GPU was lost: ./);
    device[Symbol.dispose]();
  });
});
