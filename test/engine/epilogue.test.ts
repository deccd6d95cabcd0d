import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { batchNormInference } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import type { ConvGeometry } from '../../engine/ops/conv_geometry.ts';
import { depthwiseConv2d, type DepthwiseAttributes } from '../../engine/ops/depthwise_conv2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add, exp, maximum, minimum, mul, relu, rsub, sigmoid, silu, sub, tanh } from '../../engine/ops/pointwise.ts';
import { mean } from '../../engine/ops/reduce.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { batchNormApply } from '../reference/batch_norm.ts';
import * as reference from '../reference/conv2d.ts';
import * as winograd from '../reference/winograd.ts';
import { UNIT, expectWithin, functionBound, sumBound, winogradBound } from '../tolerance.ts';
import { asHardware } from './as_adapter.ts';

const EPSILON = 1e-3;

/** The operands of an inference batch norm over `c` channels, beside its input. */
const norm = (c: number) => [input('stats', [2, c]), input('gamma', [c]), input('beta', [c])] as const;

describe('what becomes an epilogue', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
  });
  afterAll(() => device[Symbol.dispose]());
  const kernels = async (...outputs: readonly Tensor[]) => {
    using program = await compile(device, { outputs });
    return program.steps.map(({ launch }) => launch.kernel.name.replace(/_v2.*/, ''));
  };
  const x = input('x', [2, 8, 8, 8]);
  const conv = conv2d(x, input('w', [3, 3, 8, 8]), { padding: 'same' });

  it('batch norm of constants, its activation and a residual', async () => {
    const normed = batchNormInference(conv, ...norm(8), { activation: 'relu' });
    expect(await kernels(normed)).toEqual(['batch_norm_fold', 'conv2d']);
    expect(await kernels(add(normed, x))).toEqual(['batch_norm_fold', 'conv2d']);
    expect(await kernels(add(x, normed))).toEqual(['batch_norm_fold', 'conv2d']);
    const depthwise = depthwiseConv2d(x, input('v', [3, 3, 8]), { padding: 'same' });
    expect(await kernels(batchNormInference(depthwise, ...norm(8), { activation: 'silu' }))).toEqual([
      'batch_norm_fold',
      'depthwise_conv2d_forward_v3',
    ]);
  });

  it('a bias with what follows it', async () => {
    const dense = matmul(input('a', [64, 16]), input('b', [16, 16]));
    expect(await kernels(relu(add(dense, input('bias', [16]))))).toEqual(['matmul']);
  });

  it('as many stages as it takes, and a pass of its own for the rest', async () => {
    const gated = mul(relu(add(conv, input('bias', [8]))), input('gate', [2, 1, 1, 8]));
    expect(await kernels(gated)).toEqual(['conv2d', 'pointwise']);
  });

  it('only what follows convolutions in networks: other functions are passes of their own', async () => {
    expect(await kernels(tanh(conv))).toEqual(['conv2d', 'pointwise']);
    expect(await kernels(exp(relu(conv)))).toEqual(['conv2d', 'pointwise']);
    for (const applied of [
      add(conv, 1),
      sub(conv, 1),
      rsub(conv, 1),
      mul(conv, 2),
      maximum(conv, 0.5),
      minimum(conv, 0.5),
      sigmoid(conv),
      relu(conv),
      silu(conv),
    ]) {
      expect(await kernels(applied)).toEqual(['conv2d']);
    }
  });

  it('not what others read too, nor what is asked for', async () => {
    expect(await kernels(add(relu(conv), mean(conv)))).toEqual(expect.arrayContaining(['conv2d', 'pointwise']));
    expect(await kernels(relu(conv), conv)).toEqual(['conv2d', 'pointwise']);
    const normed = batchNormInference(conv, ...norm(8));
    expect(await kernels(normed, conv)).toEqual(['conv2d', 'batch_norm_apply']);
  });

  it('not where the gradient needs what lies before it', async () => {
    const gamma = input('gamma', [8]);
    const y = batchNormInference(conv, input('stats', [2, 8]), gamma, input('beta', [8]), { activation: 'silu' });
    expect(await kernels(y, ...grad(mean(y), [gamma]))).toContain('batch_norm_apply');
  });
});

