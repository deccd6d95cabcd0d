import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { Device } from '../../engine/device/device.ts';
import { openGpu, SUBGROUP_MATRIX_TOGGLES } from '../../engine/device/gpu.node.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { convGeometry, type ConvAttributes } from '../../engine/ops/conv_geometry.ts';
import { input } from '../../engine/ops/leaves.ts';
import { add, relu } from '../../engine/ops/pointwise.ts';
import { maxPool2d } from '../../engine/ops/pool.ts';
import { outline } from '../../engine/program/outline.ts';
import { compile } from '../../engine/program/program.ts';
import { sizeOf, type Shape, type Tensor } from '../../engine/tensor.ts';
import { specialise, storedAsHalf } from '../../kernels/kernel.ts';
import { describeAdapters } from '../gpu.ts';
import { halfBound } from '../half.ts';
import * as reference from '../reference/conv2d.ts';
import { expectWithin, sumBound } from '../tolerance.ts';
import { SHAPES, absolute, halves, withMatrices } from './subgroup_matrix_emulation.ts';

/* What the emulation proves and what it does not is said in subgroup_matrix.test.ts. */

interface Case {
  readonly title: string;
  readonly x: Shape;
  readonly w: Shape;
  readonly attrs: ConvAttributes;
}

/**
 * Each direction has a million products, of sizes that no tile divides. Channels that are no multiple of 4 are padded
 * in f32, before.
 */
const CASES: readonly Case[] = [
  {
    title: '3x3 SAME, with parts of the filter gradient',
    x: [4, 13, 11, 20],
    w: [3, 3, 20, 24],
    attrs: { padding: 'same' },
  },
  { title: '3x3 SAME, stride 2', x: [2, 26, 25, 20], w: [3, 3, 20, 24], attrs: { padding: 'same', stride: 2 } },
  { title: '3x3 VALID, odd channels', x: [2, 17, 15, 18], w: [3, 3, 18, 22], attrs: { padding: 'valid' } },
  {
    title: '5x3, stride 2 and 3, margins, dilation',
    x: [1, 43, 62, 20],
    w: [5, 3, 20, 20],
    attrs: {
      padding: [
        [1, 2],
        [3, 0],
      ],
      stride: [2, 3],
      dilation: [1, 2],
    },
  },
  {
    title: '1x1, stride 2: three classes of pixels without a tap',
    x: [1, 65, 63, 36],
    w: [1, 1, 36, 32],
    attrs: { stride: 2 },
  },
];

const DIRECTIONS = ['conv2d_matrix', 'conv2d_input_grad_matrix', 'conv2d_filter_grad_matrix'];

function graphOf({ x, w, attrs }: Case, across: (t: Tensor) => Tensor) {
  const [X, W] = [across(input('x', x)), input('w', w)];
  const g = convGeometry('conv2d', X, W, attrs);
  const y = conv2d(X, W, attrs);
  const DY = across(input('dy', y.shape));
  const [dx, dw] = grad(y, [X, W], DY);
  return { g, results: [y, dx, dw] as const, outputs: [across(y), across(dx), dw] };
}

/** A maximum over windows of one pixel: it stores as f16 what was f32, and reads it back. */
const asHalf = (t: Tensor) => maxPool2d(t, { size: 1 });
const asItIs = (t: Tensor) => t;

async function check(on: Device, c: Case, across: (t: Tensor) => Tensor): Promise<void> {
  const { g, results, outputs } = graphOf(c, across);
  const feeds = { x: halves(sizeOf(c.x), 1), w: halves(sizeOf(c.w), 2), dy: halves(results[0].size, 3) };
  using program = await compile(on, { outputs, precision: 'f16' });
  expect(program.steps.map(({ launch }) => launch.kernel.name).filter((name) => name.endsWith('_matrix'))).toEqual(
    DIRECTIONS,
  );
  const isStored = across === asHalf;
  expect(results.map((t) => program.storageOf(t))).toEqual(isStored ? ['f16', 'f16', 'f32'] : ['f32', 'f32', 'f32']);
  program.run(feeds);
  const [x, w, dy] = [absolute(feeds.x), absolute(feeds.w), absolute(feeds.dy)];
  const taps = g.filterH * g.filterW;
  const want = [
    { value: reference.conv2d(feeds.x, feeds.w, g), magnitude: reference.conv2d(x, w, g), length: taps * g.inChannels },
    {
      value: reference.conv2dInputGrad(feeds.dy, feeds.w, g),
      magnitude: reference.conv2dInputGrad(dy, w, g),
      length: taps * g.outChannels,
    },
    {
      value: reference.conv2dFilterGrad(feeds.x, feeds.dy, g),
      magnitude: reference.conv2dFilterGrad(x, dy, g),
      length: g.batch * g.outH * g.outW,
    },
  ];
  for (const [o, { value, magnitude, length }] of want.entries()) {
    const own = (i: number) => sumBound(length, magnitude[i]);
    expectWithin(
      await program.read(outputs[o]),
      value,
      (i) => own(i) + (isStored && o < 2 ? halfBound(Math.abs(value[i]) + own(i)) : 0),
      `${c.title}: ${['y', 'dx', 'dw'][o]}`,
    );
  }
}

