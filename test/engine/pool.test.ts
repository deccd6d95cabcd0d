import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { input } from '../../engine/ops/leaves.ts';
import { adaptiveAvgPool2d, avgPool2d, globalAvgPool, maxPool2d, type PoolAttributes } from '../../engine/ops/pool.ts';
import { compile } from '../../engine/program/program.ts';
import { UserError } from '../../engine/user_error.ts';
import { expectGradient } from '../finite_differences.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import * as reference from '../reference/pool.ts';
import { expectWithin, sumBound } from '../tolerance.ts';

interface Case {
  x: [number, number, number, number];
  attrs: PoolAttributes;
  /** Worked out by hand from the definitions. */
  out: [number, number];
  pad: [number, number];
  padEnd?: [number, number];
}

const CASES: Case[] = [
  { x: [2, 8, 6, 8], attrs: { size: 2 }, out: [4, 3], pad: [0, 0] },
  { x: [1, 7, 9, 4], attrs: { size: 2 }, out: [3, 4], pad: [0, 0] },
  { x: [2, 9, 8, 4], attrs: { size: 3, stride: 2, padding: 1 }, out: [5, 4], pad: [1, 1] },
  { x: [1, 8, 7, 4], attrs: { size: 3, stride: 2, padding: 'same' }, out: [4, 4], pad: [0, 1] },
  { x: [1, 6, 7, 5], attrs: { size: 3, stride: 1, padding: 'same' }, out: [6, 7], pad: [1, 1] },
  { x: [2, 9, 8, 4], attrs: { size: 2, stride: 3 }, out: [3, 3], pad: [0, 0] },
  { x: [1, 8, 7, 3], attrs: { size: 3, padding: 1 }, out: [3, 3], pad: [1, 1] },
  { x: [1, 7, 10, 8], attrs: { size: 3, padding: 'same' }, out: [3, 4], pad: [1, 1] },
  { x: [2, 7, 8, 3], attrs: { size: [2, 3], stride: [3, 1], padding: 'valid' }, out: [2, 6], pad: [0, 0] },
  { x: [1, 4, 4, 4], attrs: { size: 4, stride: 1 }, out: [1, 1], pad: [0, 0] },
  { x: [2, 9, 8, 4], attrs: { size: 3, stride: 2, dilation: 2 }, out: [3, 2], pad: [0, 0] },
  { x: [1, 7, 9, 3], attrs: { size: [2, 3], stride: 1, padding: 1, dilation: [3, 2] }, out: [6, 7], pad: [1, 1] },
  { x: [1, 8, 8, 4], attrs: { size: 2, dilation: 2, padding: 'same' }, out: [4, 4], pad: [0, 0] },
  // Rounded up: a window hangs over the end, by one pixel or two, over the padding too, or would begin behind it.
  { x: [2, 7, 6, 4], attrs: { size: 2, ceilMode: true }, out: [4, 3], pad: [0, 0], padEnd: [0, 0] },
  { x: [1, 8, 9, 3], attrs: { size: 3, stride: 3, ceilMode: true }, out: [3, 3], pad: [0, 0], padEnd: [0, 0] },
  {
    x: [1, 6, 7, 4],
    attrs: { size: 3, stride: 2, padding: 1, ceilMode: true },
    out: [4, 4],
    pad: [1, 1],
    padEnd: [1, 1],
  },
  {
    x: [1, 5, 6, 4],
    attrs: { size: 2, stride: 3, padding: 1, ceilMode: true },
    out: [2, 3],
    pad: [1, 1],
    padEnd: [1, 1],
  },
  {
    x: [1, 8, 7, 3],
    attrs: { size: 2, stride: 2, dilation: 2, padding: 1, ceilMode: true },
    out: [5, 4],
    pad: [1, 1],
    padEnd: [1, 1],
  },
];

const pair = (v: number | readonly [number, number]): [number, number] =>
  typeof v === 'number' ? [v, v] : [v[0], v[1]];
const describeCase = ({ x, attrs, out, pad, padEnd }: Case): reference.Pool => ({
  x,
  out,
  pad,
  padEnd,
  dilation: pair(attrs.dilation ?? 1),
  size: pair(attrs.size),
  stride: pair(attrs.stride ?? attrs.size),
});
const elements = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

describe('the reference', () => {
  it.each([CASES[2], CASES[4], CASES[5], CASES[10], CASES[15]])('agrees with finite differences: $x, $attrs', (c) => {
    const p = describeCase(c);
    const x = Float64Array.from(randomArray(elements(c.x), 1));
    const dy = Float64Array.from(randomArray(c.x[0] * elements(c.out) * c.x[3], 2));
    expectGradient(([v]) => reference.maxPool(p, v), [x], dy, [reference.maxPoolInputGrad(p, x, dy)]);
    for (const count of [true, false])
      expectGradient(([v]) => reference.averagePool(p, v, count), [x], dy, [
        reference.averagePoolInputGrad(p, dy, count),
      ]);
  });
});

