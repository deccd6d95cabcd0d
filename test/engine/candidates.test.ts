import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { batchNorm } from '../../engine/ops/batch_norm.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { convGeometry, type Pair } from '../../engine/ops/conv_geometry.ts';
import { depthwiseConv2d } from '../../engine/ops/depthwise_conv2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { add } from '../../engine/ops/pointwise.ts';
import { compile, type Feed } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { taskOf } from '../../engine/tuning.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { batchNormGradients, batchNormStats } from '../reference/batch_norm.ts';
import * as conv from '../reference/conv2d.ts';
import * as depthwise from '../reference/depthwise_conv2d.ts';
import { matmul as product } from '../reference/matmul.ts';
import * as winograd from '../reference/winograd.ts';
import { expectWithin, sumBound, winogradBound } from '../tolerance.ts';
import { asHardware, asLavapipe } from './as_adapter.ts';

/** What an output must be, and how far each element may be off. */
interface Expected {
  readonly tensor: Tensor;
  readonly value: ArrayLike<number>;
  readonly bound: (i: number) => number;
}

interface Case {
  readonly feeds: Record<string, Feed>;
  readonly expected: readonly Expected[];
}

const absolute = (x: Float32Array) => x.map(Math.abs);

/**
 * `of` is the reference as a function of its two operands: for the value, and for the sum of the magnitudes that bounds
 * the rounding.
 */
const bilinear = (
  tensor: Tensor,
  length: number,
  a: Float32Array,
  b: Float32Array,
  of: (a: Float32Array, b: Float32Array) => Float64Array,
): Expected => {
  const magnitude = of(absolute(a), absolute(b));
  return { tensor, value: of(a, b), bound: (i) => sumBound(length, magnitude[i]) };
};

/** An odd product that is tiny and would be padded, and one of few rows, with either layout of the right factor. */
function smallProducts(): Case {
  const feeds = {
    a: randomArray(5 * 70, 1),
    b: randomArray(7 * 70, 2),
    c: randomArray(3 * 132, 3),
    d: randomArray(44 * 132, 4),
    e: randomArray(44 * 132, 5),
  };
  const [A, B, C, D, T] = [
    input('a', [5, 70]),
    input('b', [70, 7]),
    input('c', [3, 132]),
    input('d', [132, 44]),
    input('e', [44, 132]),
  ];
  return {
    feeds,
    expected: [
      bilinear(matmul(A, B), 70, feeds.a, feeds.b, (a, b) => product(a, b, 5, 7, 70)),
      bilinear(matmul(C, D), 132, feeds.c, feeds.d, (a, b) => product(a, b, 3, 44, 132)),
      bilinear(matmul(C, T, { transposeB: true }), 132, feeds.c, feeds.e, (a, b) =>
        product(a, b, 3, 44, 132, false, true),
      ),
    ],
  };
}

/** Wide enough for sums in several parts, sizes that no tile divides. */
function products(): Case {
  const [M, N, K] = [37, 20, 1100];
  const feeds = { a: randomArray(M * K, 1), b: randomArray(K * N, 2) };
  return {
    feeds,
    expected: [
      bilinear(matmul(input('a', [M, K]), input('b', [K, N])), K, feeds.a, feeds.b, (a, b) => product(a, b, M, N, K)),
    ],
  };
}

/**
 * Direct kernels and, among the last candidates of one group, Winograd's; of version 3 Winograd's alone. Two groups are
 * so wide that each has several tiles of most candidates; their filters' taps lie apart, down and across by different
 * numbers.
 */
