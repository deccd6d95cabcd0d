import { expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { batchNorm, batchNormApplyOp } from '../../engine/ops/batch_norm.ts';
import {
  batchNormCoefficientsOp,
  batchNormGatedInputGradOp,
  batchNormGatedSumsOp,
  batchNormGateSumsOp,
  batchNormPoolOp,
} from '../../engine/ops/batch_norm_gated.ts';
import { input } from '../../engine/ops/leaves.ts';
import { mul, sigmoid } from '../../engine/ops/pointwise.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { compile } from '../../engine/program/program.ts';
import { describeAdapters, describeBothWays, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { batchNormApply } from '../reference/batch_norm.ts';
import * as reference from '../reference/batch_norm_gated.ts';
import { evaluateGraph } from '../reference/interpreter.ts';
import { expectWithin, relativeL2, sumBound, UNIT } from '../tolerance.ts';
import { likeGpu } from './as_adapter.ts';

/*
 * What the compiler makes of a batch norm that is pooled and gated, op by op against float64. When it does so, and that
 * it may, rewriting.test.ts shows.
 */

const ACTIVATIONS = ['none', 'relu', 'silu'] as const;
const EPSILON = 1e-3;
/** Of several samples and one, odd channels and even, samples of one chunk and of several. */
const SHAPES = [
  [2, 5, 3, 8],
  [3, 4, 4, 5],
  [1, 33, 41, 12],
  [3, 13, 11, 20],
  [70, 1, 2, 4],
] as const;

type Shape = readonly [number, number, number, number];

/** Inputs of all those ops, statistics given, and what is fed. */
function setUp(shape: Shape) {
  const [n, h, w, c] = shape;
  const shapes = { x: shape, dy: shape, s: [n, 1, 1, c], g: [n, 1, 1, c], stats: [2, c], gamma: [c], beta: [c] };
  const tensors = Object.fromEntries(
    Object.entries(shapes).map(([name, own]) => [name, input(name, own)]),
  ) as unknown as Record<keyof typeof shapes, ReturnType<typeof input>>;
  const feeds = {
    x: randomArray(n * h * w * c, 1, -2, 3),
    dy: randomArray(n * h * w * c, 2),
    s: randomArray(n * c, 3, 0, 1),
    g: randomArray(n * c, 4),
    stats: Float32Array.from([...randomArray(c, 5), ...randomArray(c, 6, 0.5, 2)]),
    gamma: randomArray(c, 7, 0.5, 2),
    beta: randomArray(c, 8),
  };
  return { tensors, feeds, pixels: h * w, samples: n };
}

/** Each op against its reference in float64. */
async function expectOpByOp(device: Device, shape: Shape, activation: (typeof ACTIVATIONS)[number]) {
  const { tensors, feeds, pixels, samples } = setUp(shape);
  const { x, dy, s, g, stats, gamma, beta } = tensors;
  const at = { ...feeds, epsilon: EPSILON, activation, samples };
  // |x| <= 3, |mean| <= 1, σ >= 0.7: |x̂| < 6, |z| < 13; x̂, z and the activation add less than 40 roundings. At
  // z = 0 relu's slope jumps: what lies within rounding of it is moved away.
  const error = sumBound(40, 13);
  if (activation === 'relu') {
    batchNormApply({ ...at, activation: 'none' }).forEach((z, i) => {
      if (Math.abs(z) < error) feeds.x[i] += 0.01;
    });
  }
  const norm = { epsilon: EPSILON, activation, frozen: false } as const;
  const sums = batchNormGateSumsOp([dy, x, stats, gamma, beta], norm);
  const gatedSums = batchNormGatedSumsOp([sums, s, g], {});
  const coefficients = batchNormCoefficientsOp([stats, gamma, beta], { epsilon: EPSILON });
  const outputs = [
    batchNormApplyOp([x, stats, gamma, beta, s], { ...norm, gated: true }),
    batchNormPoolOp([x, stats, gamma, beta], { ...norm, scale: 1 / pixels }),
    sums,
    gatedSums,
    batchNormGatedInputGradOp([dy, x, gatedSums, s, g, coefficients], norm),
    batchNormGatedInputGradOp([dy, x, gatedSums, s, g, coefficients], { ...norm, frozen: true }),
  ];
  const [y, pooled, bySample, all, dx, frozenDx] = await evaluate(device, outputs, feeds);
  expectWithin(y, reference.gated(batchNormApply(at), feeds.s, at), () => 2 * error, 'y · s');
  // A number takes part in at most as many additions as there are pixels.
  expectWithin(pooled, reference.pool(at, 1 / pixels), () => error + sumBound(pixels, 13), 'pooled');
  // Each term is a product of numbers below 13, 6 and 1.2, and its factors' errors times the others.
  const termError = 13 * 6 * 1.2 * error;
  const sumsError = pixels * (termError + sumBound(pixels, 13 * 6 * 1.2));
  const wantBySample = reference.gateSums(at, feeds.dy);
  expectWithin(bySample, wantBySample, () => sumsError, 'sums by sample');
  const wantAll = reference.gatedSums(wantBySample, feeds.s, feeds.g, feeds.gamma.length);
  const allError = 4 * samples * (sumsError + sumBound(samples, 13 * 6 * 1.2 * pixels));
  expectWithin(all, wantAll, () => allError, 'sums');
  // dx = γ/σ·(dz − (dβ + x̂·dγ)/count), γ/σ < 3, |dz| < 3.
  const dxError = 3 * (3 * error + (7 * allError) / (pixels * samples) + 6 * error);
  const wantCoefficients = reference.coefficients(at);
  for (const [frozen, got] of [
    [false, dx],
    [true, frozenDx],
  ] as const) {
    const want = reference.gatedInputGrad(at, [feeds.dy, wantAll, feeds.s, feeds.g, wantCoefficients], frozen);
    expectWithin(got, want, () => dxError, `dx, frozen ${frozen}`);
    expect(relativeL2(got, want), `dx, frozen ${frozen}`).toBeLessThan(1e-5);
  }
  // Those bounds are for errors that all add up; in fact they spread like a random walk.
  for (const [got, want] of [
    [bySample, wantBySample],
    [all, wantAll],
  ] as const)
    expect(relativeL2(got, want)).toBeLessThan(1e-5);
}

describeAdapters('a batch norm that is pooled and gated, samples by whole workgroups', (device) => {
  it.each([
    [100, 16],
    [300, 32],
    [600, 64],
    [1000, 128],
  ])('of a GPU of %d threads', async (threads, depth) => {
    const shape = [2, 33, 41, 20] as const;
    const gpu = likeGpu(device(), threads);
    const { x, dy, stats, gamma, beta } = setUp(shape).tensors;
    const norm = { epsilon: EPSILON, activation: 'silu', frozen: false } as const;
    const outputs = [
      batchNormPoolOp([x, stats, gamma, beta], { ...norm, scale: 1 }),
      batchNormGateSumsOp([dy, x, stats, gamma, beta], norm),
    ];
    using program = await compile(gpu, { outputs });
    const launches = program.steps.map(({ launch }) => [launch.kernel.name, launch.overrides!['DEPTH']]);
    expect(launches).toEqual([
      ['batch_norm_pool', depth],
      ['batch_norm_gate_sums', depth],
    ]);
    await expectOpByOp(gpu, shape, 'silu');
  });
});

describeBothWays('a batch norm that is pooled and gated', (device) => {
  it.each(SHAPES.flatMap((shape) => ACTIVATIONS.map((activation) => [shape, activation] as const)))(
    '%j, activation %s, op by op',
    (shape, activation) => expectOpByOp(device(), shape, activation),
  );

  it('has the gradients of the graph that it was made of', async () => {
    const [n, h, w, c] = [3, 9, 7, 8];
    const [x, dy, v, gamma, beta] = [
      input('x', [n, h, w, c]),
      input('dy', [n, h, w, c]),
      input('v', [c]),
      input('gamma', [c]),
      input('beta', [c]),
    ];
    const { y } = batchNorm(x, gamma, beta, { epsilon: EPSILON, activation: 'silu' });
    const gated = mul(y, sigmoid(mul(mean(y, [1, 2]), v)));
    const outputs = [gated, ...grad(gated, [x, v, gamma, beta], dy)];
    const feeds = {
      x: randomArray(x.size, 1, -2, 3),
      dy: randomArray(x.size, 2),
      v: randomArray(c, 3, 1, 3),
      gamma: randomArray(c, 4, 0.5, 2),
      beta: randomArray(c, 5),
    };
    using program = await compile(device(), { outputs });
    expect(program.steps.map(({ tensor }) => tensor.op.name)).toContain('batch_norm_gated_input_grad');
    const got = await evaluate(device(), outputs, feeds);
    const want = evaluateGraph(outputs, new Map(Object.entries(feeds)));
    // A thousand roundings that all add up would be 1000 · UNIT.
    outputs.forEach((t, o) => expect(relativeL2(got[o], want.get(t)!), `output ${o}`).toBeLessThan(100 * UNIT));
  });

  it('lets what is not finite through', async () => {
    const { tensors, feeds, pixels } = setUp(SHAPES[0]);
    const { x, dy, s, g, stats, gamma, beta } = tensors;
    const norm = { epsilon: EPSILON, activation: 'silu', frozen: false } as const;
    const sums = batchNormGateSumsOp([dy, x, stats, gamma, beta], norm);
    const gatedSums = batchNormGatedSumsOp([sums, s, g], {});
    const coefficients = batchNormCoefficientsOp([stats, gamma, beta], { epsilon: EPSILON });
    const outputs = [
      batchNormApplyOp([x, stats, gamma, beta, s], { ...norm, gated: true }),
      batchNormPoolOp([x, stats, gamma, beta], { ...norm, scale: 1 / pixels }),
      gatedSums,
      batchNormGatedInputGradOp([dy, x, gatedSums, s, g, coefficients], norm),
    ];
    for (const [name, bad] of [
      ['x', Number.NaN],
      ['x', Number.POSITIVE_INFINITY],
      ['s', Number.NaN],
      ['dy', Number.NaN],
    ] as const) {
      const got = await evaluate(device(), outputs, {
        ...feeds,
        [name]: feeds[name].map((v, i) => (i === 0 ? bad : v)),
      });
      const isLost = got.map((values) => Number.isFinite(values[0]));
      const reached = { x: [0, 1, 2, 3], s: [0, 2, 3], dy: [2, 3] }[name];
      expect(
        reached.filter((o) => isLost[o]),
        `${name} is ${bad}`,
      ).toEqual([]);
    }
  });
});

it('compiles in every variant', async () => {
  using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
  for (const shape of [SHAPES[0], SHAPES[1]])
    for (const activation of ACTIVATIONS) {
      const { tensors } = setUp(shape);
      const { y } = batchNorm(tensors.x, tensors.gamma, tensors.beta, { activation });
      const gated = mul(y, sigmoid(mean(y, [1, 2])));
      using program = await compile(device, { outputs: grad(gated, [tensors.x, tensors.gamma], tensors.dy) });
      expect(program.steps.map(({ tensor }) => tensor.op.name)).toContain('batch_norm_gated_sums');
    }
});
