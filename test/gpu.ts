import { afterAll, beforeAll, describe, expect } from 'vitest';
import { openDevice, type Device } from '../engine/device/device.ts';
import { openGpu } from '../engine/device/gpu.node.ts';
import { compile, type Feed } from '../engine/program/program.ts';
import { asHardware } from './engine/as_adapter.ts';
import type { Tensor } from '../engine/tensor.ts';

/**
 * Every GPU test runs on all of these. TUNINGFORK_TEST_ADAPTERS narrows it while developing; a missing adapter fails.
 */
export const ADAPTERS = (process.env['TUNINGFORK_TEST_ADAPTERS'] ?? 'lavapipe,swiftshader').split(',');

/**
 * A describe block per adapter, of all that are tested or of those given. At its end the device must own no buffer any
 * more: every program and parameter was disposed.
 */
export function describeAdapters(
  title: string,
  body: (device: () => Device) => void,
  adapters: readonly string[] = ADAPTERS,
): void {
  describe.each(adapters)(`${title} on %s`, (adapter) => {
    let device: Device;
    beforeAll(async () => {
      device = await openDevice({ gpu: openGpu({ adapter }) });
    });
    afterAll(() => {
      const { buffers } = device.memory;
      device[Symbol.dispose]();
      expect(buffers, 'buffers still alive').toBe(0);
    });
    body(() => device);
  });
}

/** As describeAdapters, each adapter as it is and believed to be a GPU: for ops that have own kernels there. */
export function describeBothWays(title: string, body: (device: () => Device) => void): void {
  describeAdapters(title, (device) => {
    describe('as it is', () => body(device));
    describe('believed to be a GPU', () => body(() => asHardware(device())));
  });
}

/** Compiles, runs once, reads every output and frees everything. */
export async function evaluate(
  device: Device,
  outputs: readonly Tensor[],
  feeds: Record<string, Feed> = {},
  updates: readonly Tensor[] = [],
): Promise<Float32Array[]> {
  using program = await compile(device, { outputs, updates });
  program.run(feeds);
  const values: Float32Array[] = [];
  for (const t of outputs) values.push(await program.read(t));
  return values;
}
