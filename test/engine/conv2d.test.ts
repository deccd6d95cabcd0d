import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { convGeometry } from '../../engine/ops/conv_geometry.ts';
import { conv2d, conv2dFilterGrad, conv2dInputGrad } from '../../engine/ops/conv2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { UserError } from '../../engine/user_error.ts';
import { conv2dFilterGradV2 } from '../../kernels/conv2d/conv2d.ts';
import { expectGradient } from '../finite_differences.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import * as reference from '../reference/conv2d.ts';
import { expectWithin, sumBound } from '../tolerance.ts';
import { asHardware, asLavapipe } from './as_adapter.ts';
import { convCases } from './conv2d_cases.ts';

const CASES = convCases();
/** The naive kernels, the tiled ones, and the tiled ones as a real GPU would get them. */
const VARIANTS = [
  [1, false],
  [2, false],
  [2, true],
] as const;

const sized = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
const absolute = (x: Float32Array) => x.map(Math.abs);

describe('the conv2d reference', () => {
  it.each(CASES.filter((_, i) => i % 3 === 0))(
    'has the derivative that finite differences find: $title',
    ({ x: xShape, w: wShape, attrs }) => {
      const g = convGeometry('conv2d', input('x', xShape), input('w', wShape), attrs);
      const x = Float64Array.from(randomArray(sized(xShape), 1));
      const w = Float64Array.from(randomArray(sized(wShape), 2));
      const dy = Float64Array.from(randomArray(g.batch * g.outH * g.outW * g.outChannels, 3));
      expectGradient(
        ([a, b]) => reference.conv2d(a, b, g),
        [x, w],
        dy,
        [reference.conv2dInputGrad(dy, w, g), reference.conv2dFilterGrad(x, dy, g)],
        5,
      );
    },
  );

  it('gives what one finds by hand: SAME with stride 2 pads an even image at its end only, and the filter is not flipped', () => {
    const g = convGeometry('conv2d', input('x', [1, 4, 4, 1]), input('w', [3, 3, 1, 1]), {
      stride: 2,
      padding: 'same',
    });
    expect([g.padTop, g.padBottom, g.padLeft, g.padRight, g.outH, g.outW]).toEqual([0, 1, 0, 1, 2, 2]);
    const x = Float64Array.from({ length: 16 }, (_, i) => i);
    const w = Float64Array.from([1, 0, 0, 0, 0, 0, 0, 0, 100]);
    expect([...reference.conv2d(x, w, g)]).toEqual([0 + 1000, 2, 8, 10]);
  });
});

