import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../../engine/device/device.ts';
import { openGpu } from '../../../engine/device/gpu.node.ts';
import type { TuningforkBackend } from '../../../models/tfjs/backend.ts';
import { registerTuningfork } from '../../../models/tfjs/register.ts';
import { ADAPTERS } from '../../gpu.ts';

describe.each(ADAPTERS)('the tfjs backend on %s', (adapter) => {
  let device: Device;
  const counts = () => ({ ...(tf.backend() as TuningforkBackend).programs.counts });
  beforeAll(async () => {
    registerTuningfork(async () => (device = await openDevice({ gpu: openGpu({ adapter }) })));
    expect(await tf.setBackend('tuningfork')).toBe(true);
  });
  afterAll(() => {
    expect(tf.memory().numTensors).toBe(0);
    tf.removeBackend('tuningfork');
    expect(device.memory.buffers).toBe(0);
  });
  const read = async (make: () => tf.Tensor): Promise<number[]> => {
    const y = tf.tidy(make);
    const values = [...(await y.data())];
    y.dispose();
    return values;
  };

  it('computes all that is recorded at once, when numbers are asked for', async () => {
    const before = counts();
    const [a, y] = tf.tidy(() => {
      const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
      return [x, x.matMul(x).add(1).relu().mul(2)];
    });
    expect(counts()).toEqual(before);
    expect([...(await y.data())]).toEqual([16, 22, 32, 46]);
    expect(counts()).toEqual({ asked: before.asked + 1, made: before.made + 1 });
    tf.dispose([a, y]);
  });

  it('computes what nobody asks for as well, as soon as the program awaits, and makes each program once', async () => {
    const weight = tf.tidy(() => tf.variable(tf.tensor1d([1, 2])));
    const before = counts();
    const steps = async (from: number, to: number) => {
      for (let step = from; step < to; step++) {
        tf.tidy(() => weight.assign(weight.mul(2).add(tf.scalar(step))));
        await tf.nextFrame();
      }
      while (counts().asked < before.asked + to) await tf.nextFrame();
      // Nothing is recorded here: it waits for what is under way.
      await tf.time(() => undefined);
      return device.memory.buffers;
    };
    const buffers = await steps(0, 2);
    expect(await steps(2, 5)).toBe(buffers);
    expect(counts()).toEqual({ asked: before.asked + 5, made: before.made + 1 });
    // 2·(2·(2·(2·(2·w + 0) + 1) + 2) + 3) + 4 = 32·w + 26.
    expect([...(await weight.data())]).toEqual([58, 90]);
    weight.dispose();
  });

  it('computes a loop that never awaits, afterwards', async () => {
    const y = tf.tidy(() => {
      let sum: tf.Tensor = tf.zeros([3]);
      for (let i = 0; i < 300; i++) sum = tf.tidy(() => sum.add(tf.scalar(i)));
      return sum;
    });
    expect([...(await y.data())]).toEqual([44850, 44850, 44850]);
    y.dispose();
  });

  it('gives numbers at once where they were never computed, and else says why not', async () => {
    const x = tf.tensor1d([1, 2]);
    expect([...x.dataSync()]).toEqual([1, 2]);
    const y = x.add(1);
    expect(() => y.dataSync()).toThrow('await data() or array() instead');
    expect(await y.array()).toEqual([2, 3]);
    tf.dispose([x, y]);
  });

  it('gives the numbers of a tensor that is disposed while they are read', async () => {
    const x = tf.tensor1d([1, 2]);
    const y = x.add(1);
    const reading = y.data();
    tf.dispose([x, y]);
    expect([...(await reading)]).toEqual([2, 3]);
    const z = tf.tidy(() => tf.tensor1d([3]).square());
    await z.data();
    const again = z.data();
    z.dispose();
    expect([...(await again)]).toEqual([9]);
  });

  it('keeps integers and truths apart from floats', async () => {
    const x = tf.tensor1d([7, -7, 6], 'int32');
    const quotient = tf.tidy(() => x.floorDiv(tf.scalar(3, 'int32')));
    expect(await quotient.data()).toEqual(Int32Array.of(2, -3, 2));
    const isLarge = x.greater(0);
    expect(await isLarge.data()).toEqual(Uint8Array.of(1, 0, 1));
    expect(await read(() => x.mod(tf.scalar(3, 'int32')))).toEqual([1, 2, 0]);
    expect(await read(() => tf.tensor1d([1.9, -1.9, NaN]).toInt())).toEqual([1, -1, 0]);
    expect(() => tf.tidy(() => tf.scalar(2 ** 24 + 1, 'int32').add(1))).toThrow('a tensor holds 16777217');
    tf.dispose([x, quotient, isLarge]);
  });

  it('runs what it has no op for on the CPU, where the numbers are there, and else refuses it', async () => {
    expect(await read(() => tf.sin(tf.scalar(0)))).toEqual([0]);
    expect(() => tf.tidy(() => tf.sin(tf.scalar(1).add(1)))).toThrow(
      'the kernel Sin of tfjs runs on the CPU, and one of its inputs was computed on the GPU',
    );
    expect(await read(() => tf.concat([tf.tensor1d([]), tf.tensor1d([1])]))).toEqual([1]);
  });

  it('says to whom asks for it why something could not be computed, and computes the rest', async () => {
    const x = tf.tensor1d([1, 2, 3]);
    device.memoryLimit = 1;
    const y = x.add(1);
    await expect(y.data()).rejects.toThrow('does not fit');
    device.memoryLimit = Infinity;
    const z = y.add(1);
    await expect(z.data()).rejects.toThrow('does not fit');
    expect(await read(() => x.add(1))).toEqual([2, 3, 4]);
    tf.dispose([x, y, z]);
  });

  it('takes tensors of another backend, and gives them back', async () => {
    await tf.setBackend('cpu');
    const x = tf.tidy(() => tf.tensor1d([1, 2]).add(1));
    await tf.setBackend('tuningfork');
    expect(await read(() => x.mul(2))).toEqual([4, 6]);
    x.dispose();
  });
});
