import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { concat } from '../../engine/ops/concat.ts';
import { constant, input } from '../../engine/ops/leaves.ts';
import { pad, type Margin } from '../../engine/ops/pad.ts';
import { slice, split } from '../../engine/ops/slice.ts';
import { transpose } from '../../engine/ops/transpose.ts';
import { compile } from '../../engine/program/program.ts';
import { sizeOf, type Shape, type Tensor } from '../../engine/tensor.ts';
import { describeBothWays, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import * as reference from '../reference/moves.ts';

/*
 * Ops that only move numbers are exact: the reference's float64 and the adapter's f32 are the same numbers.
 */

/** The op, its gradient and its gradient's gradient, which is the op on the cotangent's cotangent. */
async function moved(device: Parameters<typeof evaluate>[0], inputs: readonly Tensor[], y: Tensor) {
  const dy = input('dy', y.shape);
  const gradients = grad(y, inputs, dy);
  const feeds = Object.fromEntries([...inputs, dy].map((t, i) => [t.name!, randomArray(t.size, i + 1)]));
  const got = await evaluate(device, [y, ...gradients], feeds);
  return { feeds, y: [...got[0]], gradients: got.slice(1).map((g) => [...g]) };
}

const TRANSPOSES: readonly [Shape, readonly number[]][] = [
  [
    [5, 7],
    [1, 0],
  ],
  [
    [64, 96],
    [1, 0],
  ],
  [
    [70, 33],
    [1, 0],
  ],
  [
    [2, 3, 4, 5],
    [0, 3, 1, 2],
  ],
  [
    [2, 3, 4, 5],
    [0, 2, 3, 1],
  ],
  [
    [2, 9, 10, 12],
    [0, 3, 1, 2],
  ],
  [
    [3, 12, 9, 10],
    [0, 2, 3, 1],
  ],
  [
    [4, 6, 5, 8],
    [1, 0, 2, 3],
  ],
  [
    [4, 6, 5, 8],
    [2, 1, 0, 3],
  ],
  [
    [3, 9, 4, 11],
    [3, 2, 1, 0],
  ],
  [
    [2, 3, 2, 5, 3, 2],
    [5, 4, 3, 2, 1, 0],
  ],
  [
    [2, 3, 9, 2, 3, 8],
    [1, 3, 5, 0, 4, 2],
  ],
  [
    [1, 8, 1, 9],
    [3, 2, 1, 0],
  ],
];

const SLICES: readonly [Shape, readonly number[], readonly number[], readonly number[] | undefined][] = [
  [[9], [2], [5], undefined],
  [[9], [8], [9], [-1]],
  [
    [5, 7],
    [1, 2],
    [3, 2],
    [1, 3],
  ],
  [[2, 6, 8, 12], [0, 0, 0, 4], [2, 6, 8, 4], undefined],
  [
    [2, 6, 8, 12],
    [0, 1, 0, 0],
    [2, 3, 4, 12],
    [1, 2, 2, 1],
  ],
  [
    [2, 6, 8, 12],
    [1, 5, 7, 11],
    [2, 3, 3, 4],
    [-1, -2, -3, -3],
  ],
  [
    [2, 3, 2, 3, 2, 3],
    [1, 2, 0, 0, 1, 2],
    [2, 2, 2, 2, 2, 2],
    [-1, -2, 1, 2, -1, -1],
  ],
  [
    [3, 4],
    [2, 1],
    [1, 1],
    [0x7fffffff, -9],
  ],
];

const MARGINS: readonly [Shape, readonly Margin[], number][] = [
  [[5], [[2, 1]], 0],
  [
    [2, 5, 6, 4],
    [
      [0, 0],
      [1, 1],
      [1, 2],
      [0, 0],
    ],
    0,
  ],
  [
    [2, 5, 6, 3],
    [
      [0, 0],
      [1, 0],
      [0, 2],
      [0, 0],
    ],
    -1.5,
  ],
  [
    [2, 5, 6, 4],
    [
      [0, 0],
      [-1, 1],
      [2, -2],
      [0, 0],
    ],
    7,
  ],
  [
    [2, 5, 6, 4],
    [
      [1, 1],
      [0, 0],
      [0, 0],
      [4, 0],
    ],
    Infinity,
  ],
  [
    [3, 3],
    [
      [-1, -1],
      [-2, 0],
    ],
    9,
  ],
];

const CONCATS: readonly [readonly Shape[], number][] = [
  [
    [
      [2, 3],
      [2, 4],
    ],
    1,
  ],
  [
    [
      [2, 3],
      [5, 3],
      [1, 3],
    ],
    0,
  ],
  [
    [
      [2, 3, 4, 8],
      [2, 3, 4, 4],
      [2, 3, 4, 12],
    ],
    -1,
  ],
  [
    [
      [2, 3, 4, 5],
      [2, 3, 4, 1],
    ],
    3,
  ],
  [
    [
      [2, 3, 4, 5],
      [2, 1, 4, 5],
    ],
    1,
  ],
  [Array.from({ length: 19 }, (_, k) => [2, 1 + (k % 3)]), 1],
];

const product = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a, (v, i) => v * b[i]).reduce((s, v) => s + v, 0);