describeAdapters('an epilogue', (device) => {
  // Convolutions that the fused kernel makes in one step, and others whose result is padded, split, turned or made by a
  // naive kernel first.
  const CASES: readonly (readonly [
    string,
    readonly [number, number, number, number],
    readonly [number, number, number, number],
    object,
  ])[] = [
    ['3x3', [2, 9, 7, 8], [3, 3, 8, 20], { padding: 'same' }],
    ['3x3 with stride 2', [2, 9, 7, 4], [3, 3, 4, 8], { padding: 'same', stride: 2 }],
    ['3x3 to padded channels', [2, 5, 7, 8], [3, 3, 8, 6], { padding: 'same' }],
    ['3x3 in groups', [2, 5, 7, 8], [3, 3, 4, 8], { padding: 'same', groups: 2 }],
    ['3x3, naive', [2, 5, 7, 8], [3, 3, 8, 8], { padding: 'same', version: 1 }],
    ['3x3 by Winograd', [2, 9, 7, 8], [3, 3, 8, 20], { padding: 'same', version: 3 }],
    ['3x3 by Winograd to padded channels', [2, 5, 7, 8], [3, 3, 8, 6], { padding: 'same', version: 3 }],
    ['1x1', [3, 7, 9, 12], [1, 1, 12, 24], {}],
    ['1x1 to padded channels', [1, 7, 9, 12], [1, 1, 12, 10], {}],
    ['1x1 of few pixels', [1, 2, 2, 16], [1, 1, 16, 64], {}],
    ['1x1 of few pixels and a long sum', [1, 2, 3, 1024], [1, 1, 1024, 16], {}],
    ['depthwise', [2, 9, 7, 8], [3, 3, 8, 1], { padding: 'same', depthwise: true }],
    ['depthwise of odd channels', [2, 9, 7, 5], [5, 5, 5, 1], { padding: 'same', stride: 2, depthwise: true }],
    ['depthwise, naive', [2, 9, 7, 8], [3, 3, 8, 1], { padding: 'same', depthwise: true, version: 1 }],
  ];

  describe.each([
    ['software', (d: Device) => d],
    ['hardware', asHardware],
  ] as const)('chosen for %s', (_, as) => {
    it.each(CASES)(
      '%s: batch norm, SiLU and a residual',
      async (_title, xShape, wShape, { depthwise = false, ...attrs }: { depthwise?: boolean; version?: 1 | 2 | 3 }) => {
        const x = input('x', xShape);
        const y = depthwise
          ? depthwiseConv2d(x, input('w', wShape.slice(0, 3)), attrs as DepthwiseAttributes)
          : conv2d(x, input('w', wShape), attrs);
        const geometry = depthwise ? (y.attrs['geometry'] as ConvGeometry) : (y.attrs as unknown as ConvGeometry);
        const c = y.shape[3];
        const residual = input('residual', y.shape);
        const out = add(batchNormInference(y, ...norm(c), { epsilon: EPSILON, activation: 'silu' }), residual);
        const feeds = {
          x: randomArray(x.size, 1),
          w: randomArray(
            wShape.reduce((a, b) => a * b, 1),
            2,
          ),
          gamma: randomArray(c, 3, 0.5, 2),
          beta: randomArray(c, 4),
          stats: Float32Array.from([...randomArray(c, 5), ...randomArray(c, 6, 0.5, 2)]),
          residual: randomArray(y.size, 7),
        };
        const [got] = await evaluate(as(device()), [out], feeds);

        // A depthwise filter [r, s, C] is that of a convolution in C groups, [r, s, 1, C].
        const { x: xs, w, stats, gamma, beta } = feeds;
        const sums = reference.conv2d(xs, w, geometry);
        const magnitudes = reference.conv2d(xs.map(Math.abs), w.map(Math.abs), geometry);
        const want = batchNormApply({ x: sums, stats, gamma, beta, epsilon: EPSILON, activation: 'silu' }).map(
          (v, i) => v + feeds.residual[i],
        );
        const length = geometry.filterH * geometry.filterW * (geometry.inChannels / geometry.groups);
        const passed = attrs.version === 3 ? winograd.conv2dMagnitude(xs, w, geometry) : undefined;
        const bound = (i: number) =>
          passed ? winogradBound(geometry.inChannels, passed[i]) : sumBound(length, magnitudes[i]);
        expectWithin(got, want, (i) => {
          const k = i % c;
          const scale = gamma[k] / Math.sqrt(stats[c + k] + EPSILON);
          // |z| and the terms that add up to it; SiLU's slope is below 1.1. inverseSqrt and the sums behind it are a
          // few roundings each.
          const terms = Math.abs(scale) * (Math.abs(sums[i]) + Math.abs(stats[k])) + Math.abs(beta[k]);
          const z = scale * bound(i) + 8 * UNIT * terms;
          return 1.1 * z + functionBound(2, terms) + 2 * UNIT * (terms + Math.abs(feeds.residual[i]));
        });
      },
    );

    it('numbers, a bias and a clamp', async () => {
      const [M, K, N] = [40, 24, 12];
      const y = minimum(
        maximum(add(mul(matmul(input('a', [M, K]), input('b', [K, N])), 0.5), input('bias', [N])), 0),
        1.5,
      );
      const feeds = { a: randomArray(M * K, 1), b: randomArray(K * N, 2), bias: randomArray(N, 3) };
      const [got] = await evaluate(as(device()), [y], feeds);
      const product = (i: number, f: (v: number) => number) => {
        let sum = 0;
        for (let k = 0; k < K; k++) sum += f(feeds.a[Math.floor(i / N) * K + k] * feeds.b[k * N + (i % N)]);
        return sum;
      };
      const want = Float64Array.from(got, (_v, i) =>
        Math.min(1.5, Math.max(0, 0.5 * product(i, (v) => v) + feeds.bias[i % N])),
      );
      expect(want.filter((v) => v > 0 && v < 1.5).length).toBeGreaterThan((M * N) / 5);
      expectWithin(got, want, (i) => sumBound(K + 2, product(i, Math.abs) + Math.abs(feeds.bias[i % N])));
    });

    it('differences either way and a sigmoid', async () => {
      const [x, w] = [input('x', [1, 4, 4, 8]), input('w', [1, 1, 8, 8])];
      const feeds = { x: randomArray(128, 1), w: randomArray(64, 2) };
      const y = conv2d(x, w);
      const [got] = await evaluate(as(device()), [sigmoid(rsub(sub(y, 0.25), 2))], feeds);
      const g = y.attrs as unknown as ConvGeometry;
      const [sums, magnitudes] = [
        reference.conv2d(feeds.x, feeds.w, g),
        reference.conv2d(feeds.x.map(Math.abs), feeds.w.map(Math.abs), g),
      ];
      // The sigmoid's slope is at most 1/4, its value below 1.
      expectWithin(
        got,
        sums.map((v) => 1 / (1 + Math.exp(-(2 - (v - 0.25))))),
        (i) => sumBound(10, magnitudes[i] + 2.25) / 4 + functionBound(2, 1),
      );
    });

    it('two different chains in one program', async () => {
      const x = input('x', [1, 4, 4, 8]);
      const [w, v] = [input('w', [1, 1, 8, 8]), input('v', [1, 1, 8, 8])];
      const feeds = { x: randomArray(128, 1), w: randomArray(64, 2), v: randomArray(64, 3) };
      const [a, b] = [silu(conv2d(x, w)), mul(conv2d(x, v), 3)];
      const [gotA, gotB] = await evaluate(as(device()), [a, b], feeds);
      const g = conv2d(x, w).attrs as unknown as ConvGeometry;
      const [sumA, sumB] = [reference.conv2d(feeds.x, feeds.w, g), reference.conv2d(feeds.x, feeds.v, g)];
      expectWithin(
        gotA,
        sumA.map((z) => z / (1 + Math.exp(-z))),
        () => 1.1 * sumBound(8, 8) + functionBound(2, 8),
      );
      expectWithin(
        gotB,
        sumB.map((z) => 3 * z),
        () => 3 * sumBound(9, 8),
      );
    });
  });
});
