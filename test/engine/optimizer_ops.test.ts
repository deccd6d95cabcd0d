import { describe, expect, it } from 'vitest';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { adam, adamW } from '../../engine/ops/adam.ts';
import { assign, ema, updateRunningStats } from '../../engine/ops/assign.ts';
import { constant, input } from '../../engine/ops/leaves.ts';
import { mul } from '../../engine/ops/pointwise.ts';
import { rmsprop } from '../../engine/ops/rmsprop.ts';
import { sgd } from '../../engine/ops/sgd.ts';
import { compile } from '../../engine/program/program.ts';
import { UserError } from '../../engine/user_error.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';
import * as reference from '../reference/optimizer.ts';
import { UNIT, expectWithin } from '../tolerance.ts';

const SHAPES = [[1], [7], [3, 3, 8], [65, 4]];
const STEPS = 5;
const elements = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

describeAdapters('updates', (device) => {
  it.each(SHAPES.map((shape) => [shape]))('adam on %j: five steps', async (shape) => {
    const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-6, weightDecay: 0.05 };
    const size = elements(shape);
    const initial = randomArray(size, 1);
    using w = new Parameter(device(), 'w', shape, initial);
    using m = new Parameter(device(), 'm', shape, new Float32Array(size));
    using v = new Parameter(device(), 'v', shape, new Float32Array(size));
    const factor = 1 / 1024;
    using program = await compile(device(), {
      updates: [
        adam(
          { w: w.tensor, m: m.tensor, v: v.tensor },
          input('g', shape),
          input('hyper', [4]),
          constant(0.5),
          settings,
        ),
      ],
    });
    const want = { w: Float64Array.from(initial), m: new Float64Array(size), v: new Float64Array(size) };
    for (let t = 1; t <= STEPS; t++) {
      const rate = 0.1 / t;
      const g = randomArray(size, 10 + t);
      program.run({
        g: g.map((d) => d / factor),
        hyper: Float32Array.of(rate, 1 - settings.beta1 ** t, 1 - settings.beta2 ** t, factor),
      });
      reference.adamStep(want, g, t, rate, settings);
    }
    // Each step rounds each term a few times (below 10), and numbers are at most 1; the moments are averages of numbers
    // at most 1.
    expectWithin(await m.read(), want.m, () => STEPS * 10 * UNIT, 'm');
    expectWithin(await v.read(), want.v, () => STEPS * 10 * UNIT, 'v');
    // m̂/(√v̂ + ε) is at most 1/√(1 − β₂) and in five steps below 3; √v̂ >= √(mean of squares): its relative error is
    // v's.
    const smallest = want.v.reduce((s, x) => Math.min(s, Math.sqrt(x / (1 - settings.beta2 ** STEPS))), 1);
    expectWithin(await w.read(), want.w, () => (STEPS * 20 * UNIT * 0.1 * 3) / smallest + STEPS * 10 * UNIT, 'w');
  });

  it.each([NaN, Infinity, -Infinity])('adam changes nothing where the loss is %d', async (loss) => {
    const initial = randomArray(7, 1);
    using w = new Parameter(device(), 'w', [7], initial);
    using m = new Parameter(device(), 'm', [7], initial);
    using v = new Parameter(device(), 'v', [7], initial.map(Math.abs));
    using program = await compile(device(), {
      updates: [
        adam({ w: w.tensor, m: m.tensor, v: v.tensor }, input('g', [7]), input('hyper', [4]), input('loss', [])),
      ],
    });
    program.run({ g: randomArray(7, 2), hyper: Float32Array.of(0.1, 0.1, 0.001, 1), loss });
    expect(await w.read()).toEqual(initial);
    expect(await m.read()).toEqual(initial);
    expect(await v.read()).toEqual(initial.map(Math.abs));
    program.run({ g: randomArray(7, 2), hyper: Float32Array.of(0.1, 0.1, 0.001, 1), loss: 3 });
    expect(await w.read()).not.toEqual(initial);
  });

  it('adam has the published constants where nothing else is said, epsilon too', async () => {
    // Of gradients as small as epsilon the step says how large it is.
    const [initial, g] = [new Float32Array(5), Float32Array.of(1e-9, 1e-8, -1e-7, 1e-6, 1)];
    using w = new Parameter(device(), 'w', [5], initial);
    using m = new Parameter(device(), 'm', [5], new Float32Array(5));
    using v = new Parameter(device(), 'v', [5], new Float32Array(5));
    const state = { w: w.tensor, m: m.tensor, v: v.tensor };
    using program = await compile(device(), {
      updates: [adam(state, input('g', [5]), input('hyper', [4]), constant(0.5))],
    });
    program.run({ g, hyper: Float32Array.of(0.1, 0.1, 0.001, 1) });
    const want = { w: Float64Array.from(initial), m: new Float64Array(5), v: new Float64Array(5) };
    reference.adamStep(want, g, 1, 0.1, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 });
    expectWithin(await w.read(), want.w, () => 40 * UNIT, 'w');
  });

  it('adamW decays the weights by 0.01 where nothing else is said', async () => {
    const initial = randomArray(7, 1);
    using w = new Parameter(device(), 'w', [7], initial);
    using m = new Parameter(device(), 'm', [7], new Float32Array(7));
    using v = new Parameter(device(), 'v', [7], new Float32Array(7));
    const state = { w: w.tensor, m: m.tensor, v: v.tensor };
    using program = await compile(device(), {
      updates: [adamW(state, input('g', [7]), input('hyper', [4]), constant(0.5))],
    });
    const g = randomArray(7, 2, 0.5, 1);
    program.run({ g, hyper: Float32Array.of(0.1, 0.1, 0.001, 1) });
    const want = { w: Float64Array.from(initial), m: new Float64Array(7), v: new Float64Array(7) };
    reference.adamStep(want, g, 1, 0.1, { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 });
    expectWithin(await w.read(), want.w, () => 40 * UNIT, 'w');
  });

  it.each([
    [0, false],
    [0.9, false],
    [0.9, true],
  ])('rmsprop, momentum %d, centred %s: five steps', async (momentum, centred) => {
    const settings = { decay: 0.9, momentum, epsilon: 1e-3, weightDecay: 0.01 };
    for (const shape of SHAPES) {
      const size = elements(shape);
      const initial = randomArray(size, 1);
      using w = new Parameter(device(), 'w', shape, initial);
      using v = new Parameter(device(), 'v', shape, new Float32Array(size));
      using m = new Parameter(device(), 'm', shape, new Float32Array(size));
      using a = new Parameter(device(), 'a', shape, new Float32Array(size));
      const state = { w: w.tensor, v: v.tensor, m: m.tensor, ...(centred && { a: a.tensor }) };
      using program = await compile(device(), {
        updates: [rmsprop(state, input('g', shape), input('hyper', [2]), settings)],
      });
      const zeros = () => new Float64Array(size);
      const want = { w: Float64Array.from(initial), v: zeros(), m: zeros(), ...(centred && { a: zeros() }) };
      // From 0.5 on, so that a root of v, and of the variance of five of them, does not vanish.
      let smallest = Infinity;
      for (let t = 1; t <= STEPS; t++) {
        const g = randomArray(size, 10 + t, 0.5, 1).map((d, i) => ((i + t) % 2 === 0 ? d : -d));
        program.run({ g: g.map((d) => d * 8), hyper: Float32Array.of(0.01, 1 / 8) });
        reference.rmspropStep(want, g, 0.01, settings);
        for (let i = 0; i < size; i++) smallest = Math.min(smallest, want.v[i] - (want.a?.[i] ?? 0) ** 2);
      }
      expectWithin(await v.read(), want.v, () => STEPS * 10 * UNIT, 'v');
      if (centred) expectWithin(await a.read(), want.a!, () => STEPS * 10 * UNIT, 'a');
      else expect([...(await a.read())]).toEqual([...zeros()]);
      // A step is at most 1/√smallest, and five of them add up; the variance is off by 20 units a step of at most 1.
      const step = 1 / Math.sqrt(smallest);
      const error = STEPS * (STEPS * 20 * UNIT * step ** 3 + 20 * UNIT * step);
      expectWithin(await m.read(), want.m, () => error, 'm');
      expectWithin(await w.read(), want.w, () => STEPS * (0.01 * error + 10 * UNIT), 'w');
    }
  });

  it.each([
    [false, 0, 0],
    [false, 0.9, 0],
    [false, 0.9, 0.5],
    [true, 0.9, 0],
  ])('sgd, nesterov %s, momentum %d, dampening %d: five steps', async (nesterov, momentum, dampening) => {
    for (const shape of SHAPES) {
      const size = elements(shape);
      const initial = randomArray(size, 1);
      using w = new Parameter(device(), 'w', shape, initial);
      using m = new Parameter(device(), 'm', shape, new Float32Array(size));
      using program = await compile(device(), {
        updates: [
          sgd({ w: w.tensor, m: m.tensor }, input('g', shape), input('hyper', [2]), {
            momentum,
            dampening,
            nesterov,
            weightDecay: 0.01,
          }),
        ],
      });
      const want = { w: Float64Array.from(initial), m: new Float64Array(size) };
      for (let t = 1; t <= STEPS; t++) {
        const g = randomArray(size, 10 + t);
        program.run({ g: g.map((d) => d * 8), hyper: Float32Array.of(0.1, 1 / 8) });
        reference.sgdStep(want, g, 0.1, momentum, nesterov, 0.01, dampening);
      }
      // The momentum of five gradients below 1.02 stays below 5, with fewer than 10 roundings a step.
      expectWithin(await m.read(), want.m, () => STEPS * 10 * UNIT * 5, 'm');
      expectWithin(await w.read(), want.w, () => STEPS * 20 * UNIT * 5, 'w');
    }
  });

  it('assign, ema and running statistics', async () => {
    const [a, b, stats] = [randomArray(10, 1), randomArray(10, 2), randomArray(10, 3)];
    using p = new Parameter(device(), 'p', [2, 5], a);
    using q = new Parameter(device(), 'q', [2, 5], b);
    using r = new Parameter(device(), 'r', [2, 5], b);
    const x = input('x', [2, 5]);
    // q averages what p was before this run: every update comes after the last reader of what it overwrites.
    using program = await compile(device(), {
      updates: [
        assign(p.tensor, mul(x, 2)),
        ema(q.tensor, mul(p.tensor, 1), 0.25),
        updateRunningStats(r.tensor, x, 9, 0.1),
      ],
    });
    program.run({ x: stats });
    expect([...(await p.read())]).toEqual([...stats].map((v) => 2 * v));
    expectWithin(
      await q.read(),
      b.map((v, i) => 0.75 * v + 0.25 * a[i]),
      () => 4 * UNIT,
      'ema',
    );
    expectWithin(
      await r.read(),
      Array.from(b, (v, i) => 0.9 * v + 0.1 * stats[i] * (i < 5 ? 1 : 9 / 8)),
      () => 6 * UNIT,
      'running statistics',
    );
  });
});

