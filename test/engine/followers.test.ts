import { expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import type { Device } from '../../engine/device/device.ts';
import { batchNorm, batchNormInference, batchNormStats } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { depthwiseConv2d } from '../../engine/ops/depthwise_conv2d.ts';
import { input, reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, exp, maximum, mul, relu, sigmoid, silu } from '../../engine/ops/pointwise.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { row } from '../../engine/ops/row.ts';
import type { Precision } from '../../engine/program/precision.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { evaluateGraph } from '../reference/interpreter.ts';
import { relativeL2, UNIT } from '../tolerance.ts';
import { likeGpu } from './as_adapter.ts';

/*
 * Launches that make what another would make of their result, against float64: engine/program/followers.ts.
 */

/** All inputs of a graph, in the order of their making. */
function inputsOf(outputs: readonly Tensor[]): Tensor[] {
  const seen = new Set<Tensor>();
  const visit = (t: Tensor): void => {
    if (seen.has(t)) return;
    seen.add(t);
    t.inputs.forEach(visit);
  };
  outputs.forEach(visit);
  return [...seen].filter(({ op }) => op.leaf === 'input').sort((a, b) => a.id - b.id);
}

/** Positive where it is a factor of a norm, or would be divided by. */
const feedsOf = (outputs: readonly Tensor[]): Record<string, Float32Array> =>
  Object.fromEntries(
    inputsOf(outputs).map(({ name, size }, i) => [name!, randomArray(size, i + 1, name === 'gamma' ? 0.5 : -1, 1)]),
  );

/** The kernels that compute the outputs, which are held to what float64 says; twice, to the same bits. */
async function expectRight(device: Device, outputs: readonly Tensor[], precision: Precision = 'f32') {
  const feeds = feedsOf(outputs);
  using program = await compile(device, { outputs, precision });
  const want = evaluateGraph(outputs, new Map(Object.entries(feeds)));
  // A hundred roundings, all in one direction; of what is stored as f16 sixteen.
  const bound = precision === 'f32' ? 100 * UNIT : 16 * 2 ** -11;
  program.run(feeds);
  const first = await Promise.all(outputs.map((t) => program.read(t)));
  for (const [o, t] of outputs.entries())
    expect(relativeL2(first[o], want.get(t)!), `${precision}, output ${o}`).toBeLessThan(bound);
  program.run(feeds);
  for (const [o, t] of outputs.entries()) expect(await program.read(t)).toEqual(first[o]);
  return program.steps.map(({ launch }) => launch.kernel.name);
}

const precisionsOf = (device: Device): Precision[] => (device.capabilities.f16 ? ['f32', 'f16'] : ['f32']);

/** Of so many threads that a product of K = 1024 is cut into parts. */
const GPU_THREADS = 20_000;
const DEPTH = 1024;

const norm = (x: Tensor, activation: 'none' | 'silu' = 'silu') => {
  const c = x.shape[x.shape.length - 1];
  return batchNorm(x, input('gamma', [c]), input('beta', [c]), { epsilon: 1e-3, activation }).y;
};

/** Rows that fill their chunks, and that do not. */
const PIXELS = [
  [2, 8, 8],
  [3, 7, 9],
] as const;

describeAdapters('a batch norm of what a product leaves in parts', (device) => {
  it.each(PIXELS)('adds them up for its statistics, %d x %d x %d pixels', async (...pixels) => {
    const gpu = likeGpu(device(), GPU_THREADS);
    const y = conv2d(exp(input('x', [...pixels, DEPTH])), input('w', [1, 1, DEPTH, 20]));
    const more = add(y, input('more', [...pixels, 20]));
    for (const precision of precisionsOf(device()))
      for (const outputs of [[norm(y), y], [norm(more)]]) {
        const kernels = await expectRight(gpu, outputs, precision);
        expect(kernels).toContain('batch_norm_stats_parts');
        expect(kernels).not.toContain('batch_norm_stats');
      }
  });

  it.each(PIXELS)('adds them up for its gradient, %d x %d x %d pixels', async (...pixels) => {
    const gpu = likeGpu(device(), GPU_THREADS);
    const c = 40;
    const x = input('x', [...pixels, c]);
    const z = norm(exp(x));
    const y = conv2d(z, input('w', [1, 1, c, DEPTH]));
    // The cotangent of z, from around the second product too.
    const around = add(conv2d(y, input('v', [1, 1, DEPTH, c])), z);
    const parameters = inputsOf([z]);
    for (const precision of precisionsOf(device()))
      for (const end of [y, around]) {
        const outputs = grad(end, parameters, input('dy', end.shape));
        const kernels = await expectRight(gpu, outputs, precision);
        expect(kernels).toContain('batch_norm_sums_parts');
        expect(kernels).not.toContain('batch_norm_sums');
      }
  });

  it('ends a product in parts with whatever follows, and norms that', async () => {
    const gpu = likeGpu(device(), GPU_THREADS);
    const product = matmul(input('x', [150, DEPTH]), input('w', [DEPTH, 40]));
    const ended = silu(add(product, input('bias', [40])));
    expect(await expectRight(gpu, [ended])).toEqual(['matmul_v2_workgroup', 'matmul_parts']);
    expect(await expectRight(gpu, [norm(ended)])).toEqual(expect.arrayContaining(['matmul_parts', 'batch_norm_stats']));
  });

  it('lets what is not finite through, to its own channel', async () => {
    const y = conv2d(input('x', [2, 8, 8, DEPTH]), input('w', [1, 1, DEPTH, 40]));
    const stats = batchNormStats(y);
    using program = await compile(likeGpu(device(), GPU_THREADS), { outputs: [stats] });
    expect(program.steps.map(({ launch }) => launch.kernel.name)).toContain('batch_norm_stats_parts');
    const feeds = feedsOf([stats]);
    for (const bad of [NaN, Infinity]) {
      program.run({ ...feeds, w: feeds['w'].map((v, i) => (i === 1 ? bad : v)) });
      const got = await program.read(stats);
      expect([...got.keys()].filter((i) => !Number.isFinite(got[i]))).toEqual([1, 41]);
    }
  });
});

describeAdapters('a small product', (device) => {
  const odd = () => matmul(input('a', [7, 30]), input('b', [30, 10]));
  const plans = () => [device(), likeGpu(device(), GPU_THREADS)];

  it('writes a function of its result beside it', async () => {
    for (const plan of plans()) {
      const z = add(odd(), input('bias', [10]));
      for (const then of [silu(z), relu(z), maximum(z, 0.25), mul(z, -2), sigmoid(z)])
        expect(await expectRight(plan, [z, then])).toEqual(['matmul_small_both']);
      const product = odd();
      expect(await expectRight(plan, [product, silu(product)])).toEqual(['matmul_small_both']);
    }
  });

  it('leaves to others what takes more', async () => {
    for (const plan of plans()) {
      const [z, other] = [odd(), input('other', [7, 10])];
      for (const then of [exp(z), mul(z, other), silu(exp(z))])
        expect(await expectRight(plan, [z, then])).toEqual(['matmul_small', 'pointwise']);
      // Of a part of the result.
      const whole = reshape(matmul(input('a', [4, 30]), input('b', [30, 128])), [2, 2, 128]);
      expect(await expectRight(plan, [silu(row(whole, 0)), relu(row(whole, 1))])).not.toContain('matmul_small_both');
    }
  });

  it('lets NaN through to both', async () => {
    const z = odd();
    const outputs = [z, relu(z)];
    for (const plan of plans()) {
      using program = await compile(plan, { outputs });
      const feeds = feedsOf([z]);
      program.run({ ...feeds, a: feeds['a'].map((v, i) => (i === 0 ? NaN : v)) });
      for (const t of outputs) {
        const got = await program.read(t);
        expect([...got.keys()].filter((i) => Number.isNaN(got[i]))).toEqual([...Array(10).keys()]);
      }
    }
  });
});

describeAdapters('the cotangent of a gate', (device) => {
  const gradients = (shape: readonly number[]) => {
    const c = shape[3];
    const y = norm(input('x', shape));
    const gated = mul(y, sigmoid(conv2d(mean(y, [1, 2]), input('w', [1, 1, c, c]))));
    return grad(gated, inputsOf([gated]), input('dy', shape));
  };

  it.each([
    [[2, 5, 3, 8], true],
    [[3, 5, 4, 5], true],
    [[3, 13, 11, 20], false],
  ] as const)('is taken through its sigmoid where it is made of whole samples: %j', async (shape, onCpu) => {
    expect((await expectRight(device(), gradients(shape))).includes('batch_norm_gate_sums_slope')).toBe(onCpu);
    expect(await expectRight(likeGpu(device(), 100), gradients(shape))).toContain('batch_norm_gate_sums_slope');
  });
});

describeAdapters('what follows', (device) => {
  it('stays where it is if something that it reads is made later', async () => {
    const x = input('x', [2, 9, 7, 8]);
    const stats = batchNormStats(x);
    const late = exp(input('gamma', [8]));
    const gpu = likeGpu(device(), GPU_THREADS);
    const outputsWith = (gamma: Tensor) => {
      const y = batchNormInference(x, stats, gamma, input('beta', [8]), { epsilon: 1e-3 });
      return [depthwiseConv2d(y, input('w', [3, 3, 8]), { padding: 'same' })];
    };
    expect(await expectRight(gpu, outputsWith(late))).toContain('batch_norm_coefficients');
    expect(await expectRight(gpu, outputsWith(input('gamma', [8])))).not.toContain('batch_norm_coefficients');
  });
});
