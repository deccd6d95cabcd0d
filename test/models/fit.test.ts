import { describe, expect, it } from 'vitest';
import {
  add,
  evaluate,
  fit,
  mean,
  Model,
  mul,
  Trainer,
  type EpochResult,
  type OptimizerOptions,
  type Tensor,
} from '../../index.ts';
import * as layers from '../../index.layers.ts';
import { UserError } from '../../engine/user_error.ts';
import { packCheckpoint, unpackCheckpoint } from '../../models/checkpoint.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { adamStep, sgdStep } from '../reference/optimizer.ts';
import { rateAt } from '../reference/training.ts';
import { expectWithin, UNIT } from '../tolerance.ts';

const { batchNorm, conv, dense, dropout, flatten, globalPool, relu, sequential } = layers;

/** A linear model of 3 inputs and 2 outputs, its parameters as they are drawn, and batches of 4 samples. */
const [IN, OUT, BATCH, STEPS] = [3, 2, 4, 5];
const batches = Array.from({ length: STEPS }, (_, t) => ({
  x: randomArray(BATCH * IN, 10 + t),
  y: randomArray(BATCH * OUT, 20 + t),
}));

/** Gradients of the mean squared error by the chain rule, in float64; each moved by up to `by` of its terms. */
function gradients(w: Float64Array, b: Float64Array, { x, y }: (typeof batches)[0], noise: () => number) {
  const [dw, db] = [new Float64Array(IN * OUT), new Float64Array(OUT)];
  for (let n = 0; n < BATCH; n++)
    for (let k = 0; k < OUT; k++) {
      let output = b[k];
      for (let c = 0; c < IN; c++) output += x[n * IN + c] * w[c * OUT + k];
      const slope = ((2 * (output - y[n * OUT + k])) / (BATCH * OUT)) * (1 + noise());
      for (let c = 0; c < IN; c++) dw[c * OUT + k] += slope * x[n * IN + c] * (1 + noise());
      db[k] += slope;
    }
  return [dw, db] as const;
}

interface Reference {
  readonly name: OptimizerOptions['name'];
  readonly rate: number;
  /** Rates and decays of weights and biases. */
  readonly rates: readonly [number, number];
  readonly decays: readonly [number, number];
  readonly nesterov?: boolean;
  readonly momentum?: number;
  readonly clip?: number;
}

/** The parameters after five steps in float64, every product moved by so many roundings of f32 at random. */
function train(initial: readonly Float32Array[], r: Reference, roundings: number, seed: number): Float64Array[] {
  const random = randomArray(4096, seed);
  let drawn = 0;
  const noise = () => roundings * UNIT * random[drawn++ % random.length];
  const state = initial.map((values) => ({
    w: Float64Array.from(values),
    m: new Float64Array(values.length),
    v: new Float64Array(values.length),
  }));
  batches.forEach((batch, t) => {
    const made = gradients(state[0].w, state[1].w, batch, noise);
    const norm = Math.hypot(...made[0], ...made[1]);
    const factor = r.clip === undefined ? 1 : Math.min(1, r.clip / norm);
    state.forEach((s, i) => {
      const g = made[i].map((d) => d * factor * (1 + noise()));
      const rate = r.rate * r.rates[i];
      if (r.name === 'sgd') sgdStep(s, g, rate, r.momentum ?? 0.9, r.nesterov ?? false, r.decays[i]);
      else adamStep(s, g, t + 1, rate, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: r.decays[i] });
      s.w.forEach((w, k) => (s.w[k] = w * (1 + noise())));
    });
  });
  return state.map(({ w }) => w);
}

