import { describe, expect, it } from 'vitest';
import { PRODUCTS } from '../../bench/kernels/winograd_passages.ts';
import { grad } from '../../engine/autodiff.ts';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { convGeometry, type Padding } from '../../engine/ops/conv_geometry.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { outline } from '../../engine/program/outline.ts';
import { compile } from '../../engine/program/program.ts';
import type { Tensor } from '../../engine/tensor.ts';
import type { Tuning } from '../../engine/tuning.ts';
import { mostBytes } from '../../kernels/conv2d/winograd.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import * as reference from '../reference/conv2d.ts';
import * as winograd from '../reference/winograd.ts';
import { expectWithin, winogradBound } from '../tolerance.ts';
import { asHardware } from './as_adapter.ts';

/**
 * [N, H, W, C], K and padding: odd and even sizes, fewer pixels than a tile has, channels that are no multiples of 4,
 * every kind of margin.
 */
const CASES: readonly (readonly [x: readonly [number, number, number, number], K: number, padding: Padding])[] = [
  [[1, 4, 4, 4], 4, 'valid'],
  [[2, 7, 9, 8], 12, 'same'],
  [[1, 8, 6, 5], 3, 'same'],
  [[3, 5, 8, 12], 6, 'valid'],
  [[1, 1, 1, 4], 8, 'same'],
  [[2, 3, 2, 7], 8, 1],
  [
    [1, 9, 10, 4],
    4,
    [
      [1, 0],
      [2, 3],
    ],
  ],
  [
    [1, 6, 5, 4],
    8,
    [
      [0, 4],
      [3, 0],
    ],
  ],
  [[1, 5, 6, 8], 4, 3],
  [[2, 14, 13, 20], 36, 'same'],
  // So many tiles that a GPU sums the filter gradient in parts, of 289.
  [[2, 33, 34, 8], 12, 'same'],
];

const sized = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

describe('the tensor of F(2x2, 3x3)', () => {
  it('is that of a convolution: output i is the sum of tap t times pixel i + t', () => {
    for (const i of [0, 1])
      for (const t of [0, 1, 2]) for (const d of [0, 1, 2, 3]) expect(PRODUCTS[i][t][d]).toBe(+(d === i + t));
  });
});

describeAdapters('conv2d by Winograd', (device) => {
  it.each(CASES)('and both gradients: x %j to %d channels, padding %j', async (xShape, K, padding) => {
    const wShape = [3, 3, xShape[3], K];
    const [X, W] = [input('x', xShape), input('w', wShape)];
    const g = convGeometry('conv2d', X, W, { padding });
    const y = conv2d(X, W, { padding, version: 3 });
    const DY = input('dy', y.shape);
    const feeds = { x: randomArray(X.size, 31), w: randomArray(sized(wShape), 32), dy: randomArray(DY.size, 33) };
    const tiles = g.batch * Math.ceil(g.outH / 2) * Math.ceil(g.outW / 2);
    const want = [
      {
        value: reference.conv2d(feeds.x, feeds.w, g),
        magnitude: winograd.conv2dMagnitude(feeds.x, feeds.w, g),
        products: g.inChannels,
      },
      {
        value: reference.conv2dInputGrad(feeds.dy, feeds.w, g),
        magnitude: winograd.conv2dInputGradMagnitude(feeds.dy, feeds.w, g),
        products: g.outChannels,
      },
      {
        value: reference.conv2dFilterGrad(feeds.x, feeds.dy, g),
        magnitude: winograd.conv2dFilterGradMagnitude(feeds.x, feeds.dy, g),
        products: tiles,
      },
    ];
    for (const hardware of [false, true]) {
      const got = await evaluate(hardware ? asHardware(device()) : device(), [y, ...grad(y, [X, W], DY)], feeds);
      want.forEach(({ value, magnitude, products }, i) =>
        expectWithin(
          got[i],
          value,
          (e) => winogradBound(products, magnitude[e]),
          `${hardware ? 'as hardware ' : ''}${['y', 'dx', 'dw'][i]}`,
        ),
      );
    }
  });
});

/** Few numbers, so that sums of what the transforms make of them are exact. */
const repeated = (size: number, period: number, values: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => (((i % period) * 7) % values) + 1);

describeAdapters('conv2d by Winograd in chunks', (device) => {
  // A tile takes 64 · (4 + 4) + 64 bytes.
  const ONE_CHUNK = mostBytes({ software: true }) / 576;

  it('is the same on both sides of a chunk, and gradients of filters add up over chunks', async () => {
    const period = 7;
    const build = (n: number) => {
      const [X, W, DY] = [input('x', [n, 2, 1, 4]), input('w', [3, 3, 4, 4]), input('dy', [n, 2, 1, 4])];
      const y = conv2d(X, W, { padding: 1, version: 3 });
      const [dx, dw] = grad(y, [X, W], DY);
      return {
        outputs: [y, dx, dw],
        feeds: { x: repeated(8 * n, 8 * period, 3), w: repeated(144, 144, 5), dy: repeated(8 * n, 8 * period, 2) },
      };
    };
    const small = build(period);
    const want = await evaluate(device(), small.outputs, small.feeds);
    const n = Math.ceil((2 * ONE_CHUNK) / period + 1) * period;
    const { outputs, feeds } = build(n);
    using program = await compile(device(), { outputs });
    expect(program.steps.filter(({ launch }) => launch.kernel.name === 'winograd_input').length).toBe(9);
    program.run(feeds);
    for (const o of [0, 1]) {
      const values = await program.read(outputs[o]);
      expect(
        values.findIndex((v, i) => v !== want[o][i % want[o].length]),
        `output ${o}`,
      ).toBe(-1);
    }
    expect([...(await program.read(outputs[2]))]).toEqual([...want[2].map((v) => v * (n / period))]);
  });
});

