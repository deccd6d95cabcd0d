import { describe, expect, it } from 'vitest';
import type { Device } from '../../engine/device/device.ts';
import { updateRunningStats } from '../../engine/ops/assign.ts';
import { batchNorm } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { depthwiseConv2d } from '../../engine/ops/depthwise_conv2d.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, silu } from '../../engine/ops/pointwise.ts';
import { avgPool2d, globalAvgPool } from '../../engine/ops/pool.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { softmaxCrossEntropy } from '../../engine/ops/softmax_cross_entropy.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Precision } from '../../engine/program/precision.ts';
import { learningRateAt } from '../../engine/train/schedule.ts';
import { TrainStep } from '../../engine/train/train_step.ts';
import { ParameterSet } from '../../models/parameter_set.ts';
import type { ParameterKind, ParameterSpec } from '../../models/parameter_spec.ts';
import { PlainDevice } from '../../web/plain/plain_device.ts';
import { expectGradient } from '../finite_differences.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray, uniform } from '../random.ts';
import * as reference from '../reference/training.ts';
import { NAMES, SHAPES, type Arrays, type Name, type Rounding, type Statistics } from '../reference/training.ts';
import { UNIT, expectWithin } from '../tolerance.ts';

/*
 * Whole steps of training, the engine's against float64 loops that share no code with it: the loss, every weight and
 * moment and the running statistics after each step.
 *
 * How far the two may be apart is found by the method of random rounding (Parker 1997, "Monte Carlo arithmetic"): the
 * reference trains again with every result changed at random by up to what the engine's arithmetic may change it by,
 * and so meets the amplification by the network, by Adam (which divides by the gradient's own size) and by the steps
 * before.
 */

const BATCH = 4;
const EPOCHS = 2;
const STEPS_PER_EPOCH = 4;
const RATE = 0.02;
const WARMUP = 3;

const SETTINGS = { beta1: 0.8, beta2: 0.95, epsilon: 1e-2, weightDecay: 0.2, momentum: 0.3 };
const RUNS = 12;
/**
 * A deviation adds up from very many roundings, so it is distributed normally, and the largest of `RUNS` random ones is
 * above its standard deviation in all but 1 of 100 cases (0.68^12): 6 of these leave 2 of 10^9.
 */
const SAFETY = 6;
/** The bounds stay below this share of what training has changed: larger ones would show no fault. */
const TELLING = { f32: 0.01, f16: 0.2 };

const float64 = (values: ArrayLike<number>) => Float64Array.from(values);
const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Filters of a size that keeps activations near 1; scales, shifts and biases away from 1 and 0. */
function initialWeights(): Arrays {
  const values = NAMES.map((name, i) => {
    const shape: readonly number[] = SHAPES[name];
    if (name.endsWith('gamma')) return randomArray(sizeOf(shape), i, 0.6, 1.4);
    if (shape.length === 1) return randomArray(sizeOf(shape), i, -0.3, 0.3);
    const fanIn = name === 'depthwise.w' ? 9 : sizeOf(shape.slice(0, -1));
    return randomArray(sizeOf(shape), i, -2 / Math.sqrt(fanIn), 2 / Math.sqrt(fanIn));
  });
  return Object.fromEntries(NAMES.map((name, i) => [name, float64(values[i])])) as Arrays;
}
const initialStatistics = (): Statistics => ({
  bn1: float64(randomArray(8, 50, 0.2, 0.8)),
  bn2: float64(randomArray(8, 51, 0.2, 0.8)),
});

const KINDS: Record<string, ParameterKind> = { gamma: 'gamma', beta: 'beta', b: 'bias' };
const kindOf = (name: Name): ParameterKind =>
  name === 'depthwise.w' ? 'depthwise' : name === 'dense.w' ? 'dense' : (KINDS[name.split('.')[1]] ?? 'filter');
const SPECS: readonly ParameterSpec[] = [
  ...NAMES.map((name) => ({ name, shape: SHAPES[name], kind: kindOf(name), trainable: true })),
  ...['bn1.mean', 'bn1.var', 'bn2.mean', 'bn2.var'].map(
    (name): ParameterSpec => ({ name, shape: [4], kind: name.endsWith('mean') ? 'mean' : 'var', trainable: false }),
  ),
];

/** What training begins with, under the names of SPECS. */
function initialArrays(): Map<string, Float32Array> {
  const { bn1, bn2 } = initialStatistics();
  const statistics = {
    'bn1.mean': bn1.subarray(0, 4),
    'bn1.var': bn1.subarray(4),
    'bn2.mean': bn2.subarray(0, 4),
    'bn2.var': bn2.subarray(4),
  };
  return new Map(
    Object.entries({ ...initialWeights(), ...statistics }).map(([name, values]) => [name, Float32Array.from(values)]),
  );
}