function convolutions(groups: 1 | 2 = 1, version?: 3): Case {
  const K = groups === 1 ? 12 : 80;
  const [X, W] = [input('x', [2, 27, 25, 8]), input('w', [3, 3, 8 / groups, K])];
  const dilation: Pair = groups === 1 ? 1 : [3, 2];
  const attrs = { padding: 'same', stride: 1, groups, dilation } as const;
  const g = convGeometry('conv2d', X, W, attrs);
  const y = conv2d(X, W, { ...attrs, version });
  const DY = input('dy', y.shape);
  const [dx, dw] = grad(y, [X, W], DY);
  const feeds = { x: randomArray(X.size, 1), w: randomArray(W.size, 2), dy: randomArray(DY.size, 3) };
  const direct = [
    bilinear(y, 72 / groups, feeds.x, feeds.w, (x, w) => conv.conv2d(x, w, g)),
    bilinear(dx, (9 * K) / groups, feeds.dy, feeds.w, (dy, w) => conv.conv2dInputGrad(dy, w, g)),
    bilinear(dw, 2 * 27 * 25, feeds.x, feeds.dy, (x, dy) => conv.conv2dFilterGrad(x, dy, g)),
  ];
  if (groups > 1) return { feeds, expected: direct };
  const magnitudes = [
    winograd.conv2dMagnitude(feeds.x, feeds.w, g),
    winograd.conv2dInputGradMagnitude(feeds.dy, feeds.w, g),
    winograd.conv2dFilterGradMagnitude(feeds.x, feeds.dy, g),
  ];
  const tiles = 2 * 14 * 13;
  return {
    feeds,
    expected: direct.map((one, o) => ({
      ...one,
      bound: (i) => Math.max(one.bound(i), winogradBound([8, K, tiles][o], magnitudes[o][i])),
    })),
  };
}

function depthwiseConvolutions(filter: 3 | 5, stride: 1 | 2): Case {
  const [X, W] = [input('x', [2, 38, 18, 4]), input('w', [filter, filter, 4])];
  const y = depthwiseConv2d(X, W, { padding: 'same', stride });
  const DY = input('dy', y.shape);
  const [dx, dw] = grad(y, [X, W], DY);
  const feeds = { x: randomArray(X.size, 1), w: randomArray(W.size, 2), dy: randomArray(DY.size, 3) };
  // SAME pads an even image at stride 2 by one more at its end.
  const pad = (filter - 1) / 2 - (stride - 1);
  const d: depthwise.Depthwise = {
    x: [2, 38, 18, 4],
    filter: [filter, filter],
    out: [38 / stride, 18 / stride],
    stride: [stride, stride],
    dilation: [1, 1],
    pad: [pad, pad],
  };
  return {
    feeds,
    expected: [
      bilinear(y, filter * filter, feeds.x, feeds.w, (x, w) => depthwise.depthwiseConv2d(d, x, w)),
      bilinear(dx, filter * filter, feeds.dy, feeds.w, (dy, w) => depthwise.depthwiseConv2dInputGrad(d, dy, w)),
      bilinear(dw, DY.size / 4, feeds.x, feeds.dy, (x, dy) => depthwise.depthwiseConv2dFilterGrad(d, x, dy)),
    ],
  };
}

function batchNorms(): Case {
  const [rows, channels] = [810, 8];
  const [X, DY, GAMMA, BETA] = [
    input('x', [rows, channels]),
    input('dy', [rows, channels]),
    input('gamma', [channels]),
    input('beta', [channels]),
  ];
  const { y, stats } = batchNorm(X, GAMMA, BETA, { epsilon: 1e-3 });
  const [dx, dGamma, dBeta] = grad(y, [X, GAMMA, BETA], DY);
  const feeds = {
    x: randomArray(X.size, 1, -2, 3),
    dy: randomArray(X.size, 2),
    gamma: randomArray(channels, 3, 0.5, 2),
    beta: randomArray(channels, 4),
  };
  const at = { ...feeds, stats: batchNormStats(feeds.x, channels), epsilon: 1e-3, activation: 'none' } as const;
  const want = batchNormGradients(at, feeds.dy, false);
  // |x| <= 3 and σ > 1, so |x̂| < 4; a number is part of at most `rows` additions one after another and of less than 40
  // other roundings.
  const error = sumBound(rows + 40, 4);
  return {
    feeds,
    expected: [
      { tensor: stats, value: at.stats, bound: () => error },
      { tensor: dBeta, value: want.dBeta, bound: () => sumBound(rows, rows) },
      { tensor: dGamma, value: want.dGamma, bound: () => sumBound(rows, 4 * rows) + rows * error },
      // γ/σ < 2 times the errors of dz and of the two means.
      { tensor: dx, value: want.dx, bound: () => 2 * (2 * error + 4 * (4 * error)) },
    ],
  };
}

