import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { gather } from '../../engine/ops/gather.ts';
import { input } from '../../engine/ops/leaves.ts';
import { pad, type Margin, type PadMode } from '../../engine/ops/pad.ts';
import { resize, type ResizeOptions } from '../../engine/ops/resize.ts';
import { compile } from '../../engine/program/program.ts';
import type { Shape, Tensor } from '../../engine/tensor.ts';
import { expectGradient } from '../finite_differences.ts';
import { describeBothWays, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { indicesOf, offsetOf } from '../reference/moves.ts';
import { extended, resize as reference } from '../reference/resample.ts';
import { PUBLISHED } from '../reference/resize_published.ts';
import { dot, expectWithin, sumBound } from '../tolerance.ts';

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
type Options = Omit<ResizeOptions, 'size' | 'scales'>;

const RESIZES: readonly [Shape, readonly [number, number], Options, (readonly [number, number])?][] = [
  [[2, 3, 5, 8], [6, 10], { method: 'nearest', coordinates: 'asymmetric', rounding: 'floor' }],
  [[2, 3, 5, 8], [6, 10], { method: 'linear', coordinates: 'half_pixel' }],
  [[1, 4, 6, 3], [7, 9], { method: 'linear', coordinates: 'align_corners' }],
  [[1, 9, 7, 5], [4, 7], { method: 'linear', coordinates: 'pytorch_half_pixel' }],
  [[2, 4, 5, 4], [9, 3], { method: 'cubic', coordinates: 'half_pixel' }],
  [[2, 4, 5, 3], [4, 12], { method: 'cubic', coordinates: 'align_corners', cubicA: -0.5, excludeOutside: true }],
  [[1, 17, 13, 4], [5, 6], { method: 'linear', coordinates: 'half_pixel', antialias: true }],
  [[1, 17, 13, 2], [3, 29], { method: 'cubic', coordinates: 'half_pixel', antialias: true, excludeOutside: true }],
  [[1, 6, 5, 1], [13, 11], { method: 'nearest', coordinates: 'half_pixel', rounding: 'round_prefer_ceil' }],
  [[1, 5, 6, 2], [3, 4], { method: 'nearest', coordinates: 'align_corners', rounding: 'ceil' }],
  [[1, 4, 4, 4], [9, 11], { method: 'linear', coordinates: 'half_pixel_symmetric' }, [2.3, 2.94]],
  [[1, 4, 4, 4], [9, 11], { method: 'linear', coordinates: 'asymmetric' }, [2.3, 2.94]],
];

/** Both axes' terms, and the weights' own roundings. */
const resizeBound = (from: Shape, to: readonly number[], magnitude: number) =>
  sumBound(2 * Math.max(from[1] / to[0], from[2] / to[1], 1) * 4 + 8, 3 * magnitude);

const MARGINS: readonly [Shape, readonly Margin[]][] = [
  [[7], [[3, 2]]],
  [
    [2, 5, 6, 8],
    [
      [0, 0],
      [2, 1],
      [1, 3],
      [0, 0],
    ],
  ],
  [
    [2, 5, 6, 3],
    [
      [0, 0],
      [0, 0],
      [1, 3],
      [0, 0],
    ],
  ],
  [
    [3, 2, 4, 2],
    [
      [2, 0],
      [1, 1],
      [-1, 2],
      [1, 0],
    ],
  ],
  [
    [1, 3],
    [
      [2, 2],
      [7, 8],
    ],
  ],
];

/** x with margins along each dimension in turn. */
function padded(x: ArrayLike<number>, shape: Shape, margins: readonly Margin[], mode: string) {
  let [values, now] = [Array.from(x), [...shape]];
  margins.forEach(([before, after], d) => {
    const cut = (line: number[]) => line.slice(Math.max(0, -before), line.length - Math.max(0, -after));
    const lineAt = (at: readonly number[]) =>
      extended(
        cut(
          Array.from(
            { length: now[d] },
            (_, i) =>
              values[
                offsetOf(
                  now,
                  at.map((v, k) => (k === d ? i : v)),
                )
              ],
          ),
        ),
        Math.max(0, before),
        Math.max(0, after),
        mode,
      );
    const next = now.map((length, k) => (k === d ? length + before + after : length));
    const made = indicesOf(next).map((at) => lineAt(at)[at[d]]);
    [values, now] = [made, next];
  });
  return values;
}

describeBothWays('resampling', (device) => {
  it.each(PUBLISHED)('is what ONNX has published of resize_%s', async (_, [h, w], options, want) => {
    const x = input('x', [1, h, w, 1]);
    const [got] = await evaluate(device(), [resize(x, options)], { x: Float32Array.from(upTo(h * w)) });
    expectWithin([...got].slice(0, want.length), want, () => 4e-6);
  });

  it.each(RESIZES)('resizes %j to %j, %j %j', async (shape, size, options, scales) => {
    const x = input('x', shape);
    const y = resize(x, { ...options, size, ...(scales && { scales }) });
    const dy = input('dy', y.shape);
    const [dx] = grad(y, [x], dy);
    const [again] = grad(dx, [dy], x);
    const feeds = { x: randomArray(x.size, 1), dy: randomArray(y.size, 2) };
    const got = await evaluate(device(), [y, dx, again], feeds);
    const f = (values: ArrayLike<number>) => reference(values, shape, size, options, scales);
    const magnitude = Math.max(1, size[0] / shape[1]) * Math.max(1, size[1] / shape[2]) * 4;
    const bound = () => resizeBound(shape, size, magnitude);
    expectWithin(got[0], f(feeds.x), bound, 'y');
    // It is linear: <dy, f(x)> = <dx, x> for every x, and what dx is is known by trying each pixel.
    const unit = (i: number) => Float64Array.from({ length: x.size }, (_, k) => Number(k === i));
    const want = Float64Array.from({ length: x.size }, (_, i) => dot(feeds.dy, f(unit(i))));
    expectWithin(got[1], want, bound, 'dx');
    expectWithin(got[2], f(feeds.x), bound, 'the gradient of the gradient');
    expectGradient(([v]) => f(v), [Float64Array.from(feeds.x)], Float64Array.from(feeds.dy), [want], 5);
  });

  it.each((['reflect', 'edge', 'wrap'] as const).flatMap((mode) => MARGINS.map((c) => [mode, ...c] as const)))(
    'pads by %s %j with %j',
    async (mode: PadMode, shape, margins) => {
      const x = input('x', shape);
      const y = pad(x, margins, mode);
      const dy = input('dy', y.shape);
      const feeds = { x: randomArray(x.size, 1), dy: randomArray(y.size, 2) };
      const [got, dx] = await evaluate(device(), [y, ...grad(y, [x], dy)], feeds);
      expect([...got]).toEqual(padded(feeds.x, shape, margins, mode));
      const from = padded(
        Array.from({ length: x.size }, (_, i) => i),
        shape,
        margins,
        mode,
      );
      const want = new Float64Array(x.size);
      from.forEach((i, k) => (want[i] += feeds.dy[k]));
      expectWithin(dx, want, () => sumBound(y.size, y.size));
    },
  );

  it.each([
    [[5, 8], [3, 0, 3, -1], 0],
    [[2, 7, 3], [6, -7, 2, 2, 2], 1],
    [[2, 3, 4, 5], [4, 0, 1], -1],
    [[9], [8, 6, 4], 0],
    [[3, 4], [1], 0],
  ])('gathers from %j the entries %j along %d', async (shape, indices, axis) => {
    const x = input('x', shape);
    const y = gather(x, indices, axis);
    const dy = input('dy', y.shape);
    const feeds = { x: randomArray(x.size, 1), dy: randomArray(y.size, 2) };
    const [got, dx] = await evaluate(device(), [y, ...grad(y, [x], dy)], feeds);
    const d = axis < 0 ? axis + shape.length : axis;
    const from = indicesOf(y.shape).map((at) =>
      offsetOf(
        shape,
        at.map((i, k) => (k === d ? (indices[i] + shape[d]) % shape[d] : i)),
      ),
    );
    expect([...got]).toEqual(from.map((i) => feeds.x[i]));
    const want = new Float64Array(x.size);
    from.forEach((i, k) => (want[i] += feeds.dy[k]));
    expectWithin(dx, want, () => sumBound(indices.length, indices.length));
  });

  it('reads no pixel whose weight is 0: what is not finite stays where it is', async () => {
    const x = input('x', [1, 1, 4, 1]);
    const y = resize(x, { size: [1, 7], method: 'linear', coordinates: 'align_corners' });
    const [got] = await evaluate(device(), [y], { x: Float32Array.of(1, NaN, 3, Infinity) });
    expect([...got]).toEqual([1, NaN, NaN, NaN, 3, Infinity, Infinity]);
  });
});

describe('resampling', () => {
  const x = input('x', [1, 4, 6, 3]);
  const options: Options = { method: 'linear', coordinates: 'half_pixel' };
  const steps = async (device: Parameters<typeof compile>[0], y: Tensor) => {
    using program = await compile(device, { outputs: [y] });
    return program.steps.length;
  };
  it('to the same size changes nothing', () => {
    expect(resize(x, { ...options, size: [4, 6] })).toBe(x);
    expect(resize(x, { ...options, size: [4, 6], method: 'cubic' })).toBe(x);
    expect(gather(x, [0, 1, 2], -1)).toBe(x);
    expect(
      pad(
        x,
        [
          [0, 0],
          [0, 0],
          [0, 0],
          [0, 0],
        ],
        'wrap',
      ),
    ).toBe(x);
  });
  it.each([
    [() => resize(x, { ...options, size: [0, 4] }), /resize: a side must be a whole number from 1/],
    [() => resize(x, { ...options, size: [2 ** 21, 4] }), /resize: a side must be a whole number from 1 to 1048576/],
    [() => resize(x, { ...options, size: [2, 4], scales: [0, 1] }), /resize: scales must be two numbers above 0/],
    [() => resize(x, { size: [2, 4], method: 'linear' } as unknown as ResizeOptions), /resize: it needs a coordinates/],
    [() => resize(input('y', [4, 4]), { ...options, size: [2, 2] }), /resize: x must be images/],
    [() => gather(x, [6], 2), /gather: axis 2 has no index 6/],
    [() => gather(x, [-7], 2), /gather: axis 2 has no index -7/],
    [() => gather(x, [], 2), /gather: the indices must be whole numbers or a tensor of u32/],
    [
      () =>
        pad(
          x,
          [
            [0, 0],
            [2 ** 21, 0],
            [0, 0],
            [0, 0],
          ],
          'edge',
        ),
      /pad: mode edge makes at most/,
    ],
    [() => pad(x, [[0, 0]], 'edge'), /pad: there must be a margin for each dimension/],
  ])('of what does not fit is refused %#', (make, message) => expect(make).toThrow(message));

  it('of two axes is one kernel where few terms meet, else two', async () => {
    const { openDevice } = await import('../../engine/device/device.ts');
    const { openGpu } = await import('../../engine/device/gpu.node.ts');
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    const large = input('large', [1, 40, 40, 4]);
    expect(await steps(device, resize(large, { ...options, size: [80, 80] }))).toBe(1);
    expect(await steps(device, resize(large, { ...options, method: 'cubic', size: [80, 80] }))).toBe(1);
    expect(await steps(device, resize(large, { ...options, antialias: true, size: [8, 8] }))).toBe(2);
    expect(await steps(device, resize(large, { ...options, size: [40, 80] }))).toBe(1);
  });
});