describeAdapters('pooling', (device) => {
  it.each(CASES)('$x, $attrs: maximum, average and their gradients', async (c) => {
    const p = describeCase(c);
    const [x, dy] = [input('x', c.x), input('dy', [c.x[0], ...c.out, c.x[3]])];
    // Few distinct values, so that windows hold their maximum several times.
    const feeds = { x: randomArray(x.size, 1, -3, 3).map(Math.round), dy: randomArray(dy.size, 2) };
    const maximum = maxPool2d(x, c.attrs);
    const naive = maxPool2d(x, { ...c.attrs, version: 1 });
    const full = avgPool2d(x, c.attrs);
    const inside = avgPool2d(x, { ...c.attrs, countIncludePad: false });
    expect(maximum.shape).toEqual(dy.shape);
    const got = await evaluate(
      device(),
      [maximum, full, inside, ...[maximum, full, inside, naive].map((y) => grad(y, [x], dy)[0])],
      feeds,
    );
    const magnitude = reference.averagePoolInputGrad({ ...p }, feeds.dy.map(Math.abs), false);
    const taps = elements(p.size);
    expectWithin(got[0], reference.maxPool(p, feeds.x), () => 0, 'maximum');
    [true, false].forEach((count, k) => {
      const size = reference.averagePool(p, feeds.x.map(Math.abs), count);
      // A division is off by 2.5 ulp, which is 5 units of roundoff.
      expectWithin(got[1 + k], reference.averagePool(p, feeds.x, count), (i) => sumBound(taps + 5, size[i]), 'average');
      expectWithin(
        got[4 + k],
        reference.averagePoolInputGrad(p, feeds.dy, count),
        (i) => sumBound(taps + 5, magnitude[i]),
        'gradient of average',
      );
    });
    const most = reference.maxPoolInputGrad(p, feeds.x, feeds.dy.map(Math.abs));
    for (const dx of [got[3], got[6]])
      expectWithin(
        dx,
        reference.maxPoolInputGrad(p, feeds.x, feeds.dy),
        (i) => sumBound(taps, most[i]),
        'gradient of maximum',
      );
  });

  it.each([
    [
      [1, 7, 7, 4],
      [7, 7],
    ],
    [
      [2, 14, 8, 4],
      [7, 4],
    ],
    [
      [1, 10, 9, 3],
      [7, 7],
    ],
    [
      [1, 3, 5, 4],
      [7, 7],
    ],
    [
      [2, 5, 6, 8],
      [1, 1],
    ],
  ] as [[number, number, number, number], [number, number]][])(
    '%j averaged to %j, and its gradient',
    async (shape, out) => {
      const [x, dy] = [input('x', shape), input('dy', [shape[0], ...out, shape[3]])];
      const feeds = { x: randomArray(x.size, 1), dy: randomArray(dy.size, 2) };
      const y = adaptiveAvgPool2d(x, out);
      const dx = grad(y, [x], dy)[0];
      const [got, gotDx, back] = await evaluate(device(), [y, dx, grad(dx, [dy], x)[0]], feeds);
      const size = (f: (v: Float32Array) => Float64Array, v: Float32Array) => f(v.map(Math.abs));
      const forward = (v: Float32Array) => reference.adaptiveAverage(shape, out, v);
      const backward = (v: Float32Array) => reference.adaptiveAverageInputGrad(shape, out, v);
      const [mostY, mostDx] = [size(forward, feeds.x), size(backward, feeds.dy)];
      expectWithin(got, forward(feeds.x), (i) => sumBound(70 + 5, mostY[i]), 'y');
      expectWithin(back, forward(feeds.x), (i) => sumBound(70 + 5, mostY[i]), 'gradient of the gradient');
      expectWithin(gotDx, backward(feeds.dy), (i) => sumBound(70 + 5, mostDx[i]), 'dx');
      expectGradient(
        ([v]) => reference.adaptiveAverage(shape, out, v),
        [Float64Array.from(feeds.x)],
        Float64Array.from(feeds.dy),
        [backward(feeds.dy)],
        10,
      );
    },
  );

  it('the global average is the mean over pixels', async () => {
    const x = input('x', [2, 3, 5, 6]);
    const dy = input('dy', [2, 6]);
    const feeds = { x: randomArray(x.size, 1), dy: randomArray(dy.size, 2) };
    const y = globalAvgPool(x);
    const [got, dx] = await evaluate(device(), [y, grad(y, [x], dy)[0]], feeds);
    const at = (i: number) => Math.floor(i / 90) * 6 + (i % 6);
    const want = new Float64Array(12);
    feeds.x.forEach((v, i) => (want[at(i)] += v / 15));
    expectWithin(got, want, () => sumBound(17, 1));
    expectWithin(
      dx,
      Array.from(feeds.x, (_, i) => feeds.dy[at(i)] / 15),
      () => sumBound(1, 1),
    );
  });
});

describe('pooling', () => {
  it('refuses what does not fit, naming the shape', () => {
    const x = input('x', [1, 4, 4, 4]);
    expect(() => maxPool2d(x, { size: 5 })).toThrow(UserError);
    expect(() => maxPool2d(x, { size: 5 })).toThrow(/max_pool2d.*\[1, 4, 4, 4\]/);
    expect(() => avgPool2d(x, { size: 2, padding: 2 })).toThrow(/padding must be less/);
    expect(() => globalAvgPool(input('x', [4, 4]))).toThrow(/\[N, H, W, C\]/);
    expect(() => adaptiveAvgPool2d(x, [0, 7])).toThrow(/not 0 x 7/);
  });

  it('compiles in every variant', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    for (const channels of [4, 3]) {
      const x = input('x', [1, 6, 6, channels]);
      const ys = [
        maxPool2d(x, { size: 2 }),
        avgPool2d(x, { size: 3, stride: 2, padding: 1 }),
        adaptiveAvgPool2d(x, [3, 3]),
      ];
      const dy = input('dy', [1, 3, 3, channels]);
      using program = await compile(device, { outputs: [...ys, ...ys.map((y) => grad(y, [x], dy)[0])] });
      expect(program.steps.length).toBe(6);
    }
  });
});
