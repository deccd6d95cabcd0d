import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { cast } from '../../engine/ops/cast.ts';
import { depthToSpace, spaceToDepth } from '../../engine/ops/depth_to_space.ts';
import { gather } from '../../engine/ops/gather.ts';
import { input } from '../../engine/ops/leaves.ts';
import { compile } from '../../engine/program/program.ts';
import type { Shape } from '../../engine/tensor.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { gather as reference, gatherInputGrad } from '../reference/moves.ts';
import { expectWithin, sumBound } from '../tolerance.ts';

const GATHERS: readonly [Shape, Shape, number][] = [
  [[5, 8], [3], 0],
  [[5, 3], [2, 2], 0],
  [[2, 7, 3], [6], 1],
  [[2, 3, 4, 8], [2, 1, 3], -2],
  [[9], [70], 0],
  [[3, 4], [], 1],
];

describeAdapters('gather by a tensor', (device) => {
  it.each(GATHERS)('of %j by %j along %d', async (shape, indexShape, axis) => {
    const [x, indices] = [input('x', shape), input('indices', indexShape, 'u32')];
    const d = axis < 0 ? axis + shape.length : axis;
    const y = gather(x, indices, axis);
    expect(y.shape).toEqual([...shape.slice(0, d), ...indexShape, ...shape.slice(d + 1)]);
    const dy = input('dy', y.shape);
    const [dx] = grad(y, [x], dy);
    const [again] = grad(dx, [dy], x);
    const places = Uint32Array.from(randomArray(indices.size, 3, 0, shape[d]), Math.floor);
    const feeds = { x: randomArray(x.size, 1), dy: randomArray(y.size, 2), indices: places };
    const got = await evaluate(device(), [y, dx, again], feeds);
    expect([...got[0]]).toEqual([...reference(feeds.x, shape, places, d)]);
    expectWithin(got[1], gatherInputGrad(feeds.dy, shape, places, d), () => sumBound(indices.size, indices.size));
    expect([...got[2]]).toEqual([...got[0]]);
  });

  it('gives NaN for an index that is not there, and nothing back for it', async () => {
    const [x, indices] = [input('x', [3, 4]), input('indices', [3], 'u32')];
    const y = gather(x, indices, 0);
    const dy = input('dy', y.shape);
    const feeds = { x: randomArray(12, 1), dy: randomArray(12, 2), indices: Uint32Array.of(3, 1, 2 ** 32 - 1) };
    const [got, dx] = await evaluate(device(), [y, ...grad(y, [x], dy)], feeds);
    const nothing = [NaN, NaN, NaN, NaN];
    expect([...got]).toEqual([...nothing, ...feeds.x.subarray(4, 8), ...nothing]);
    expect([...dx]).toEqual([0, 0, 0, 0, ...feeds.dy.subarray(4, 8), 0, 0, 0, 0]);
  });
});

describeAdapters('cast', (device) => {
  it('cuts fractions off, keeps within u32, and comes back', async () => {
    const x = input('x', [14]);
    const whole = cast(x, 'u32');
    const back = cast(whole, 'f32');
    using program = await compile(device(), { outputs: [whole, back] });
    const values = [0, -0, 0.99, 1.5, 7, 2 ** 24, 4294967040, 2 ** 32, 3e38, Infinity, -0.5, -9, -Infinity, NaN];
    program.run({ x: Float32Array.from(values) });
    const want = [0, 0, 0, 1, 7, 2 ** 24, 4294967040, 2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1, 0, 0, 0, 0];
    expect([...(await program.read(whole))]).toEqual(want);
    expect([...(await program.read(back))]).toEqual(want.map(Math.fround));
  });
});

/** Where ONNX's DepthToSpace finds a pixel, counted over the channels [block, block, C] or [C, block, block]. */
const channelOf = (order: 'DCR' | 'CRD', block: number, channels: number, i: number, j: number, c: number) =>
  order === 'DCR' ? (i * block + j) * channels + c : (c * block + i) * block + j;

describeAdapters('depth to space', (device) => {
  it.each([
    ['DCR', 2, [2, 3, 4, 8]],
    ['CRD', 2, [2, 3, 4, 12]],
    ['DCR', 3, [1, 2, 2, 9]],
    ['CRD', 3, [1, 2, 3, 18]],
    ['DCR', 1, [1, 2, 2, 3]],
  ] as const)('%s, blocks of %d, of %j, and back', async (order, block, shape) => {
    const x = input('x', shape);
    const y = depthToSpace(x, block, order);
    const [n, h, w, c] = y.shape;
    const feed = randomArray(x.size, 1);
    const [got, back] = await evaluate(device(), [y, spaceToDepth(y, block)], { x: feed });
    const [, , width, depth] = shape;
    let k = 0;
    for (let s = 0; s < n; s++)
      for (let i = 0; i < h; i++)
        for (let j = 0; j < w; j++)
          for (let e = 0; e < c; e++) {
            const [row, column] = [Math.floor(i / block), Math.floor(j / block)];
            const channel = channelOf(order, block, c, i % block, j % block, e);
            expect(got[k++]).toBe(feed[((s * shape[1] + row) * width + column) * depth + channel]);
          }
    if (order === 'DCR') expect([...back]).toEqual([...feed]);
  });
});

describe('what does not fit', () => {
  const x = input('x', [1, 4, 6, 8]);
  it.each([
    [() => depthToSpace(x, 3), /depth_to_space: blocks of 3 do not divide the channels/],
    [() => spaceToDepth(x, 4), /space_to_depth: blocks of 4 do not divide the image/],
    [() => depthToSpace(input('y', [4, 4]), 2), /depth_to_space: x must be images/],
    [() => gather(x, input('i', [2]), 0), /gather: it takes u32, and i is f32 \[2\]/],
    [() => gather(x, input('i', [2], 'u32'), 4), /gather: there is no axis 4/],
    [() => cast(x, 'i32' as 'f32'), /cast: dtype must be "f32" or "u32"/],
  ])('is refused %#', (make, message) => expect(make).toThrow(message));

  it('casts to what it is are nothing', () => expect(cast(x, 'f32')).toBe(x));
});
