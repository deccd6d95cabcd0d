import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { input } from '../../engine/ops/leaves.ts';
import { dropPath, dropout, randomUniform } from '../../engine/ops/random.ts';
import { compile } from '../../engine/program/program.ts';
import { UserError } from '../../engine/user_error.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { RandomStream } from '../../engine/random.ts';
import { randomArray } from '../random.ts';
import * as reference from '../reference/random.ts';
import { UNIT, expectWithin } from '../tolerance.ts';

const seed = input('seed', [2], 'u32');

it('the reference gives the known answers of Random123 (kat_vectors)', () => {
  const hex = (words: number[]) => words.map((w) => w.toString(16).padStart(8, '0')).join(' ');
  expect(hex(reference.philox([0, 0, 0, 0], [0, 0]))).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
  const ones = 0xffffffff;
  expect(hex(reference.philox([ones, ones, ones, ones], [ones, ones]))).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
  expect(hex(reference.philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]))).toBe(
    'd16cfe09 94fdcceb 5001e420 24126ea1',
  );
});

it('normal numbers have mean 0, deviation 1 and the shares of a normal distribution', () => {
  const n = 20_000;
  const stream = new RandomStream(5, 1);
  const drawn = Array.from({ length: n }, () => stream.normal());
  const mean = drawn.reduce((a, b) => a + b) / n;
  const variance = drawn.reduce((a, b) => a + (b - mean) ** 2, 0) / (n - 1);
  const within = drawn.filter((v) => Math.abs(v) < 1).length / n;
  // Five standard errors: 1/√n of the mean, √(2/n) of the variance, √(p(1 − p)/n) of the share p within a deviation.
  expect(Math.abs(mean)).toBeLessThan(5 / Math.sqrt(n));
  expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
  expect(Math.abs(within - 0.682689)).toBeLessThan(5 * Math.sqrt((0.682689 * 0.317311) / n));
});

describeAdapters('random numbers', (device) => {
  it.each([
    [[1], 0, 0, 0],
    [[7, 3], 1, 2, 3],
    [[4, 5, 6], 0xffffffff, 0xdeadbeef, 0xffffffff],
    [[3001], 123456789, 40_000, 17],
  ])('%j from seed %d, step %d, stream %d: the same bits as the reference', async (shape, run, step, stream) => {
    const x = randomUniform(shape, seed, { stream });
    const [got] = await evaluate(device(), [x], { seed: Uint32Array.of(run, step) });
    expect(got).toEqual(reference.randomUniform(x.size, run, step, stream));
  });

  it('are evenly spread, and differ between steps and streams', async () => {
    const size = 100_000;
    const streams = [0, 1].map((stream) => randomUniform([size], seed, { stream }));
    const [a, b] = await evaluate(device(), streams, { seed: Uint32Array.of(7, 0) });
    const [c] = await evaluate(device(), [streams[0]], { seed: Uint32Array.of(7, 1) });
    const mean = (v: Float32Array) => v.reduce((s, u) => s + u, 0) / v.length;
    // A mean of n uniform numbers has deviation 1/√(12n); the correlation of two such sequences 1/√n. Five deviations.
    for (const v of [a, b, c]) {
      expect(Math.abs(mean(v) - 0.5)).toBeLessThan(5 / Math.sqrt(12 * size));
      expect(Math.min(...v.slice(0, 50_000))).toBeGreaterThanOrEqual(0);
      expect(Math.max(...v.slice(0, 50_000))).toBeLessThan(1);
    }
    for (const other of [b, c])
      expect(Math.abs(12 * mean(a.map((u, i) => (u - 0.5) * (other[i] - 0.5))))).toBeLessThan(5 / Math.sqrt(size));
  });

  it.each([
    [[5, 9], 0.2],
    [[4, 3, 2, 7], 0.5],
    [[6], 0],
    [[3, 5], 0.999],
  ])('dropout of %j at rate %d, forward and backward with one mask', async (shape, rate) => {
    const [x, dy] = [input('x', shape), input('dy', shape)];
    const y = dropout(x, seed, { rate, stream: 5 });
    const feeds = { x: randomArray(x.size, 1), dy: randomArray(x.size, 2), seed: Uint32Array.of(11, 22) };
    const [got, dx] = await evaluate(device(), [y, grad(y, [x], dy)[0]], feeds);
    const uniform = reference.randomUniform(x.size, 11, 22, 5);
    const factor = (i: number) => (uniform[i] >= Math.fround(rate) ? 1 / (1 - rate) : 0);
    expectWithin(
      got,
      Array.from(feeds.x, (v, i) => v * factor(i)),
      (i) => 3 * UNIT * Math.abs(feeds.x[i]) * factor(i),
      'y',
    );
    expectWithin(
      dx,
      Array.from(feeds.dy, (v, i) => v * factor(i)),
      (i) => 3 * UNIT * Math.abs(feeds.dy[i]) * factor(i),
      'dx',
    );
  });

  it.each([[[8, 3, 5, 4]], [[8, 2, 2, 3]], [[8, 6]]])('dropPath of %j keeps or drops whole samples', async (shape) => {
    const rate = 0.4;
    const [x, dy] = [input('x', shape), input('dy', shape)];
    const y = dropPath(x, seed, { rate, stream: 9 });
    const feeds = { x: randomArray(x.size, 1), dy: randomArray(x.size, 2), seed: Uint32Array.of(3, 4) };
    const [got, dx] = await evaluate(device(), [y, grad(y, [x], dy)[0]], feeds);
    const factors = [...reference.randomUniform(8, 3, 4, 9)].map((u) => (u >= Math.fround(rate) ? 1 / (1 - rate) : 0));
    expect(factors.includes(0) && factors.some((f) => f > 0)).toBe(true);
    const factor = (i: number) => factors[Math.floor((i * 8) / x.size)];
    expectWithin(
      got,
      Array.from(feeds.x, (v, i) => v * factor(i)),
      (i) => 3 * UNIT * Math.abs(feeds.x[i]) * factor(i),
      'y',
    );
    expectWithin(
      dx,
      Array.from(feeds.dy, (v, i) => v * factor(i)),
      (i) => 3 * UNIT * Math.abs(feeds.dy[i]) * factor(i),
      'dx',
    );
  });
});

describe('random numbers', () => {
  it('refuse a wrong seed, stream or rate', () => {
    const x = input('x', [2, 3]);
    expect(() => randomUniform([3], input('s', [2]), { stream: 0 })).toThrow(UserError);
    expect(() => randomUniform([3], input('s', [3], 'u32'), { stream: 0 })).toThrow(/u32 \[2\]/);
    expect(() => dropout(x, seed, { rate: 1, stream: 0 })).toThrow(/less than 1/);
    expect(() => dropPath(x, seed, { rate: NaN, stream: 0 })).toThrow(/rate/);
    expect(() => dropout(x, seed, { rate: 0.5, stream: -1 })).toThrow(/stream/);
  });

  it('compile', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    using program = await compile(device, {
      outputs: [dropout(randomUniform([5], seed, { stream: 0 }), seed, { rate: 0.5, stream: 1 })],
    });
    expect(program.steps.length).toBe(2);
  });
});