/** Four batches, in another order in each epoch: the batch of each step. */
const BATCHES = Array.from({ length: STEPS_PER_EPOCH }, (_, b) => {
  const targets = Float32Array.from({ length: BATCH * reference.CLASSES }, (_, i) =>
    i % reference.CLASSES === (b + Math.floor(i / reference.CLASSES)) % reference.CLASSES ? 0.75 : 0.125,
  );
  return { x: randomArray(BATCH * reference.SIDE ** 2 * reference.CHANNELS, 200 + b, -1, 2), targets };
});
const ORDER = [0, 1, 2, 3, 2, 0, 3, 1];
const TOTAL = EPOCHS * STEPS_PER_EPOCH;

/** All that a step leaves behind, by name. */
type Snapshot = ReadonlyMap<string, ArrayLike<number>>;

function snapshot(loss: number, { w, m, v, running }: reference.Training): Snapshot {
  const all = NAMES.flatMap((name): [string, Float64Array][] => [
    [name, w[name].slice()],
    [`${name}/m`, m[name].slice()],
    [`${name}/v`, v[name].slice()],
  ]);
  return new Map<string, ArrayLike<number>>([
    ['loss', [loss]],
    ...all,
    ['bn1.stats', running.bn1.slice()],
    ['bn2.stats', running.bn2.slice()],
  ]);
}

interface Options {
  readonly clipNorm?: number;
  readonly precision: Precision;
  readonly lossScale: number;
}

function trainReference({ clipNorm }: Options, rounded?: Rounding): { after: Snapshot[]; norms: number[] } {
  const training = new reference.Training(initialWeights(), initialStatistics(), { ...SETTINGS, clipNorm }, rounded);
  const norms: number[] = [];
  const after = ORDER.map((b, step) => {
    const rate = reference.rateAt(RATE, WARMUP, TOTAL, step);
    const { loss, norm } = training.step(float64(BATCHES[b].x), float64(BATCHES[b].targets), rate);
    norms.push(norm);
    return snapshot(loss, training);
  });
  return { after, norms };
}

/** Every result off by up to its share of roundings, and by one of f16 where that is stored. */
function randomRounding(seed: number, { precision, lossScale }: Options): Rounding {
  const next = uniform(seed);
  const either = () => 2 * next() - 1;
  return (values, roundings, pixels) => {
    // The smallest f16 numbers are 2^-24 apart; cotangents are scaled when they are stored.
    const least = 2 ** -25 / (pixels === 'cotangent' ? lossScale : 1);
    const half = precision === 'f16' && pixels !== undefined;
    return values.map(
      (v) => v * (1 + roundings * UNIT * either()) + (half ? v * 2 ** -11 * either() + least * either() : 0),
    );
  };
}

/** For each step and array: how far an element may be off. */
function bounds(options: Options, exact: readonly Snapshot[]): ReadonlyMap<string, number>[] {
  const largest = exact.map(() => new Map<string, number>());
  for (let run = 0; run < RUNS; run++)
    trainReference(options, randomRounding(1000 + run, options)).after.forEach((noisy, step) => {
      for (const [name, values] of exact[step]) {
        const off = Math.max(...Array.from(values, (v, i) => Math.abs(noisy.get(name)![i] - v)));
        largest[step].set(name, Math.max(largest[step].get(name) ?? 0, SAFETY * off));
      }
    });
  return largest;
}