describe('updates', () => {
  const onNull = (body: (device: Device) => Promise<void> | void) => async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    await body(device);
  };

  it(
    'refuse what is no parameter, has another shape or cannot be',
    onNull((device) => {
      using w = new Parameter(device, 'w', [4]);
      using m = new Parameter(device, 'm', [4]);
      using v = new Parameter(device, 'v', [4]);
      using other = new Parameter(device, 'other', [5]);
      const [g, hyper] = [input('g', [4]), input('hyper', [4])];
      const state = { w: w.tensor, m: m.tensor, v: v.tensor };
      const loss = constant(1);
      expect(() => adam({ ...state, w: g }, g, hyper, loss)).toThrow(UserError);
      expect(() => adam({ ...state, w: g }, g, hyper, loss)).toThrow(/no parameter/);
      expect(() => adam({ ...state, m: w.tensor }, g, hyper, loss)).toThrow(/two of the states/);
      expect(() => adam({ ...state, m: other.tensor }, g, hyper, loss)).toThrow(/one shape.*\[5\]/);
      expect(() => adam(state, g, input('hyper', [3]), loss)).toThrow(/4 numbers/);
      expect(() => adam(state, g, hyper, constant(1, [2]))).toThrow(/guard must be one number/);
      expect(() => adam(state, g, hyper, loss, { beta2: 1 })).toThrow(/less than 1/);
      expect(() => sgd({ w: state.w, m: state.m }, g, hyper, { momentum: -1 })).toThrow(/momentum/);
      expect(() => sgd({ w: state.w, m: state.m }, g, hyper, { dampening: 2 })).toThrow(/dampening/);
      const nesterov = { nesterov: true, dampening: 0.5 };
      expect(() => sgd({ w: state.w, m: state.m }, g, hyper, nesterov)).toThrow(/nesterov needs/);
      expect(() => rmsprop({ ...state, a: w.tensor }, g, hyper)).toThrow(/two of the states/);
      expect(() => rmsprop(state, g, hyper, { decay: 1 })).toThrow(/less than 1/);
      expect(() => ema(w.tensor, g, 2)).toThrow(/between 0 and 1/);
      expect(() => assign(w.tensor, input('x', [5]))).toThrow(/one shape/);
    }),
  );

  it(
    'compile in every variant',
    onNull(async (device) => {
      for (const size of [4, 5]) {
        using w = new Parameter(device, 'w', [size]);
        using m = new Parameter(device, 'm', [size]);
        using v = new Parameter(device, 'v', [size]);
        const [g, hyper] = [input('g', [size]), input('hyper', [4])];
        const updates = [
          adam({ w: w.tensor, m: m.tensor, v: v.tensor }, g, hyper, input('loss', [])),
          sgd({ w: w.tensor, m: m.tensor }, g, hyper),
          rmsprop({ w: w.tensor, m: m.tensor, v: v.tensor }, g, hyper),
          assign(w.tensor, g),
          ema(w.tensor, g, 0.1),
        ];
        for (const update of updates) {
          using program = await compile(device, { updates: [update] });
          expect(program.steps.length).toBe(1);
        }
      }
    }),
  );
});
