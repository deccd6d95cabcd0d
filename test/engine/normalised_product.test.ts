import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { batchNorm, batchNormInference, batchNormStats } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { add, exp, mul, sigmoid } from '../../engine/ops/pointwise.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { compile } from '../../engine/program/program.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { batchNormApply } from '../reference/batch_norm.ts';
import { gated as gate } from '../reference/batch_norm_gated.ts';
import { evaluateGraph } from '../reference/interpreter.ts';
import { expectWithin, relativeL2, sumBound, UNIT } from '../tolerance.ts';
import { asHardware, asLavapipe, kernelsOf, likeGpu } from './as_adapter.ts';

/*
 * Convolutions of 1 x 1 and their filter gradients that make what they read, a batch norm with its gate, as they stage
 * it, against float64. When the compiler has them do so, and that it may, rewriting.test.ts shows.
 */

const EPSILON = 1e-3;
type Activation = 'none' | 'relu' | 'silu';

/**
 * Samples that end within a thread's four rows, within and with what is staged at a time, in tiles and between them;
 * the last two are made in parts.
 */
const CASES = [
  { x: [3, 7, 7, 16], k: 24 },
  { x: [5, 4, 4, 24], k: 40 },
  { x: [4, 3, 6, 140], k: 132 },
  { x: [2, 9, 9, 520], k: 32 },
  { x: [2, 33, 41, 12], k: 76 },
] as const;

/** GPUs that cut tiles of other sizes: so many sums a thread, and so many threads that keep them busy. */
const TILES = [
  [16, 20_000],
  [32, 128],
  [64, 128],
] as const;

function setUp({ x: shape, k }: (typeof CASES)[number], activation: Activation, isGated: boolean) {
  const [n, , , c] = shape;
  const [x, w, s] = [input('x', shape), input('w', [1, 1, c, k]), input('s', [n, 1, 1, c])];
  const norm = [input('stats', [2, c]), input('gamma', [c]), input('beta', [c])] as const;
  const normed = batchNormInference(x, ...norm, { epsilon: EPSILON, activation });
  const y = conv2d(isGated ? mul(normed, s) : normed, w);
  const dy = input('dy', y.shape);
  const [dw] = grad(y, [w], dy);
  const feeds: Record<string, Float32Array> = {
    x: randomArray(x.size, 1, -2, 3),
    w: randomArray(w.size, 2),
    dy: randomArray(dy.size, 3),
    stats: Float32Array.from([...randomArray(c, 4), ...randomArray(c, 5, 0.5, 2)]),
    gamma: randomArray(c, 6, 0.5, 2),
    beta: randomArray(c, 7),
    ...(isGated && { s: randomArray(s.size, 8, 0, 1) }),
  };
  return { x, w, y, dy, dw, feeds, channels: c };
}

/** What the batch norm makes of the feeds, with its gate. */
function normedOf(feeds: Record<string, Float32Array>, activation: Activation, samples: number) {
  const { x, stats, gamma, beta, s } = feeds;
  const values = batchNormApply({ x, stats, gamma, beta, epsilon: EPSILON, activation });
  return s ? gate(values, s, { samples, gamma }) : values;
}