async function trainEngine(device: Device, { clipNorm, precision, lossScale }: Options): Promise<Snapshot[]> {
  // As networks keep them: in pools, whose neighbours are updated together.
  using parameters = new ParameterSet(device, SPECS, initialArrays(), 0);
  const w = (name: Name) => parameters.tensor(name);
  const normalised = (bn: 'bn1' | 'bn2', x: Tensor) =>
    batchNorm(x, w(`${bn}.gamma`), w(`${bn}.beta`), { epsilon: reference.BN_EPSILON, activation: 'silu' });
  const x = input('x', [BATCH, reference.SIDE, reference.SIDE, reference.CHANNELS]);
  const targets = input('targets', [BATCH, reference.CLASSES]);
  const first = normalised('bn1', conv2d(x, w('conv1.w'), { padding: 'same' }));
  const shrunk = avgPool2d(first.y, { size: 2 });
  const second = normalised('bn2', depthwiseConv2d(shrunk, w('depthwise.w'), { padding: 'same' }));
  const third = silu(add(conv2d(second.y, w('conv2.w'), { stride: 2, padding: 'same' }), w('conv2.b')));
  const logits = add(matmul(globalAvgPool(third), w('dense.w')), w('dense.b'));
  const loss = reshape(mean(softmaxCrossEntropy(logits, targets)), []);
  const { momentum, ...adam } = SETTINGS;
  using step = await TrainStep.create(device, {
    loss,
    trainable: parameters.trainable(),
    updates: [first, second].map(({ stats }, i) => {
      const pixels = (BATCH * reference.SIDE ** 2) / [1, 4][i];
      return updateRunningStats(parameters.tensor(`bn${i + 1}.stats`), stats, pixels, momentum);
    }),
    adam: { ...adam, clipNorm },
    precision,
    lossScale: { initial: lossScale, growAfter: 2000 },
  });
  const after: Snapshot[] = [];
  for (const [at, b] of ORDER.entries()) {
    const schedule = { kind: 'cosine', learningRate: RATE, warmupSteps: WARMUP, totalSteps: TOTAL } as const;
    step.run(BATCHES[b], learningRateAt(schedule, at));
    const found = new Map<string, ArrayLike<number>>([['loss', await step.read(loss)]]);
    for (const p of parameters.all) found.set(p.name, await p.read());
    for (const [name, { data }] of await step.state()) found.set(name, data);
    after.push(found);
  }
  return after;
}

/** All norms are above the first limit and below the second: a test says so. */
const ACTIVE = 0.05;
const INACTIVE = 50;

async function expectSameTraining(device: Device, options: Options): Promise<void> {
  const { after: exact } = trainReference(options);
  const allowed = bounds(options, exact);
  const got = await trainEngine(device, options);
  const begun = new Map(Object.entries({ ...initialWeights(), ...initialStatistics() }));
  for (const [step, want] of exact.entries())
    for (const [name, values] of want) {
      const bound = allowed[step].get(name)!;
      expectWithin(got[step].get(name)!, values, () => bound, `${name} after step ${step + 1}`);
      const from = begun.get(name.replace('.stats', ''));
      const moved = Math.max(...Array.from(values, (v, i) => Math.abs(v - (from?.[i] ?? 0))));
      expect(bound, `the bound of ${name} after step ${step + 1} beside what has changed`).toBeLessThan(
        TELLING[options.precision] * moved,
      );
    }
}

const CLIPPED = [
  ['without clipping', undefined],
  ['with clipping that every gradient needs', ACTIVE],
  ['with clipping that no gradient needs', INACTIVE],
] as const;

describe('training without a GPU', () => {
  it.each(CLIPPED)('%s is that of the reference, step by step', async (_, clipNorm) => {
    using device = new PlainDevice();
    await expectSameTraining(device, { clipNorm, precision: 'f32', lossScale: 1 });
    expect(device.memory.buffers).toBe(0);
  });
});

describeAdapters('training in f32', (device) => {
  it.each(CLIPPED)('%s is that of the reference, step by step', async (_, clipNorm) => {
    await expectSameTraining(device(), { clipNorm, precision: 'f32', lossScale: 1 });
  });
});

// SwiftShader has no 16-bit floats.
describeAdapters(
  'training in f16',
  (device) => {
    it.each(CLIPPED)('%s is that of the reference, step by step', async (_, clipNorm) => {
      await expectSameTraining(device(), { clipNorm, precision: 'f16', lossScale: 2 ** 10 });
    });
  },
  ['lavapipe'],
);

describe('the reference of training', () => {
  it('has gradients that central differences agree with', () => {
    const w = initialWeights();
    const [x, t] = [float64(BATCHES[0].x), float64(BATCHES[0].targets)];
    const lossOf = (values: readonly Float64Array[]) => {
      const at = Object.fromEntries(NAMES.map((name, i) => [name, values[i]])) as Arrays;
      return Float64Array.of(reference.lossAndGradients(at, x, t).loss);
    };
    const { gradients } = reference.lossAndGradients(w, x, t);
    expectGradient(
      lossOf,
      NAMES.map((name) => w[name]),
      Float64Array.of(1),
      NAMES.map((name) => gradients[name]),
    );
  });

  it('has norms on either side of the limits that the tests clip at', () => {
    for (const clipNorm of [undefined, ACTIVE, INACTIVE])
      for (const norm of trainReference({ clipNorm, precision: 'f32', lossScale: 1 }).norms) {
        expect(norm).toBeGreaterThan(2 * ACTIVE);
        expect(norm).toBeLessThan(INACTIVE / 2);
      }
  });
});