describeAdapters('a trainer', (device) => {
  it.each<[string, OptimizerOptions, Reference]>([
    ['sgd', { name: 'sgd', learningRate: 0.1 }, { name: 'sgd', rate: 0.1, rates: [1, 1], decays: [0, 0] }],
    [
      'sgd with decay, clipping and Nesterov',
      { name: 'sgd', learningRate: 0.1, momentum: 0.5, nesterov: true, weightDecay: 0.1, clipNorm: 0.2 },
      { name: 'sgd', rate: 0.1, rates: [1, 1], decays: [0.1, 0], nesterov: true, momentum: 0.5, clip: 0.2 },
    ],
    ['adam', { name: 'adam', learningRate: 0.01 }, { name: 'adam', rate: 0.01, rates: [1, 1], decays: [0, 0] }],
    ['adamw', { name: 'adamw', learningRate: 0.01 }, { name: 'adamw', rate: 0.01, rates: [1, 1], decays: [0.01, 0] }],
    [
      'adamw with groups',
      {
        name: 'adamw',
        learningRate: 0.01,
        groups: [
          { select: /\.b$/, rate: 0.5, weightDecay: 0.2 },
          { select: 'dense1', weightDecay: 0 },
        ],
      },
      { name: 'adamw', rate: 0.01, rates: [1, 0.5], decays: [0, 0.2] },
    ],
    [
      'sgd with a group',
      { name: 'sgd', learningRate: 0.1, groups: [{ select: (name) => name === 'dense1.w', rate: 3 }] },
      { name: 'sgd', rate: 0.1, rates: [3, 1], decays: [0, 0] },
    ],
  ])('steps by %s as float64 does', async (name, optimizer, reference) => {
    using model = new Model(device(), sequential(dense(OUT)), [IN], { seed: 3 });
    const values = async () => [...(await model.parameters.read()).values()].map(({ data }) => data);
    model.parameters.parameter('dense1.b').write(randomArray(OUT, 4));
    const initial = await values();
    using trainer = await Trainer.create(model, { batch: BATCH, loss: 'meanSquaredError', optimizer });
    for (const { x, y } of batches) trainer.step(x, y);
    const got = await values();
    const want = train(initial, reference, 0, 1);
    // How far roundings carry the result, of which a gradient has fewer than 16: products, sums and the optimizer's.
    const moved = Array.from({ length: 16 }, (_, seed) => train(initial, reference, 16, seed));
    want.forEach((wanted, i) =>
      expectWithin(
        got[i],
        wanted,
        (k) => 2 * Math.max(...moved.map((other) => Math.abs(other[i][k] - wanted[k]))),
        `${name}, parameter ${i}`,
      ),
    );
    expect(got).not.toEqual(initial);
  });

  it.each(['sgd', 'adam'] as const)('changes nothing by %s where the loss is not finite', async (name) => {
    using model = new Model(device(), sequential(conv(2), batchNorm(), globalPool, dense(2)), [4, 4, 1]);
    using trainer = await Trainer.create(model, { batch: 2, optimizer: { name } });
    const x = randomArray(32, 1);
    trainer.step(x, [0, 1]);
    expect(await trainer.changed()).toBe(true);
    const [before, moments] = [await model.save(), await trainer.state()];
    trainer.step(
      x.map((v, i) => (i === 7 ? NaN : v)),
      [0, 1],
    );
    expect(await trainer.changed()).toBe(false);
    expect(Buffer.compare(await model.save(), before)).toBe(0);
    expect(await trainer.state()).toEqual(moments);
    expect(trainer.steps).toBe(2);
  });

  it('leaves frozen parameters as they are, and no others', async () => {
    using model = new Model(device(), sequential(conv(2), relu, globalPool, dense(2)), [4, 4, 1]);
    const before = await model.parameters.read();
    await fit(model, { data: { x: randomArray(64, 1), y: [0, 1, 0, 1] }, epochs: 2, freeze: ['conv1', /1\.b$/] });
    const after = await model.parameters.read();
    expect(
      [...before.keys()].filter((name) => String(before.get(name)!.data) !== String(after.get(name)!.data)),
    ).toEqual(['dense1.w']);
  });
});

/** Drawn samples of two classes that a small network tells apart: stripes that lie, and stripes that stand. */
function stripes(count: number, seed: number) {
  const noise = randomArray(count * 64, seed, -0.5, 0.5);
  const y = Uint8Array.from({ length: count }, (_, i) => i % 2);
  return { x: noise.map((v, i) => v + Number((y[i >> 6] ? i % 8 : (i % 64) >> 3) % 4 < 2)), y };
}

/** The mean output, whatever the targets. */
const meanOutput = (outputs: Tensor, targets: Tensor): Tensor => mean(add(outputs, mul(targets, 0)));

const net = () => sequential(conv(4), batchNorm({ activation: 'relu' }), globalPool, dropout(0.1), dense(2));

