import { expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { batchNorm } from '../../engine/ops/batch_norm.ts';
import { batchNormCoefficientsOp } from '../../engine/ops/batch_norm_gated.ts';
import { depthwiseConv2d, depthwiseConv2dOp, depthwiseFilterGradOp } from '../../engine/ops/depthwise_conv2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { exp, mul } from '../../engine/ops/pointwise.ts';
import { compile } from '../../engine/program/program.ts';
import { describeBothWays, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { batchNormApply } from '../reference/batch_norm.ts';
import { evaluateGraph } from '../reference/interpreter.ts';
import { expectWithin, relativeL2, sumBound, UNIT } from '../tolerance.ts';
import { asHardware, asIntel } from './as_adapter.ts';

/*
 * Depthwise convolutions that normalise what they read, against float64. When the compiler has them do so, and that it
 * may, rewriting.test.ts shows.
 */

const EPSILON = 1e-3;
const ACTIVATIONS = ['none', 'relu', 'silu'] as const;
/** Columns of several strips, images beyond whose edges the filter looks, odd channels and even. */
const CASES = [
  { x: [2, 9, 11, 8], filter: 3, stride: 1 },
  { x: [2, 9, 11, 8], filter: 3, stride: 2 },
  { x: [1, 19, 7, 12], filter: 5, stride: 1 },
  { x: [2, 8, 9, 4], filter: 5, stride: 2 },
  { x: [2, 5, 6, 3], filter: 3, stride: 1 },
  { x: [2, 6, 5, 5], filter: 5, stride: 2 },
] as const;

function setUp({ x: shape, filter, stride }: (typeof CASES)[number]) {
  const c = shape[3];
  const [x, w] = [input('x', shape), input('w', [filter, filter, c])];
  const norm = [input('stats', [2, c]), input('gamma', [c]), input('beta', [c])] as const;
  const plain = depthwiseConv2d(x, w, { stride, padding: 'same' });
  const dy = input('dy', plain.shape);
  const feeds = {
    x: randomArray(x.size, 1, -2, 3),
    w: randomArray(w.size, 2),
    dy: randomArray(dy.size, 3),
    stats: Float32Array.from([...randomArray(c, 4), ...randomArray(c, 5, 0.5, 2)]),
    gamma: randomArray(c, 6, 0.5, 2),
    beta: randomArray(c, 7),
  };
  return { x, w, dy, norm, plain, feeds };
}

describeBothWays('a depthwise convolution that normalises what it reads', (device) => {
  it.each(CASES.flatMap((at) => ACTIVATIONS.map((activation) => [at, activation] as const)))(
    '%j, %s',
    async (at, activation) => {
      const { x, w, dy, norm, plain, feeds } = setUp(at);
      const coefficients = batchNormCoefficientsOp(norm, { epsilon: EPSILON });
      const attrs = { ...plain.attrs, normalised: { activation } } as never;
      const outputs = [
        depthwiseConv2dOp([x, w, coefficients], attrs),
        depthwiseFilterGradOp([x, dy, coefficients], attrs),
      ];
      // The same two of what the batch norm makes, which here is fed as x.
      const normed = batchNormApply({ ...feeds, epsilon: EPSILON, activation });
      const same = [plain, ...grad(plain, [w], dy)];
      const fed = new Map<string, ArrayLike<number>>(Object.entries({ ...feeds, x: normed }));
      const want = evaluateGraph(same, fed);
      const magnitudes = evaluateGraph(
        same,
        new Map([...fed].map(([name, values]) => [name, Float64Array.from(values, Math.abs)])),
      );
      // |x| <= 3, |mean| <= 1, σ >= 0.7: |x̂| < 6, |z| < 13, with less than 40 roundings. A sum of `count` products of
      // it with numbers below 1 takes over as many of these errors, and rounds as often.
      const error = sumBound(40, 13);
      for (const each of [device(), asIntel(device())]) {
        const got = await evaluate(each, outputs, feeds);
        for (const [o, count] of [at.filter ** 2, dy.size / at.x[3]].entries()) {
          const magnitude = magnitudes.get(same[o])!;
          const bound = (i: number) => count * error + sumBound(count, magnitude[i]);
          expectWithin(got[o], want.get(same[o])!, bound, ['y', 'dw'][o]);
          expect(relativeL2(got[o], want.get(same[o])!)).toBeLessThan(1e-5);
        }
      }
    },
  );

  it('lets what is not finite through, and reads zeros beyond the image', async () => {
    const { x, w, norm, plain, feeds } = setUp(CASES[0]);
    const coefficients = batchNormCoefficientsOp(norm, { epsilon: EPSILON });
    const y = depthwiseConv2dOp([x, w, coefficients], { ...plain.attrs, normalised: { activation: 'silu' } } as never);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      // The first pixel's first channel: in the windows of four outputs, and of no others.
      const { dy: _, ...fed } = { ...feeds, x: feeds.x.map((v, i) => (i === 0 ? bad : v)) };
      const [got] = await evaluate(device(), [y], fed);
      const lost = [...got.keys()].filter((i) => !Number.isFinite(got[i]));
      expect(lost).toEqual([0, 8, 88, 96]);
    }
  });

  it('has the gradients of the graph that it was made of, whatever is stored as f16', async () => {
    const { x, w, dy, norm, feeds } = setUp(CASES[0]);
    const [, gamma, beta] = norm;
    const scaled = exp(mul(x, 0.5));
    const { y: normed } = batchNorm(scaled, gamma, beta, { epsilon: EPSILON, activation: 'silu' });
    const y = depthwiseConv2d(normed, w, { padding: 'same' });
    const outputs = [y, ...grad(y, [x, w, gamma, beta], dy)];
    const { stats: _, ...fed } = feeds;
    const want = evaluateGraph(outputs, new Map(Object.entries(fed)));
    const hardware = asHardware(device());
    for (const precision of hardware.capabilities.f16 ? (['f32', 'f16'] as const) : (['f32'] as const)) {
      using program = await compile(hardware, { outputs, precision });
      expect(program.steps.map(({ tensor }) => tensor.op.name)).not.toContain('batch_norm_apply');
      program.run(fed);
      // A hundred roundings, all in one direction; of what is stored as f16 eight.
      const bound = precision === 'f32' ? 100 * UNIT : 8 * 2 ** -11;
      for (const [o, t] of outputs.entries())
        expect(relativeL2(await program.read(t), want.get(t)!), `${precision}, output ${o}`).toBeLessThan(bound);
    }
  });
});

it('compiles in every variant', async () => {
  using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
  for (const at of CASES)
    for (const activation of ACTIVATIONS) {
      const { x, w, dy, norm } = setUp(at);
      const { y } = batchNorm(x, norm[1], norm[2], { activation });
      const out = depthwiseConv2d(y, w, { stride: at.stride, padding: 'same' });
      using program = await compile(asHardware(device), { outputs: [out, ...grad(out, [x, w], dy)] });
      const kernels = program.steps.map(({ launch }) => launch.kernel.name);
      // Where the statistics are joined.
      expect(kernels).toContain('batch_norm_combine_coefficients');
    }
});