/** One stage of each kind of operand that depends on where a Value lies; exact, as both are sums of two numbers. */
function chains(): Case {
  const [batch, pixels, channels] = [3, 5 * 7 * 40, 12];
  const [X, C, S] = [input('x', [batch, pixels, channels]), input('c', [channels]), input('s', [batch, 1, channels])];
  const feeds = { x: randomArray(X.size, 1), c: randomArray(channels, 2), s: randomArray(S.size, 3) };
  const value = (operand: (n: number, c: number) => number) =>
    feeds.x.map((x, i) => x + operand(Math.floor(i / (pixels * channels)), i % channels));
  return {
    feeds,
    expected: [
      { tensor: add(X, C), value: value((_, c) => feeds.c[c]), bound: () => 0 },
      { tensor: add(X, S), value: value((n, c) => feeds.s[n * channels + c]), bound: () => 0 },
    ],
  };
}

const CASES = {
  products,
  'small products': smallProducts,
  convolutions: () => convolutions(),
  'convolutions by Winograd': () => convolutions(1, 3),
  'grouped convolutions': () => convolutions(2),
  depthwise: () => depthwiseConvolutions(3, 1),
  'depthwise at stride 2': () => depthwiseConvolutions(3, 2),
  'depthwise 5x5': () => depthwiseConvolutions(5, 1),
  'depthwise 5x5 at stride 2': () => depthwiseConvolutions(5, 2),
  'batch norms': batchNorms,
  'pointwise chains': chains,
};

/**
 * Every candidate of every op of a case by its place in the list, and of how many. Ops with fewer repeat their last.
 */
async function eachCandidate(
  device: Device,
  { expected }: Case,
  body: (program: Awaited<ReturnType<typeof compile>>, title: string) => Promise<void>,
): Promise<number> {
  const outputs = expected.map(({ tensor }) => tensor);
  let most = 1;
  for (let n = 0; n < most; n++) {
    // What is asked for is known by the task; which candidates there are, by a program that took the defaults.
    using usual = await compile(device, { outputs });
    most = Math.max(...usual.choicePoints.map(({ choices }) => choices.candidates.length));
    const pick = new Map(
      usual.choicePoints.map(({ tensor, choices }) => [
        taskOf(tensor),
        choices.candidates[Math.min(n, choices.candidates.length - 1)],
      ]),
    );
    using program = await compile(device, { outputs, tuning: { find: (task) => pick.get(task) } });
    for (const { tensor, choice } of program.choicePoints) expect(choice).toEqual(pick.get(taskOf(tensor)));
    await body(program, JSON.stringify([...new Set(program.choicePoints.map(({ choice }) => JSON.stringify(choice)))]));
  }
  return most;
}

/**
 * As a GPU of at most 128 threads to a workgroup. Tiles of 256 differ from smaller ones in numbers only, and software
 * takes minutes for all of them: below they are compiled, and matmul.test.ts runs one.
 */
function asSmallHardware(device: Device): Device {
  const hardware = asHardware(device);
  return Object.create(hardware, {
    capabilities: { value: { ...hardware.capabilities, maxWorkgroupInvocations: 128 } },
  }) as Device;
}

describeAdapters('every candidate', (device) => {
  describe.each(Object.keys(CASES) as (keyof typeof CASES)[])('of %s', (name) => {
    it.each([
      ['software', (d: Device) => d],
      ['hardware', asSmallHardware],
    ] as const)(
      'as %s gets them is right',
      async (_, as) => {
        const found = CASES[name]();
        const count = await eachCandidate(as(device()), found, async (program, title) => {
          program.run(found.feeds);
          for (const { tensor, value, bound } of found.expected)
            expectWithin(await program.read(tensor), value, bound, `${tensor.op.name} ${title}`);
        });
        expect(count).toBeGreaterThan(2);
        // With cold shader caches the driver compiles each for seconds.
      },
      900_000,
    );
  });
});

describe('every candidate', () => {
  it.each(Object.keys(CASES) as (keyof typeof CASES)[])('of %s compiles on the null backend', async (name) => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    for (const on of [asLavapipe(device), asHardware(device)])
      expect(await eachCandidate(on, CASES[name](), async () => {})).toBeGreaterThan(2);
  });
});