describeAdapters('conv2d', (device) => {
  it.each(CASES)('and both gradients: $title', async ({ x: xShape, w: wShape, attrs }) => {
    const [X, W] = [input('x', xShape), input('w', wShape)];
    const g = convGeometry('conv2d', X, W, attrs);
    const DY = input('dy', [g.batch, g.outH, g.outW, g.outChannels]);
    const feeds = { x: randomArray(X.size, 31), w: randomArray(W.size, 32), dy: randomArray(DY.size, 33) };
    const [x, w, dy] = [absolute(feeds.x), absolute(feeds.w), absolute(feeds.dy)];
    const taps = g.filterH * g.filterW;
    const want = [
      {
        value: reference.conv2d(feeds.x, feeds.w, g),
        magnitude: reference.conv2d(x, w, g),
        length: (taps * g.inChannels) / g.groups,
      },
      {
        value: reference.conv2dInputGrad(feeds.dy, feeds.w, g),
        magnitude: reference.conv2dInputGrad(dy, w, g),
        length: (taps * g.outChannels) / g.groups,
      },
      {
        value: reference.conv2dFilterGrad(feeds.x, feeds.dy, g),
        magnitude: reference.conv2dFilterGrad(x, dy, g),
        length: g.batch * g.outH * g.outW,
      },
    ];
    for (const [version, hardware] of VARIANTS) {
      const y = conv2d(X, W, { ...attrs, version });
      const got = await evaluate(hardware ? asHardware(device()) : device(), [y, ...grad(y, [X, W], DY)], feeds);
      want.forEach(({ value, magnitude, length }, i) =>
        expectWithin(
          got[i],
          value,
          (e) => sumBound(length, magnitude[e]),
          `v${version}${hardware ? ' as hardware' : ''} ${['y', 'dx', 'dw'][i]}`,
        ),
      );
    }
  });

  it.each([
    ['valid', 1],
    ['same', 1],
    ['same', 2],
  ] as const)(
    'lets an infinite pixel into what reads it, and into nothing else (%s, stride %d)',
    async (padding, stride) => {
      const [X, W] = [input('x', [1, 7, 7, 4]), input('w', [3, 3, 4, 4])];
      const attrs = { padding, stride } as const;
      const g = convGeometry('conv2d', X, W, attrs);
      const DY = input('dy', [1, g.outH, g.outW, 4]);
      const ones = (t: Tensor) => new Float32Array(t.size).fill(1);
      for (const [version, hardware] of VARIANTS) {
        const y = conv2d(X, W, { ...attrs, version });
        const dw = grad(y, [W], DY)[0];
        using program = await compile(hardware ? asHardware(device()) : device(), { outputs: [y, dw] });
        for (let at = 0; at < X.size; at += 3) {
          const only = new Float64Array(X.size).fill(1, at, at + 1);
          const reads = [reference.conv2d(only, ones(W), g), reference.conv2dFilterGrad(only, ones(DY), g)];
          program.run({ x: ones(X).fill(Infinity, at, at + 1), w: ones(W), dy: ones(DY) });
          for (const [i, got] of [await program.read(y), await program.read(dw)].entries()) {
            const wrong = got.findIndex((v, e) => Number.isFinite(v) === reads[i][e] > 0);
            expect(wrong, `v${version}${hardware ? ' as hardware' : ''}, x[${at}], ${['y', 'dw'][i]}`).toBe(-1);
          }
        }
      }
    },
  );

  it('differentiates twice: each of the three is the derivative of the others', async () => {
    const [X, W] = [input('x', [1, 6, 5, 3]), input('w', [3, 3, 3, 4])];
    const g = convGeometry('conv2d', X, W, { stride: 2, padding: 'same' });
    const DY = input('dy', [1, g.outH, g.outW, 4]);
    const [DDX, DDW] = [input('ddx', X.shape), input('ddw', W.shape)];
    const [fromInputDy, fromInputW] = grad(conv2dInputGrad(DY, W, g), [DY, W], DDX);
    const [fromFilterX, fromFilterDy] = grad(conv2dFilterGrad(X, DY, g), [X, DY], DDW);
    const feeds = {
      x: randomArray(X.size, 1),
      w: randomArray(W.size, 2),
      dy: randomArray(DY.size, 3),
      ddx: randomArray(X.size, 4),
      ddw: randomArray(W.size, 5),
    };
    const got = await evaluate(device(), [fromInputDy, fromInputW, fromFilterX, fromFilterDy], feeds);
    expectWithin(got[0], reference.conv2d(feeds.ddx, feeds.w, g), () => sumBound(27, 27), 'dy of the input gradient');
    expectWithin(
      got[1],
      reference.conv2dFilterGrad(feeds.ddx, feeds.dy, g),
      () => sumBound(9, 9),
      'w of the input gradient',
    );
    expectWithin(
      got[2],
      reference.conv2dInputGrad(feeds.dy, feeds.ddw, g),
      () => sumBound(36, 36),
      'x of the filter gradient',
    );
    expectWithin(got[3], reference.conv2d(feeds.x, feeds.ddw, g), () => sumBound(27, 27), 'dy of the filter gradient');
  });
});