describeAdapters('a product that normalises what it reads', (device) => {
  const cases = CASES.flatMap((at, i) => [
    [at, 'silu', true, TILES[i % 3]] as const,
    [at, 'relu', false, TILES[(i + 1) % 3]] as const,
    [at, 'none', true, TILES[(i + 2) % 3]] as const,
  ]);
  it.each(cases)('%j, %s, gated %s, tiles of %j', async (at, activation, isGated, [sums, threads]) => {
    const { x, w, y, dy, dw, feeds, channels } = setUp(at, activation, isGated);
    // The same two of what the batch norm makes, which here is fed as x.
    const made = conv2d(x, w);
    const same = [made, ...grad(made, [w], dy)];
    const fed = new Map<string, ArrayLike<number>>(
      Object.entries({ ...feeds, x: normedOf(feeds, activation, at.x[0]) }),
    );
    const want = evaluateGraph(same, fed);
    const sizes = new Map([...fed].map(([name, values]) => [name, Float64Array.from(values, Math.abs)]));
    const magnitudes = evaluateGraph(same, sizes);
    using program = await compile(likeGpu(device(), threads, sums), { outputs: [y, dw] });
    const kernels = kernelsOf(program.steps);
    const own = 'matmul_v2_workgroup_normalised';
    expect(kernels.filter((kernel) => kernel.includes('normalised'))).toEqual([own, own]);
    expect(kernels).not.toContain('batch_norm_apply');
    program.run(feeds);
    // |x| <= 3, |mean| <= 1, σ >= 0.7: |x̂| < 6, |z| < 13, with less than 40 roundings, the gate's included. A sum of
    // `count` products of it with numbers below 1 takes over as many of these errors, and rounds as often.
    const error = sumBound(40, 13);
    for (const [o, count] of [channels, x.size / channels].entries()) {
      const [got, magnitude] = [await program.read([y, dw][o]), magnitudes.get(same[o])!];
      const bound = (i: number) => count * error + sumBound(count, magnitude[i]);
      expectWithin(got, want.get(same[o])!, bound, ['y', 'dw'][o]);
      expect(relativeL2(got, want.get(same[o])!)).toBeLessThan(1e-5);
    }
  });

  it('lets what is not finite through, and nowhere else', async () => {
    const at = CASES[0];
    const { y, dw, feeds } = setUp(at, 'silu', true);
    const [pixels, c, k] = [3 * 49, 16, at.k];
    using program = await compile(likeGpu(device(), 128, 64), { outputs: [y, dw] });
    const lost = async (output: number) => {
      const got = await program.read([y, dw][output]);
      return [...got.keys()].filter((i) => !Number.isFinite(got[i]));
    };
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      // A channel of a pixel: of the first, of one whose neighbours are of another sample, and of the last.
      for (const pixel of [0, 49, pixels - 1]) {
        const channel = pixel === 49 ? 5 : 0;
        program.run({ ...feeds, x: feeds['x'].map((v, i) => (i === pixel * c + channel ? bad : v)) });
        expect(await lost(0)).toEqual(range(pixel * k, (pixel + 1) * k));
        expect(await lost(1)).toEqual(range(channel * k, (channel + 1) * k));
      }
      // A gate: of all pixels of the second sample, in the third channel.
      program.run({ ...feeds, s: feeds['s'].map((v, i) => (i === c + 2 ? bad : v)) });
      expect(await lost(0)).toEqual(range(49 * k, 2 * 49 * k));
      expect(await lost(1)).toEqual(range(2 * k, 3 * k));
    }
  });

  it('makes the statistics of its result beside it', async () => {
    const { y, feeds } = setUp(CASES[4], 'silu', true);
    const outputs = [y, batchNormStats(y)];
    const { dy: _, ...fed } = feeds;
    const want = evaluateGraph(outputs, new Map(Object.entries(fed)));
    using program = await compile(asHardware(device()), { outputs });
    expect(kernelsOf(program.steps)).toContain('matmul_v2_workgroup_normalised_summed');
    program.run(fed);
    // A hundred roundings, all in one direction.
    for (const t of outputs) expect(relativeL2(await program.read(t), want.get(t)!)).toBeLessThan(100 * UNIT);
  });

  it('has the gradients of the graph that it was made of, whatever is stored as f16', async () => {
    const [n, h, w, c, k] = [3, 9, 7, 8, 24];
    const [x, filter, v] = [input('x', [n, h, w, c]), input('filter', [1, 1, c, k]), input('v', [c])];
    const [gamma, beta] = [input('gamma', [c]), input('beta', [c])];
    const [wideGamma, wideBeta] = [input('wideGamma', [k]), input('wideBeta', [k])];
    const last = input('last', [1, 1, k, c]);
    const { y: normed } = batchNorm(exp(mul(x, 0.5)), gamma, beta, { epsilon: EPSILON, activation: 'silu' });
    const gated = mul(normed, sigmoid(mul(mean(normed, [1, 2]), v)));
    const { y: wide } = batchNorm(conv2d(gated, filter), wideGamma, wideBeta, { epsilon: EPSILON });
    const y = conv2d(wide, last);
    const dy = input('dy', y.shape);
    const wrt = { x, filter, v, gamma, beta, wideGamma, wideBeta, last };
    const outputs = [y, ...grad(y, Object.values(wrt), dy)];
    const feeds = Object.fromEntries(
      Object.entries({ ...wrt, dy }).map(([name, t], i) => [name, randomArray(t.size, i, ...rangeOf(name))]),
    );
    const want = evaluateGraph(outputs, new Map(Object.entries(feeds)));
    const hardware = asHardware(device());
    for (const precision of hardware.capabilities.f16 ? (['f32', 'f16'] as const) : (['f32'] as const)) {
      using program = await compile(hardware, { outputs, precision });
      const ops = program.steps.map(({ tensor }) => tensor.op.name);
      expect(ops).not.toContain('batch_norm_apply');
      // Of each batch norm once, where its statistics are joined if it is fed its parameters.
      expect(kernelsOf(program.steps).filter((kernel) => kernel.includes('coefficients'))).toEqual(
        Array(2).fill('batch_norm_combine_coefficients'),
      );
      program.run(feeds);
      // Two hundred roundings, all in one direction; of what is stored as f16 sixteen.
      const bound = precision === 'f32' ? 200 * UNIT : 16 * 2 ** -11;
      for (const [o, t] of outputs.entries())
        expect(relativeL2(await program.read(t), want.get(t)!), `${precision}, output ${o}`).toBeLessThan(bound);
    }
  });
});