describeBothWays('moved numbers', (device) => {
  it.each(TRANSPOSES)('transpose %j by %j', async (shape, perm) => {
    const x = input('x', shape);
    const { feeds, y, gradients } = await moved(device(), [x], transpose(x, perm));
    expect(y).toEqual([...reference.transpose(feeds.x, shape, perm)]);
    const back = perm.map((_, d) => perm.indexOf(d));
    const dyShape = perm.map((d) => shape[d]);
    expect(gradients[0]).toEqual([...reference.transpose(feeds.dy, dyShape, back)]);
  });

  it.each(SLICES)('slice %j from %j on, %j with steps %j', async (shape, starts, counts, steps) => {
    const x = input('x', shape);
    const { feeds, y, gradients } = await moved(device(), [x], slice(x, starts, counts, steps));
    const by = steps ?? shape.map(() => 1);
    expect(y).toEqual([...reference.slice(feeds.x, shape, starts, counts, by)]);
    expect(gradients[0]).toEqual([...reference.place(feeds.dy, counts, shape, starts, by, 0)]);
  });

  it.each(MARGINS)('pad %j by %j with %d', async (shape, margins, value) => {
    const x = input('x', shape);
    const { feeds, y, gradients } = await moved(device(), [x], pad(x, margins, 'constant', value));
    const lengths = shape.map((d, i) => d + margins[i][0] + margins[i][1]);
    const want = reference.indicesOf(lengths).map((at) => {
      const from = at.map((i, d) => i - margins[d][0]);
      return from.every((i, d) => i >= 0 && i < shape[d]) ? feeds.x[reference.offsetOf(shape, from)] : value;
    });
    expect(y).toEqual(want);
    const back = reference.indicesOf(shape).map((at) => {
      const to = at.map((i, d) => i + margins[d][0]);
      return to.every((i, d) => i >= 0 && i < lengths[d]) ? feeds.dy[reference.offsetOf(lengths, to)] : 0;
    });
    expect(gradients[0]).toEqual(back);
  });

  it.each(CONCATS)('concat %j along %d, and split again', async (shapes, axis) => {
    const parts = shapes.map((shape, k) => input(`x${k}`, shape));
    const { feeds, y, gradients } = await moved(device(), parts, concat(parts, axis));
    const at = axis < 0 ? axis + shapes[0].length : axis;
    expect(y).toEqual([
      ...reference.concat(
        shapes.map((_, k) => feeds[`x${k}`]),
        shapes,
        at,
      ),
    ]);
    // <dy, concat(x)> = Σ <dx_k, x_k>, and the parts of dy in their order are dy.
    const joined = reference.concat(gradients, shapes, at);
    expect([...joined]).toEqual([...feeds.dy]);
    const [x] = [
      input(
        'x',
        shapes[0].map((d, i) => (i === at ? shapes.reduce((n, s) => n + s[at], 0) : d)),
      ),
    ];
    const values = randomArray(x.size, 9);
    const found = await evaluate(
      device(),
      split(
        x,
        shapes.map((s) => s[at]),
        axis,
      ),
      { x: values },
    );
    expect([...reference.concat(found, shapes, at)]).toEqual([...values]);
    expect(product(y, feeds.dy)).not.toBe(0);
  });

  it('arrays are uploaded once, and stay', async () => {
    const [x, values] = [input('x', [2, 3]), Float32Array.of(1, 2, 3, NaN, -0, Infinity)];
    const table = constant(values, [2, 3]);
    const other = constant(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
    const whole = constant(Uint32Array.of(7, 2 ** 32 - 1), [2]);
    const outputs = [concat([x, table, other], 0), table, whole, slice(whole, [1], [2], [-1])];
    using program = await compile(device(), { outputs });
    for (const run of [1, 2]) {
      const feed = randomArray(6, run);
      program.run({ x: feed });
      expect([...(await program.read(outputs[0]))]).toEqual([...feed, ...values, 1, 2, 3, 4, 5, 6]);
      expect([...(await program.read(outputs[1]))]).toEqual([...values]);
      expect([...(await program.read(outputs[2]))]).toEqual([7, 2 ** 32 - 1]);
      expect([...(await program.read(outputs[3]))]).toEqual([2 ** 32 - 1, 7]);
    }
  });

  it('u32 moves bit by bit', async () => {
    const x = input('x', [16, 12], 'u32');
    const values = Uint32Array.from({ length: 192 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 0);
    const outputs = [
      transpose(x, [1, 0]),
      pad(
        x,
        [
          [1, 1],
          [4, 0],
        ],
        'constant',
        5,
      ),
      concat([x, x], 1),
    ];
    using program = await compile(device(), { outputs });
    program.run({ x: values });
    const read = async (t: Tensor) => [...(await program.read(t))];
    expect(await read(outputs[0])).toEqual([...reference.transpose(values, [16, 12], [1, 0])]);
    expect(await read(outputs[1])).toEqual([...reference.place(values, [16, 12], [18, 16], [1, 4], [1, 1], 5)]);
    expect(await read(outputs[2])).toEqual([
      ...reference.concat(
        [values, values],
        [
          [16, 12],
          [16, 12],
        ],
        1,
      ),
    ]);
  });
});

describe('what moves nothing', () => {
  const x = input('x', [2, 3, 4]);
  it('is no kernel', () => {
    expect(transpose(x, [0, 1, 2])).toBe(x);
    expect(transpose(transpose(x, [2, 0, 1]), [1, 2, 0])).toBe(x);
    expect(slice(x, [0, 0, 0], [2, 3, 4])).toBe(x);
    expect(
      pad(x, [
        [0, 0],
        [0, 0],
        [0, 0],
      ]),
    ).toBe(x);
    expect(concat([x], 1)).toBe(x);
    expect(transpose(input('y', [1, 5, 1, 3]), [1, 0, 3, 2]).op.name).toBe('reshape');
  });
  it('transposes in a row are one', () => {
    const twice = transpose(transpose(x, [1, 0, 2]), [2, 1, 0]);
    expect(twice.inputs).toEqual([x]);
    expect(twice.attrs).toEqual({ perm: [2, 0, 1] });
  });
});

describe('what does not fit', () => {
  const x = input('x', [3, 4]);
  it.each([
    [() => transpose(x, [0, 0]), /transpose: perm must name each dimension once/],
    [() => slice(x, [0, 2], [3, 3]), /slice: dimension 1 has no 3 elements from 2 on, each 1 further/],
    [() => slice(x, [0, 0], [3, 4], [0, 1]), /slice: dimension 0 has no/],
    [() => slice(x, [0, 3], [3, 3], [1, -2]), /slice: dimension 1 has no 3 elements from 3 on, each -2 further/],
    [() => slice(x, [0], [3]), /slice: starts must be as many as dimensions/],
    [() => split(x, [1, 2], 1), /split: sizes \[1, 2\] do not fill axis 1/],
    [
      () =>
        pad(x, [
          [-2, -1],
          [0, 0],
        ]),
      /pad: margin \[-2, -1\] leaves nothing of dimension 0/,
    ],
    [() => concat([x, input('y', [2, 4])], 1), /concat: all dimensions but 1 must be alike/],
    [() => concat([x, input('y', [3, 4], 'u32')], 1), /concat: .* is f32, and .* is u32/],
    [() => constant(new Float32Array(5), [2, 3]), /constant: 5 numbers do not fill \[2, 3\]/],
  ])('is refused %#', (make, message) => expect(make).toThrow(message));

  it('a copy of more than six dimensions that move is refused by a sentence', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    const many = input('many', [2, 2, 2, 2, 2, 2, 2]);
    await expect(compile(device, { outputs: [transpose(many, [6, 5, 4, 3, 2, 1, 0])] })).rejects.toThrow(
      /7 dimensions move apart, and a copy has at most 6/,
    );
    expect(sizeOf(many.shape)).toBe(128);
  });
});