describe('conv2d chosen by the compiler', () => {
  const open = () => openDevice({ gpu: openGpu({ backend: 'null' }) });
  const lowered = (device: Device, t: Tensor, tuning?: Tuning) => outline(device, { outputs: [t], tuning }).lowered;
  const kernels = (device: Device, t: Tensor, tuning?: Tuning) =>
    lowered(device, t, tuning).steps.map(({ launch }) => launch.kernel.name.replace(/_(subgroup|workgroup)$/, ''));
  const layer = (version?: 1 | 2 | 3, channels = 512, attrs: object = { padding: 1 }) =>
    conv2d(input('x', [8, 28, 28, channels]), input('w', [3, 3, channels, channels]), { ...attrs, version });
  const IMAGE = ['winograd_filter', 'winograd_input', 'matmul_v2', 'winograd_output'];

  it('is by Winograd where channels are many, and never where a version is asked for that is not', async () => {
    using device = await open();
    expect(kernels(device, layer())).toEqual(IMAGE);
    expect(kernels(device, layer(3, 8))).toEqual(IMAGE);
    expect(kernels(device, layer(1))).toEqual(['conv2d_v1']);
    expect(kernels(device, layer(2))).toEqual(['conv2d_v2']);
    expect(kernels(device, layer(undefined, 8))).toEqual(['conv2d_v2']);
    for (const attrs of [
      { padding: 1, stride: 2 },
      { padding: 1, stride: [1, 2] },
      { padding: 2, dilation: 2 },
    ])
      expect(kernels(device, layer(3, 128, attrs))).toEqual(['conv2d_v2']);
    const y = layer();
    const [x, w] = y.inputs;
    expect(kernels(device, grad(y, [x], y)[0])).toEqual([...IMAGE, ...IMAGE]);
    expect(kernels(device, grad(y, [w], y)[0]).slice(4)).toEqual([
      'winograd_input',
      'winograd_output_grad',
      'matmul_v2',
      'winograd_filter_grad',
    ]);
  });

  it('cuts the products of a filter gradient into equal parts where they are too few for a GPU', async () => {
    using device = await open();
    const filterGrad = (batch: number) => {
      const [x, w] = [input('x', [batch, 33, 34, 8]), input('w', [3, 3, 8, 12])];
      const y = conv2d(x, w, { padding: 'same', version: 3 });
      return grad(y, [w], input('dy', y.shape))[0];
    };
    // A tile of 32 x 32 covers each of the 16 products, and the parts have 256 tiles at least.
    for (const [batch, parts] of [
      [1, 1],
      [2, 2],
      [8, 8],
    ]) {
      const { steps } = lowered(device, filterGrad(batch));
      const product = steps.find(({ launch }) => launch.kernel.name === 'matmul_v2_workgroup')!;
      expect(product.launch.workgroups[2]).toBe(16 * parts);
      expect(product.launch.params['part_depth']).toBe((batch * 17 * 17) / parts);
      expect(steps.filter(({ launch }) => launch.kernel.name === 'reduce')).toHaveLength(parts > 1 ? 1 : 0);
    }
  });

  it('can be either, as the tuner finds', async () => {
    using device = await open();
    for (const channels of [8, 512])
      for (const winograd of [0, 1]) {
        const [{ choices }] = lowered(device, layer(undefined, channels)).choicePoints;
        const choice = choices.candidates.find((candidate) => candidate['winograd'] === winograd)!;
        expect(kernels(device, layer(undefined, channels), { find: () => choice })).toEqual(
          winograd ? IMAGE : ['conv2d_v2'],
        );
      }
  });

  it('takes no more than is allowed for what is transformed, and the filter, and is direct where a filter is too large to bind', async () => {
    using device = await open();
    const batch = 16;
    for (const software of [true, false])
      for (const [size, C, K] of [
        [224, 64, 64],
        [112, 128, 128],
        [28, 512, 512],
        [14, 512, 36],
        [7, 1024, 1024],
      ]) {
        Object.assign(device.capabilities, { software });
        const y = conv2d(input('x', [batch, size, size, C]), input('w', [3, 3, C, K]), { padding: 1, version: 3 });
        for (const t of [y, ...grad(y, [...y.inputs], input('dy', y.shape))]) {
          const { buffers } = lowered(device, t);
          const scratch = buffers
            .filter(({ kind, tensor }) => kind === 'temporary' && !tensor)
            .reduce((sum, { bytes }) => sum + bytes, 0);
          expect(scratch, `${t.op.name} of ${size}, ${C} to ${K}`).toBeLessThanOrEqual(
            mostBytes({ software }) + 64 * (C + 1) * (K + 1),
          );
        }
      }
    Object.assign(device.capabilities, { maxStorageBinding: 2 ** 20 });
    expect(kernels(device, layer())).toEqual(['conv2d_v2']);
  });
});