describe('conv2d without a GPU', () => {
  const x = input('x', [2, 8, 8, 6]);
  it.each([
    [
      () => conv2d(input('x', [8, 8, 6]), input('w', [3, 3, 6, 4])),
      /conv2d: the input must be \[N, H, W, C\]; given x \[8, 8, 6\], w \[3, 3, 6, 4\]/,
    ],
    [() => conv2d(x, input('w', [3, 3, 6])), /filter must be/],
    [
      () => conv2d(x, input('w', [3, 3, 5, 4])),
      /6 channels and the filter takes 5; given x \[2, 8, 8, 6\], w \[3, 3, 5, 4\]/,
    ],
    [() => conv2d(x, input('w', [3, 3, 3, 4])), /filter takes 3/],
    [() => conv2d(x, input('w', [3, 3, 3, 5]), { groups: 2 }), /5 output channels do not divide into 2 groups/],
    [() => conv2d(x, input('w', [9, 9, 6, 4])), /window spans 9 x 9 pixels/],
    [() => conv2d(x, input('w', [3, 3, 6, 4]), { dilation: 4 }), /window spans 9 x 9 pixels/],
    [() => conv2d(x, input('w', [3, 3, 6, 4]), { stride: 0 }), /stride/],
    [() => conv2d(x, input('w', [3, 3, 6, 4]), { stride: 1.5 }), /stride/],
    [() => conv2d(x, input('w', [3, 3, 6, 4]), { dilation: 0 }), /dilation/],
    [() => conv2d(x, input('w', [3, 3, 6, 4]), { padding: -1 }), /padding/],
    [() => conv2d(x, input('w', [3, 3, 6, 4]), { groups: 0 }), /groups/],
  ])('refuses what does not fit, naming op and shapes (%#)', (make, message) => {
    expect(make).toThrow(UserError);
    expect(make).toThrow(message);
  });

  // TensorFlow's documents: https://www.tensorflow.org/api_docs/python/tf/nn, "SAME padding".
  it("pads as TensorFlow's SAME does, each direction by its own size, filter, stride and dilation", () => {
    const along = (size: number, filter: number, stride: number, dilation: number) => {
      const span = (filter - 1) * dilation + 1;
      const total = Math.max(size % stride === 0 ? span - stride : span - (size % stride), 0);
      const before = (total - (total % 2)) / 2;
      return { out: Math.ceil(size / stride), before, after: total - before };
    };
    const DIRECTIONS = [5, 6, 7, 8].flatMap((size) =>
      [1, 2, 3].flatMap((filter) =>
        [1, 2, 3].flatMap((stride) => [1, 2].map((dilation) => [size, filter, stride, dilation] as const)),
      ),
    );
    for (const [i, down] of DIRECTIONS.entries()) {
      const across = DIRECTIONS[(i * 31 + 7) % DIRECTIONS.length];
      const [sizes, filters, strides, dilations] = [0, 1, 2, 3].map((k) => [down[k], across[k]] as const);
      const g = convGeometry('conv2d', input('x', [1, ...sizes, 1]), input('w', [...filters, 1, 1]), {
        padding: 'same',
        stride: strides,
        dilation: dilations,
      });
      expect(
        [
          { out: g.outH, before: g.padTop, after: g.padBottom },
          { out: g.outW, before: g.padLeft, after: g.padRight },
        ],
        `${down} and ${across}`,
      ).toEqual([along(...down), along(...across)]);
    }
  });

  it('makes a filter gradient in no more parts than are asked for, none of them without a line', () => {
    for (const [lines, parts] of [
      [100, 8],
      [9, 4],
      [10, 4],
      [7, 7],
      [64, 3],
      [1, 1],
    ]) {
      const g = convGeometry('conv2d', input('x', [1, lines, 4, 4]), input('w', [1, 1, 4, 4]), {});
      const tiling = {
        lanes: 4,
        columns: 16,
        staged: 0,
        high: 2,
        wide: 2,
        rowByRow: 1,
        subgroups: 0,
        parts,
        swapped: 0,
      };
      const made = conv2dFilterGradV2(g, tiling).workgroups[2];
      expect(made).toBeLessThanOrEqual(parts);
      expect((made - 1) * Math.ceil(lines / made)).toBeLessThan(lines);
      // Fewer would be longer.
      expect(Math.ceil(lines / made)).toBe(Math.ceil(lines / parts));
    }
  });

  it('refuses gradients of other shapes', () => {
    const w = input('w', [3, 3, 6, 4]);
    const g = convGeometry('conv2d', x, w, { padding: 'same' });
    expect(() => conv2dInputGrad(input('dy', [2, 8, 7, 4]), w, g)).toThrow(
      /conv2d_input_grad: dy must be \[2, 8, 8, 4\]; given dy \[2, 8, 7, 4\]/,
    );
    expect(() => conv2dFilterGrad(input('x', [1, 8, 8, 6]), input('dy', [2, 8, 8, 4]), g)).toThrow(
      /conv2d_filter_grad: x must be/,
    );
  });

  it('compiles every variant on the null backend', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    for (const [version, hardware] of VARIANTS) {
      for (const { x: xShape, w: wShape, attrs } of CASES) {
        const [X, W] = [input('x', xShape), input('w', wShape)];
        const y = conv2d(X, W, { ...attrs, version });
        using program = await compile(hardware ? asHardware(device) : asLavapipe(device), {
          outputs: [y, ...grad(y, [X, W], input('dy', y.shape))],
        });
        expect(program.steps.length).toBeGreaterThan(2);
      }
    }
  });
});
