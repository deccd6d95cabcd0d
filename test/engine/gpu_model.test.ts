import { describe, expect, it } from 'vitest';
import { gpuModel } from '../../engine/device/gpu_model.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { input } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { outline } from '../../engine/program/outline.ts';

const named = (vendor: string, architecture = '', description = '') => gpuModel({ vendor, architecture, description });

describe('what is known of a GPU', () => {
  it('is told by vendor and architecture, or by a description', () => {
    expect(named('nvidia', 'ampere')?.sums).toBe(64);
    expect(named('amd', 'rdna-2')?.sums).toBe(64);
    expect(named('apple', 'metal-3')?.sums).toBe(32);
    expect(named('mesa', 'software', 'Honeykrisp: Mesa 26')?.sums).toBe(32);
    expect(named('intel', 'xe-lpg')).toMatchObject({ sums: 16, numbers: 34 });
    expect(named('nvidia', '', 'NVIDIA H100 80GB HBM3')?.perByte).toBeLessThan(named('nvidia', 'ampere')!.perByte);
    expect(named('arm', 'valhall')).toBeUndefined();
    expect(named('')).toBeUndefined();
  });

  it('decides how many sums a thread has, 4 x 4 where nothing is known', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    const y = matmul(input('a', [2048, 2048]), input('b', [2048, 2048]));
    for (const [vendor, high, wide] of [
      ['nvidia', 2, 2],
      ['apple', 1, 2],
      ['intel', 1, 1],
      ['arm', 1, 1],
    ] as const) {
      Object.assign(device.capabilities, { software: false, gpu: named(vendor) });
      const [{ launch }] = outline(device, { outputs: [y] }).lowered.steps;
      expect(launch.overrides, vendor).toMatchObject({ HIGH: high, WIDE: wide });
    }
  });
});
