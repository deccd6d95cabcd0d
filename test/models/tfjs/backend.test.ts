import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../../engine/device/device.ts';
import { openGpu } from '../../../engine/device/gpu.node.ts';
import type { TuningforkBackend } from '../../../models/tfjs/backend.ts';
import { registerTuningfork } from '../../../models/tfjs/register.ts';
import { ADAPTERS } from '../../gpu.ts';

describe.each(ADAPTERS)('the tfjs backend on %s', (adapter) => {
  let device: Device;
  const backend = () => tf.backend() as TuningforkBackend;
  beforeAll(async () => {
    registerTuningfork(async () => (device = await openDevice({ gpu: openGpu({ adapter }) })));
    expect(await tf.setBackend('tuningfork')).toBe(true);
  });
  afterAll(() => {
    tf.removeBackend('tuningfork');
    expect(device.memory.buffers).toBe(0);
  });

  it('computes when numbers are asked for', async () => {
    const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const y = tf.tidy(() => a.matMul(a).add(tf.scalar(1)));
    expect([...(await y.data())]).toEqual([8, 11, 16, 23]);
    tf.dispose([a, y]);
    expect(tf.memory().numTensors).toBe(0);
    expect(backend().programs.counts).toEqual({ asked: 1, made: 1 });
  });
});