describeAdapters('fit', (device) => {
  const [data, validation] = [stripes(45, 1), stripes(21, 2)];

  it('learns, and tells the loss and the accuracy of every epoch', async () => {
    using model = new Model(device(), sequential(conv(4), relu, flatten, dense(2)), [8, 8, 1]);
    const told: EpochResult[] = [];
    const optimizer = { name: 'adam', learningRate: 0.01 } as const;
    const onEpoch = (result: EpochResult) => told.push(result);
    const result = await fit(model, { data, validation, epochs: 6, batch: 8, optimizer, onEpoch });
    expect(result.epochs).toEqual(told);
    expect(told.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(result).toEqual({ ...told[5], epochs: told });
    expect(result.validation!.accuracy).toBeGreaterThan(0.9);
    expect(told[5].loss).toBeLessThan(0.5 * told[0].loss);
    // What the model says, judged in float64 from its outputs.
    const logits = await model.predict(validation.x, { batch: 5 });
    const losses = Array.from(validation.y, (k, i) => {
      const [a, b] = [logits[2 * i], logits[2 * i + 1]];
      return Math.log(Math.exp(a) + Math.exp(b)) - [a, b][k];
    });
    const right = Array.from(validation.y, (k, i) => Number((logits[2 * i + 1] > logits[2 * i] ? 1 : 0) === k));
    expect(result.validation!.loss).toBeCloseTo(losses.reduce((s, v) => s + v) / 21, 5);
    expect(result.validation!.accuracy).toBe(right.reduce((s, v) => s + v) / 21);
    expect(await evaluate(model, validation, { batch: 4 })).toMatchObject({ accuracy: result.validation!.accuracy });
  });

  it('goes on from a checkpoint to the same bits', async () => {
    const options = { data, validation, batch: 8, seed: 7, stopEarly: { patience: 9 }, schedule: 'cosine' } as const;
    using whole = new Model(device(), net(), [8, 8, 1], { seed: 1 });
    const kept: Uint8Array[] = [];
    const checkpoint = (bytes: Uint8Array) => kept.push(bytes);
    const wanted = await fit(whole, { ...options, epochs: 4, checkpoint });
    using part = new Model(device(), net(), [8, 8, 1], { seed: 2 });
    const got = await fit(part, { ...options, epochs: 4, resume: kept[1] });
    expect(got).toEqual(wanted);
    expect(Buffer.compare(await part.save(), await whole.save())).toBe(0);
  });

  it('stops early, with the weights of the lowest validation loss', async () => {
    using model = new Model(device(), net(), [8, 8, 1]);
    // Labels that say nothing: what is learnt of them makes others worse.
    const noise = { x: stripes(16, 1).x, y: Uint8Array.from(randomArray(16, 5), (v) => Number(v > 0)) };
    const kept: Uint8Array[] = [];
    const optimizer = { name: 'adam', learningRate: 0.1 } as const;
    const result = await fit(model, {
      data: noise,
      validation: { x: validation.x, y: validation.y.map((k) => 1 - k) },
      epochs: 30,
      optimizer,
      stopEarly: { patience: 2 },
      checkpoint: (bytes) => kept.push(bytes),
    });
    const losses = result.epochs.map(({ validation: v }) => v!.loss);
    expect(losses.length).toBeLessThan(30);
    expect(result.epoch).toBe(losses.indexOf(Math.min(...losses)) + 1);
    expect(result.epoch).toBe(losses.length - 2);
    const { weights } = unpackCheckpoint(kept[result.epoch - 1]);
    expect(await model.parameters.read()).toEqual(weights);
  });

  it('follows a schedule, asks for samples in batches, and ends when it is told to', async () => {
    const rates: number[] = [];
    const asked: number[][] = [];
    using model = new Model(device(), sequential(flatten, dense(1, { bias: false })), [2]);
    const before = await model.parameters.parameter('dense1.w').read();
    const samples = {
      count: 5,
      // Each sample pushes the first weight by the rate of its step: the gradient is 1.
      at: async (indices: readonly number[], epoch: number) => {
        asked.push([epoch, ...indices]);
        return { x: indices.flatMap(() => [1, 0]), y: indices.map(() => 0) };
      },
    };
    await fit(model, {
      data: samples,
      epochs: 9,
      batch: 3,
      loss: meanOutput,
      optimizer: { name: 'sgd', momentum: 0, learningRate: 0.5 },
      schedule: (step, steps) => {
        rates.push(0.5 * (1 - step / steps));
        return 1 - step / steps;
      },
      onEpoch: ({ epoch }) => epoch < 2,
    });
    expect(asked.map(([epoch]) => epoch)).toEqual([0, 0, 1, 1]);
    for (const epoch of [0, 1]) {
      const seen = asked.filter(([e]) => e === epoch).flatMap(([, ...indices]) => indices);
      expect([...new Set(seen)].sort()).toEqual([0, 1, 2, 3, 4]);
      expect(seen.length).toBe(6);
    }
    const after = await model.parameters.parameter('dense1.w').read();
    const moved = rates.reduce((s, rate) => s + rate, 0);
    expect(before[0] - after[0]).toBeCloseTo(moved, 5);
    expect(rates[3]).toBeCloseTo(0.5 * (1 - 3 / 18), 12);
  });

  it('follows the cosine with a warm-up', async () => {
    using model = new Model(device(), dense(1, { bias: false }), [1], {
      weights: new Map([['dense.w', Float32Array.of(0)]]),
    });
    const options = { epochs: 1, batch: 1, schedule: 'cosine', warmup: 3, loss: meanOutput } as const;
    const optimizer = { name: 'sgd', momentum: 0, learningRate: 0.25 } as const;
    await fit(model, { data: { x: new Float32Array(10).fill(1), y: new Float32Array(10) }, optimizer, ...options });
    const moved = Array.from({ length: 10 }, (_, step) => rateAt(0.25, 3, 10, step)).reduce((s, v) => s + v);
    expect(-(await model.predict([1]))[0]).toBeCloseTo(moved, 5);
  });

  it('says in a sentence what is wrong', async () => {
    using model = new Model(device(), net(), [8, 8, 1]);
    const refused = async (options: object, sentence: RegExp | string) => {
      const error = await fit(model, { data, epochs: 1, ...options }).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(UserError);
      expect((error as Error).message).toMatch(sentence);
    };
    await refused({ epoch: 3 }, 'fit: there is no option epoch; it knows data, epochs');
    await refused({ epochs: 0 }, 'fit: epochs must be a whole number of at least 1, not 0');
    await refused({ data: data.x }, /fit: data must be { x, y }/);
    await refused({ data: { x: data.x } }, 'fit: data must be { x, y }: inputs and what they are; it has x');
    await refused(
      { data: { x: data.x.subarray(1), y: data.y } },
      'fit: data: x holds 2879 numbers, and samples [8, 8, 1]',
    );
    await refused(
      { data: { ...data, y: data.y.subarray(1) } },
      'fit: data: y holds 44 numbers, and there are 45 samples',
    );
    await refused({ data: { ...data, y: data.y.map(() => 2) } }, /is of class 2, and the network tells 2 classes/);
    await refused(
      { optimizer: { name: 'adagrad' } },
      'optimizer: name must be "sgd" or "adam" or "adamw", not "adagrad"',
    );
    await refused({ optimizer: { name: 'adam', weightDecay: 1 } }, 'optimizer: adam has no weightDecay; take adamw');
    await refused({ optimizer: { name: 'sgd', beta1: 0.9 } }, 'optimizer: sgd has no beta1; it has name');
    await refused({ freeze: 'convolution' }, 'no parameter is selected by "convolution"; there are conv1.w');
    await refused({ freeze: /./ }, 'all parameters are frozen');
    await refused({ loss: 'hinge' }, 'Trainer: loss must be "crossEntropy" or "meanSquaredError", not "hinge"');
    await refused({ loss: (outputs: unknown) => outputs }, /the loss must be a tensor of one number/);
    await refused({ stopEarly: { patience: 1 } }, 'fit: stopEarly needs samples to judge by; give validation');
    await refused({ schedule: 'linear' }, 'fit: schedule must be "constant", "cosine" or a function');
    await refused({ data: { ...data, x: data.x.map(() => NaN) } }, 'fit: no step of epoch 1 has a finite loss');
    await expect(evaluate(model, data, { loss: 'hinge' as never })).rejects.toThrow('evaluate: loss must be "cross');
    await expect(evaluate(model, data, { los: 1 } as never)).rejects.toThrow('evaluate: there is no option los');
    await refused({ resume: new Uint8Array(3) }, 'the checkpoint: 3 bytes are too few');
    await refused({ resume: await model.save() }, 'the checkpoint is a safetensors file that fit did not write');
  });
});

describe('a checkpoint', () => {
  const values = new Map([['w', { shape: [2], data: Float32Array.of(1, 2) }]]);
  it('is read back, and refused where it is damaged', () => {
    const checkpoint = { epochs: [{ epoch: 1, loss: 0.5 }], steps: 3, weights: values, moments: values };
    const bytes = packCheckpoint({ ...checkpoint, best: { epoch: 1, weights: values } });
    const read = unpackCheckpoint(bytes);
    expect(read).toEqual({
      ...checkpoint,
      moments: new Map([['w', Float32Array.of(1, 2)]]),
      best: { epoch: 1, weights: values },
    });
    const broken = packCheckpoint({ ...checkpoint, best: { epoch: 2, weights: values } });
    expect(() => unpackCheckpoint(broken)).toThrow('the checkpoint is damaged');
    expect(() => unpackCheckpoint(bytes.subarray(0, bytes.length - 4))).toThrow(/the checkpoint: /);
  });
});