describeAdapters('conv2d with subgroup matrices', (device) => {
  // Stored as f16 where the adapter has it, and as f32 where not: what is compiled is what takes the time.
  it.each(CASES)(
    'and both gradients: $title',
    async (c) => {
      await check(withMatrices(device()), c, device().capabilities.f16 ? asHalf : asItIs);
    },
    900_000,
  );
});

describeAdapters(
  'conv2d with subgroup matrices and',
  (device) => {
    it('an epilogue', async () => {
      const { x, w, attrs } = CASES[0];
      const on = withMatrices(device());
      const g = convGeometry('conv2d', input('x', x), input('w', w), attrs);
      const feeds = { x: halves(sizeOf(x), 1), w: halves(sizeOf(w), 2), bias: halves(g.outChannels, 3) };
      const y = relu(add(conv2d(input('x', x), input('w', w), attrs), input('bias', [g.outChannels])));
      using program = await compile(on, { outputs: [y], precision: 'f16' });
      expect(program.steps.map(({ launch }) => launch.kernel.name)).toEqual(['conv2d_matrix']);
      program.run(feeds);
      const [value, magnitude] = [
        reference.conv2d(feeds.x, feeds.w, g),
        reference.conv2d(absolute(feeds.x), absolute(feeds.w), g),
      ];
      expectWithin(
        await program.read(y),
        value.map((v, i) => Math.max(v + feeds.bias[i % g.outChannels], 0)),
        (i) => sumBound(181, magnitude[i] + 1),
      );
    });
  },
  ['lavapipe'],
);

describe('conv2d with subgroup matrices without a GPU', () => {
  it('compiles in every tiling and with every storage type on the null backend', async () => {
    const adapter = (await openGpu({ backend: 'null', enable: SUBGROUP_MATRIX_TOGGLES }).requestAdapter())!;
    const features = ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'] as GPUFeatureName[];
    using device = new Device(await adapter.requestDevice({ requiredFeatures: features }), adapter);
    let pipelines = 0;
    for (const limit of [device.capabilities.maxWorkgroupStorage, 49_152]) {
      const on = Object.create(device, {
        capabilities: {
          value: { ...device.capabilities, software: false, subgroupMatrix: SHAPES[0], maxWorkgroupStorage: limit },
        },
      }) as Device;
      const { results } = graphOf(CASES[0], asItIs);
      for (const y of results) {
        const [{ choices }] = outline(on, { outputs: [y], precision: 'f16' }).lowered.choicePoints;
        for (const choice of choices.candidates.filter((each) => 'regM' in each)) {
          const { lowered } = outline(on, { outputs: [y], precision: 'f16', tuning: { find: () => choice } });
          const { launch } = lowered.steps.find(({ launch }) => DIRECTIONS.includes(launch.kernel.name))!;
          for (const stored of [
            launch,
            storedAsHalf(
              launch,
              launch.kernel.bindings.filter(({ storage }) => storage !== undefined),
            ),
          ]) {
            const info = await device.gpu.createShaderModule({ code: specialise(stored) }).getCompilationInfo();
            expect(info.messages.map(({ message }) => message)).toEqual([]);
            if (limit === device.capabilities.maxWorkgroupStorage) {
              await device.pipeline(stored);
              pipelines++;
            }
          }
        }
      }
    }
    device.check();
    expect(pipelines).toBeGreaterThan(10);
  });
});
