import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../../engine/device/device.ts';
import { openGpu } from '../../../engine/device/gpu.node.ts';
import type { TuningforkBackend } from '../../../models/tfjs/backend.ts';
import { registerTuningfork } from '../../../models/tfjs/register.ts';
import { ADAPTERS } from '../../gpu.ts';
import { randomArray, uniform } from '../../random.ts';
import { sumBound } from '../../tolerance.ts';

const { layers } = tf;
const IMAGES = 24;
const [SIDE, CHANNELS, CLASSES] = [12, 2, 3];

const smallCnn = (): tf.Sequential =>
  tf.sequential({
    layers: [
      layers.conv2d({
        filters: 6,
        kernelSize: 3,
        padding: 'same',
        activation: 'relu',
        inputShape: [SIDE, SIDE, CHANNELS],
      }),
      layers.maxPooling2d({ poolSize: 2 }),
      layers.conv2d({ filters: 8, kernelSize: 3, activation: 'relu' }),
      layers.averagePooling2d({ poolSize: 2 }),
      layers.flatten(),
      layers.dense({ units: 10, activation: 'tanh' }),
      layers.dense({ units: CLASSES, activation: 'softmax' }),
    ],
  });

/** As MobileNet: depthwise and pointwise convolutions, batch norm and relu6; all but the last layers are frozen. */
function fineTuned(): tf.Sequential {
  const block = (filters: number, strides: number) => [
    layers.depthwiseConv2d({ kernelSize: 3, strides, padding: 'same', useBias: false }),
    layers.batchNormalization(),
    layers.reLU({ maxValue: 6 }),
    layers.conv2d({ filters, kernelSize: 1, useBias: false }),
    layers.batchNormalization(),
    layers.reLU({ maxValue: 6 }),
  ];
  const base = [
    layers.conv2d({
      filters: 8,
      kernelSize: 3,
      strides: 2,
      padding: 'same',
      useBias: false,
      inputShape: [SIDE, SIDE, CHANNELS],
    }),
    layers.batchNormalization(),
    layers.reLU({ maxValue: 6 }),
    ...block(12, 1),
    ...block(16, 2),
  ];
  for (const layer of base) layer.trainable = false;
  const head = [
    ...block(16, 1),
    layers.globalAveragePooling2d({}),
    layers.dense({ units: CLASSES, activation: 'softmax' }),
  ];
  return tf.sequential({ layers: [...base, ...head] as tf.layers.Layer[] });
}

interface Trained {
  readonly losses: number[];
  readonly weights: Float32Array[];
}

/** Trains on the backend in use, always from the same weights; `noise` moves each by a random part of it. */
async function train(
  make: () => tf.Sequential,
  optimizer: () => tf.Optimizer,
  { noise = 0, epochs = 3, onEpoch = () => {} }: { noise?: number; epochs?: number; onEpoch?: () => void } = {},
): Promise<Trained> {
  const model = make();
  const random = uniform(5);
  const moved = (values: Float32Array) => values.map((v) => v * (1 + noise * (2 * random() - 1)));
  const initial = model.weights.map(({ name, shape }, i) => {
    const size = (shape as number[]).reduce((a, b) => a * b, 1);
    // Variances are positive.
    const low = /variance|gamma/.test(name) ? 0.5 : -0.5;
    return tf.tensor(moved(randomArray(size, 20 + i, low, low + 1)), shape as number[]);
  });
  model.setWeights(initial);
  const rule = optimizer();
  model.compile({ optimizer: rule, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
  const x = tf.tensor4d(moved(randomArray(IMAGES * SIDE * SIDE * CHANNELS, 3)), [IMAGES, SIDE, SIDE, CHANNELS]);
  const classes = Int32Array.from({ length: IMAGES }, (_, i) => i % CLASSES);
  const y = tf.tidy(() => tf.oneHot(tf.tensor1d(classes, 'int32'), CLASSES));
  const { history } = await model.fit(x, y, {
    batchSize: 8,
    epochs,
    shuffle: false,
    verbose: 0,
    callbacks: { onEpochEnd: onEpoch },
  });
  const weights = await Promise.all(model.getWeights().map((w) => w.data<'float32'>()));
  model.dispose();
  rule.dispose();
  tf.dispose([x, y, initial]);
  return { losses: history['loss'].map(Number), weights };
}

const largestDifference = (a: ArrayLike<number>[], b: ArrayLike<number>[]): number =>
  Math.max(...a.flatMap((values, i) => Array.from(values, (v, j) => Math.abs(v - b[i][j]))));

describe.each(ADAPTERS)('model.fit of tfjs on %s', (adapter) => {
  let device: Device;
  beforeAll(() => registerTuningfork(async () => (device = await openDevice({ gpu: openGpu({ adapter }) }))));
  afterAll(() => {
    tf.removeBackend('tuningfork');
    expect(device.memory.buffers).toBe(0);
  });

  it.each([
    ['a small CNN, by SGD', smallCnn, () => tf.train.sgd(0.05)],
    ['a small CNN, by Adam', smallCnn, () => tf.train.adam(0.01)],
    ['the last layers of a MobileNet, by Adam', fineTuned, () => tf.train.adam(0.01)],
  ])('trains %s as its cpu backend does', async (_, make, optimizer) => {
    await tf.setBackend('cpu');
    const want = await train(make, optimizer);
    // A sum in another order is the exact sum of operands that were moved by as much as its rounding (Higham 2002,
    // section 3.1): so far such moves carry, and as many layers and steps add up what they do.
    const noise = sumBound(SIDE * SIDE * 8, 1);
    const other = await train(make, optimizer, { noise });
    const allowed =
      4 * Math.max(largestDifference([want.losses], [other.losses]), largestDifference(want.weights, other.weights));
    await tf.setBackend('tuningfork');
    const got = await train(make, optimizer);
    expect(got.losses.length).toBe(3);
    expect(got.losses[2]).toBeLessThan(got.losses[0]);
    expect(largestDifference([got.losses], [want.losses])).toBeLessThan(allowed);
    expect(largestDifference(got.weights, want.weights)).toBeLessThan(allowed);
    expect(allowed).toBeLessThan(0.05);
  });

  it('makes its programs in the first epochs, and holds no more memory afterwards', async () => {
    await tf.setBackend('tuningfork');
    const { programs } = tf.backend() as TuningforkBackend;
    const seen: object[] = [];
    await train(smallCnn, () => tf.train.adam(0.01), {
      epochs: 5,
      onEpoch: () => {
        seen.push({ made: programs.counts.made, buffers: device.memory.buffers, tensors: tf.memory().numTensors });
      },
    });
    expect(seen[4]).toEqual(seen[1]);
    expect(tf.memory().numTensors).toBe(0);
  });
});
