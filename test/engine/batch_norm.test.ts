import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import {
  batchNorm,
  batchNormInference,
  batchNormStats,
  type BatchNormAttributes,
} from '../../engine/ops/batch_norm.ts';
import { input } from '../../engine/ops/leaves.ts';
import { sum } from '../../engine/ops/reduce.ts';
import { compile } from '../../engine/program/program.ts';
import { UserError } from '../../engine/user_error.ts';
import { expectGradient } from '../finite_differences.ts';
import { describeAdapters, describeBothWays, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import * as reference from '../reference/batch_norm.ts';
import { UNIT, expectWithin, relativeL2 } from '../tolerance.ts';
import { likeGpu } from './as_adapter.ts';

const ACTIVATIONS = ['none', 'relu', 'silu'] as const;
const EPSILON = 1e-3;

const graph = (shape: number[], attrs: BatchNormAttributes) => {
  const c = shape[shape.length - 1];
  const [x, dy, stats, gamma, beta] = [
    input('x', shape),
    input('dy', shape),
    input('stats', [2, c]),
    input('gamma', [c]),
    input('beta', [c]),
  ];
  const training = batchNorm(x, gamma, beta, attrs);
  const inference = batchNormInference(x, stats, gamma, beta, attrs);
  return { x, dy, stats, gamma, beta, training, inference };
};

describe('the reference', () => {
  it.each(ACTIVATIONS)('agrees with finite differences, activation %s', (activation) => {
    const [rows, c] = [7, 3];
    const f64 = (a: Float32Array) => Float64Array.from(a);
    const inputs = [f64(randomArray(rows * c, 1, -2, 3)), f64(randomArray(c, 2, 0.5, 2)), f64(randomArray(c, 3))];
    const dy = f64(randomArray(rows * c, 4));
    const stats = reference.batchNormStats(inputs[0], c);
    const at = ([x, gamma, beta]: readonly Float64Array[], s = reference.batchNormStats(x, c)) => ({
      x,
      gamma,
      beta,
      stats: s,
      epsilon: EPSILON,
      activation,
    });
    const own = reference.batchNormGradients(at(inputs), dy, false);
    expectGradient((i) => reference.batchNormApply(at(i)), inputs, dy, [own.dx, own.dGamma, own.dBeta]);
    const frozen = reference.batchNormGradients(at(inputs, stats), dy, true);
    expectGradient((i) => reference.batchNormApply(at(i, stats)), inputs, dy, [frozen.dx, frozen.dGamma, frozen.dBeta]);
  });
});

/**
 * Every output is a fixed number of operations on x̂, whose error is that of (x − mean)/σ: a few roundings of numbers
 * no larger than |x| + |mean| over σ; sums over `rows` add (rows + 2)·u of their terms. `terms` is the sum of the
 * magnitudes in the formula.
 */
const bound = (operations: number, terms: number) => operations * UNIT * terms;

describeBothWays('batch norm', (device) => {
  const SHAPES = [
    [2, 5, 3, 8],
    [3, 4, 4, 5],
    [9, 6],
    [1, 33, 41, 12],
    [70, 40, 52],
  ];

  it.each(SHAPES.flatMap((shape) => ACTIVATIONS.map((activation) => [shape, activation] as const)))(
    '%j, activation %s, forward and backward',
    async (shape, activation) => {
      const g = graph(shape, { epsilon: EPSILON, activation });
      const c = g.gamma.size;
      const rows = g.x.size / c;
      const feeds = {
        x: randomArray(g.x.size, 1, -2, 3),
        dy: randomArray(g.x.size, 2),
        gamma: randomArray(c, 3, 0.5, 2),
        beta: randomArray(c, 4),
        stats: Float32Array.from([...randomArray(c, 5), ...randomArray(c, 6, 0.5, 2)]),
      };
      const own = { ...feeds, stats: reference.batchNormStats(feeds.x, c), epsilon: EPSILON, activation };
      const given = { ...feeds, epsilon: EPSILON, activation };
      // |x| <= 3, |mean| <= 1.5, σ >= 0.7: |x̂| stays below 7, |z| below 15, every activation's slope and curvature
      // below 1.2. A number takes part in at most 75 additions one after another on its way into the statistics; x̂, z
      // and exp add less than 40 roundings.
      const errorZ = (Math.min(rows, 75) + 40) * UNIT * 15 * 2;
      // At z = 0 relu's slope jumps: what lies within rounding of it may take either side, and gets no cotangent here.
      for (const at of [own, given]) {
        reference.batchNormApply({ ...at, activation: 'none' }).forEach((z, i) => {
          if (Math.abs(z) < errorZ) feeds.dy[i] = 0;
        });
      }
      const got = await evaluate(
        device(),
        [
          g.training.stats,
          g.training.y,
          ...grad(g.training.y, [g.x, g.gamma, g.beta], g.dy),
          g.inference,
          ...grad(g.inference, [g.x, g.gamma, g.beta], g.dy),
        ],
        feeds,
      );
      const expectAll = (values: Float32Array[], at: typeof own | typeof given, frozen: boolean) => {
        const want = reference.batchNormGradients(at, feeds.dy, frozen);
        const [y, dx, dGamma, dBeta] = values;
        expectWithin(y, reference.batchNormApply(at), () => 1.2 * errorZ, 'y');
        expectWithin(dBeta, want.dBeta, () => rows * 1.2 * errorZ, 'dbeta');
        expectWithin(dGamma, want.dGamma, () => rows * (7 * 1.2 + 2) * errorZ, 'dgamma');
        // dx = γ/σ·(dz − mean(dz) − x̂·mean(dz·x̂)), γ/σ <= 3: the errors of its parts, mean(dz·x̂) <= 7.
        expectWithin(dx, want.dx, () => 3 * (2.4 + 7 + 7 * (7 * 1.2 + 2)) * errorZ, 'dx');
        // Those bounds are for errors that all add up; in fact they spread like a random walk.
        for (const [value, wanted] of [
          [dx, want.dx],
          [dGamma, want.dGamma],
          [dBeta, want.dBeta],
        ] as const)
          expect(relativeL2(value, wanted)).toBeLessThan(1e-5);
      };
      expectWithin(got[0], own.stats, () => bound(Math.min(rows, 75) + 10, 16), 'stats');
      expectAll([got[1], got[2], got[3], got[4]], own, false);
      expectAll([got[5], got[6], got[7], got[8]], given, true);
    },
  );

  it.each([[[64, 37, 12]], [[5000, 3]], [[130_000, 4]]])(
    'the statistics of %j do not cancel at mean 1000, deviation 1',
    async (shape) => {
      const x = input('x', shape);
      const c = shape[shape.length - 1];
      const values = randomArray(x.size, 8, 1000 - Math.sqrt(3), 1000 + Math.sqrt(3));
      const [got] = await evaluate(device(), [batchNormStats(x)], { x: values });
      const want = reference.batchNormStats(values, c);
      // A mean of numbers near 1000 is known to a few units of 1000·u = 6e-5; the variance is off by its square and by
      // that times the deviation's own sampling error. The textbook formula E[x²] − E[x]² is off by 1000²·u = 0.06 and
      // more.
      for (let i = 0; i < c; i++) {
        expect(Math.abs(got[i] - want[i])).toBeLessThan(20 * 1000 * UNIT);
        expect(Math.abs(got[c + i] - want[c + i])).toBeLessThan(20 * 1000 * UNIT);
      }
    },
  );

  it('epsilon is 1e-5 where nothing else is said, as in PyTorch', async () => {
    const g = graph([2, 1], {});
    const x = Float32Array.of(1e-3, -1e-3);
    const [y] = await evaluate(device(), [g.training.y], { x, gamma: [1], beta: [0] });
    const want = 1e-3 / Math.sqrt(1e-6 + 1e-5);
    expectWithin(y, [want, -want], () => bound(20, 1), 'y');
  });

  it('one row has variance 0 and gives beta', async () => {
    const g = graph([1, 4], { epsilon: EPSILON });
    const beta = randomArray(4, 2);
    const [y, stats] = await evaluate(device(), [g.training.y, g.training.stats], {
      x: randomArray(4, 1),
      gamma: randomArray(4, 3),
      beta,
    });
    expect([...y]).toEqual([...beta]);
    expect([...stats.subarray(4)]).toEqual([0, 0, 0, 0]);
  });
});

describeAdapters('statistics of many parts', (device) => {
  it.each([
    ['by one launch', 70_000, 7, 100_000, 1],
    ['in two steps', 300_000, 5, 200_000, 2],
  ] as const)('are joined %s', async (_, rows, channels, threads, launches) => {
    const x = input('x', [rows, channels]);
    const outputs = [batchNormStats(x)];
    const values = randomArray(x.size, 9, -2, 3);
    using program = await compile(likeGpu(device(), threads), { outputs });
    const joins = program.steps.filter(({ launch }) => launch.kernel.name === 'batch_norm_combine');
    expect(joins[0].launch.params['parts']).toBeGreaterThan(1024);
    expect(joins).toHaveLength(launches);
    program.run({ x: values });
    // A chunk has 64 rows, a thread joins at most 64 parts, and 8 levels of threads follow.
    expectWithin(await program.read(outputs[0]), reference.batchNormStats(values, channels), () => bound(2 * 100, 16));
    program.run({ x: values.map((v, i) => (i === 0 ? NaN : v)) });
    const lost = [...(await program.read(outputs[0]))].map((v) => !Number.isFinite(v));
    expect(lost).toEqual(lost.map((_own, i) => i % channels === 0));
  });
});

describe('batch norm', () => {
  it('refuses what does not fit, naming the shapes', () => {
    const x = input('x', [2, 3, 3, 8]);
    expect(() => batchNorm(x, input('gamma', [4]), input('beta', [8]))).toThrow(UserError);
    expect(() => batchNorm(x, input('gamma', [4]), input('beta', [8]))).toThrow(
      /gamma and beta must be \[8\].*\[2, 3, 3, 8\]/,
    );
    expect(() => batchNormInference(x, input('stats', [8]), input('gamma', [8]), input('beta', [8]))).toThrow(
      /\[2, 8\]/,
    );
    expect(() => batchNormStats(input('x', [8]))).toThrow(/channels as its last/);
  });

  it('gives no gradient to the statistics', () => {
    const x = input('x', [4, 8]);
    expect(() => grad(sum(batchNormStats(x)), [x])).toThrow(/does not depend/);
  });

  it('compiles in every variant', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    for (const channels of [8, 5]) {
      for (const activation of ACTIVATIONS) {
        const g = graph([2, 3, 3, channels], { activation });
        using program = await compile(device, {
          outputs: [...grad(g.training.y, [g.x, g.gamma], g.dy), ...grad(g.inference, [g.x], g.dy), g.inference],
        });
        expect(program.steps.length).toBeGreaterThan(5);
      }
    }
  });
});