/** Gammas are positive. */
const rangeOf = (name: string): [number, number] => (/gamma/i.test(name) ? [0.5, 2] : [-1, 1]);

describe('whoever makes it', () => {
  it('compiles in every tile, and leaves to batch norm what no kernel makes itself', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    const kernels = async (as: typeof device, ...outputs: ReturnType<typeof input>[]) => {
      using program = await compile(as, { outputs });
      return kernelsOf(program.steps);
    };
    for (const at of CASES)
      for (const isGated of [false, true])
        for (const [sums, threads] of TILES) {
          const { y, dw } = setUp(at, 'silu', isGated);
          const as = likeGpu(device, threads, sums);
          expect(await kernels(as, y, dw)).not.toContain('batch_norm_apply');
          expect(await kernels(as, y, dw, batchNormStats(y))).not.toContain('batch_norm_apply');
        }
    const hardware = asHardware(device);
    const { y, dw } = setUp(CASES[0], 'silu', true);
    expect(await kernels(asLavapipe(device), y, dw)).toContain('batch_norm_apply');
    // An epilogue has the bindings, few pixels are gated two samples at a time, channels must be padded.
    expect(await kernels(hardware, add(y, input('bias', [24])))).toContain('batch_norm_apply');
    const few = { x: [20, 3, 5, 16], k: 24 } as never;
    const gated = setUp(few, 'silu', true);
    expect(await kernels(hardware, gated.y, gated.dw)).toContain('batch_norm_apply');
    expect(await kernels(hardware, gated.y)).not.toContain('batch_norm_apply');
    const plain = setUp(few, 'silu', false);
    expect(await kernels(hardware, plain.y, plain.dw)).not.toContain('batch_norm_apply');
    const odd = setUp({ x: [2, 9, 9, 18], k: 24 } as never, 'silu', true);
    expect(await kernels(hardware, odd.y)).toContain('batch_norm_apply');
  });
});
