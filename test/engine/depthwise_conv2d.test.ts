import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { openDevice, type Device } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import {
  depthwiseConv2d,
  depthwiseConv2dFilterGrad,
  depthwiseConv2dInputGrad,
  type DepthwiseAttributes,
} from '../../engine/ops/depthwise_conv2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { compile } from '../../engine/program/program.ts';
import { MIDDLE, type Gpu } from '../../kernels/gpu.ts';
import { efficientNetShape } from '../../models/efficientnet_table.ts';
import { UserError } from '../../engine/user_error.ts';
import { expectGradient } from '../finite_differences.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import * as reference from '../reference/depthwise_conv2d.ts';
import { UNIT, dot, expectWithin, sumBound } from '../tolerance.ts';
import { asHardware } from './as_adapter.ts';

type Size = [n: number, h: number, w: number, c: number];
interface Case {
  x: Size;
  filter: [number, number];
  attrs: DepthwiseAttributes;
  /** Worked out by hand from the definitions, not by the code under test. */
  out: [number, number];
  pad: [number, number];
}

const CASES: Case[] = [
  { x: [2, 6, 7, 8], filter: [3, 3], attrs: { stride: 1, padding: 'same' }, out: [6, 7], pad: [1, 1] },
  { x: [1, 7, 6, 4], filter: [3, 3], attrs: { stride: 2, padding: 'same' }, out: [4, 3], pad: [1, 0] },
  { x: [2, 8, 8, 4], filter: [3, 3], attrs: { stride: 2, padding: 1 }, out: [4, 4], pad: [1, 1] },
  { x: [1, 9, 11, 8], filter: [5, 5], attrs: { stride: 1, padding: 'same' }, out: [9, 11], pad: [2, 2] },
  { x: [3, 8, 9, 4], filter: [5, 5], attrs: { stride: 2, padding: 'same' }, out: [4, 5], pad: [1, 2] },
  { x: [1, 7, 7, 12], filter: [5, 5], attrs: { stride: 1, padding: 'valid' }, out: [3, 3], pad: [0, 0] },
  {
    x: [1, 5, 5, 4],
    filter: [5, 5],
    attrs: {
      stride: 2,
      padding: [
        [1, 2],
        [2, 1],
      ],
    },
    out: [2, 2],
    pad: [1, 2],
  },
  { x: [2, 2, 3, 4], filter: [5, 5], attrs: { stride: 1, padding: 'same' }, out: [2, 3], pad: [2, 2] },
  { x: [1, 8, 8, 4], filter: [3, 3], attrs: { stride: 2, padding: 'valid' }, out: [3, 3], pad: [0, 0] },
  { x: [1, 9, 9, 4], filter: [5, 5], attrs: { stride: 2, padding: 3 }, out: [6, 6], pad: [3, 3] },
  { x: [1, 37, 9, 4], filter: [3, 3], attrs: { stride: 1, padding: 'same' }, out: [37, 9], pad: [1, 1] },
  { x: [2, 41, 6, 4], filter: [5, 5], attrs: { stride: 2, padding: 'same' }, out: [21, 3], pad: [2, 1] },
  { x: [2, 5, 6, 3], filter: [3, 3], attrs: { stride: 1, padding: 'same' }, out: [5, 6], pad: [1, 1] },
  { x: [1, 6, 5, 5], filter: [5, 5], attrs: { stride: 2, padding: 'same' }, out: [3, 3], pad: [1, 2] },
  { x: [1, 9, 9, 4], filter: [3, 3], attrs: { stride: 1, padding: 'same', dilation: 2 }, out: [9, 9], pad: [2, 2] },
  {
    x: [1, 10, 9, 4],
    filter: [3, 2],
    attrs: { stride: [2, 3], padding: 'valid', dilation: [2, 1] },
    out: [3, 3],
    pad: [0, 0],
  },
  { x: [1, 4, 5, 8], filter: [1, 1], attrs: { stride: 2, padding: 'valid' }, out: [2, 3], pad: [0, 0] },
  { x: [1, 9, 9, 4], filter: [7, 7], attrs: { stride: 1, padding: 'same' }, out: [9, 9], pad: [3, 3] },
];

const pair = (v: number | readonly [number, number] = 1): [number, number] =>
  typeof v === 'number' ? [v, v] : [v[0], v[1]];
const describeCase = ({ x, filter, attrs: a, out, pad }: Case): reference.Depthwise => ({
  x,
  filter,
  out,
  pad,
  stride: pair(a.stride),
  dilation: pair(a.dilation),
});
const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
const size = (v: Float32Array) => v.map(Math.abs);

describe('the reference', () => {
  it.each(CASES.filter((c) => c.x[1] < 11))('agrees with finite differences: $x, filter $filter, $attrs', (c) => {
    const d = describeCase(c);
    const [x, w] = [randomArray(product(c.x), 1), randomArray(product(c.filter) * c.x[3], 2)].map((v) =>
      Float64Array.from(v),
    );
    const dy = Float64Array.from(randomArray(c.x[0] * product(c.out) * c.x[3], 3));
    expectGradient(([a, b]) => reference.depthwiseConv2d(d, a, b), [x, w], dy, [
      reference.depthwiseConv2dInputGrad(d, dy, w),
      reference.depthwiseConv2dFilterGrad(d, x, dy),
    ]);
  });
});

/**
 * The distinct depthwise layers of EfficientNet-B0 at 224 pixels, batch 1, padded as PyTorch's ports and Keras do
 * ('same').
 */
function efficientNetLayers() {
  const layers = new Map<string, { px: number; channels: number; filter: number; stride: number }>();
  let px = 112;
  for (const { expandedChannels: channels, kernelSize: filter, stride } of efficientNetShape({ width: 1, depth: 1 })
    .blocks) {
    layers.set(`${px} px, ${channels} channels, ${filter}x${filter}, stride ${stride}`, {
      px,
      channels,
      filter,
      stride,
    });
    px /= stride;
  }
  return [...layers.entries()];
}

/** GPUs that hold many channels a thread, and have few threads: several pieces are a part, some parts have fewer. */
const WIDE: Gpu = { ...MIDDLE, numbers: 116, threads: 1 };
const asWide = (device: Device): Device =>
  Object.create(device, { capabilities: { value: { ...device.capabilities, software: false, gpu: WIDE } } }) as Device;

describeAdapters('depthwise conv2d', (device) => {
  const plans = [
    ['as it is', (d: Device) => d],
    ['as an unknown GPU', asHardware],
    ['as a GPU of few wide threads', asWide],
  ] as const;
  const versions = CASES.flatMap((c) => ([1, 2] as const).map((version) => ({ ...c, attrs: { ...c.attrs, version } })));
  describe.each(plans)('%s', (_, as) => {
    it.each(versions)('$x, filter $filter, $attrs: forward and both gradients', async (c) => {
      const d = describeCase(c);
      const [x, w, dy] = [input('x', c.x), input('w', [...c.filter, c.x[3]]), input('dy', [c.x[0], ...c.out, c.x[3]])];
      const feeds = { x: randomArray(x.size, 1), w: randomArray(w.size, 2), dy: randomArray(dy.size, 3) };
      const y = depthwiseConv2d(x, w, c.attrs);
      expect(y.shape).toEqual(dy.shape);
      const [gotY, gotDx, gotDw] = await evaluate(as(device()), [y, ...grad(y, [x, w], dy)], feeds);
      const taps = product(c.filter);
      const check = (
        got: Float32Array,
        f: typeof reference.depthwiseConv2d,
        a: Float32Array,
        b: Float32Array,
        length: number,
        what: string,
      ) => {
        const magnitude = f(d, size(a), size(b));
        expectWithin(got, f(d, a, b), (i) => sumBound(length, magnitude[i]), what);
      };
      check(gotY, reference.depthwiseConv2d, feeds.x, feeds.w, taps, 'y');
      check(gotDx, reference.depthwiseConv2dInputGrad, feeds.dy, feeds.w, taps, 'dx');
      check(gotDw, reference.depthwiseConv2dFilterGrad, feeds.x, feeds.dy, c.x[0] * product(c.out), 'dw');
    });
  });

  it('the gradients are differentiable: each is bilinear', async () => {
    const c = CASES[1];
    const d = describeCase(c);
    const [x, w, dy] = [input('x', c.x), input('w', [...c.filter, c.x[3]]), input('dy', [c.x[0], ...c.out, c.x[3]])];
    const [u, v] = [input('u', c.x), input('v', w.shape)];
    const feeds = {
      x: randomArray(x.size, 1),
      w: randomArray(w.size, 2),
      dy: randomArray(dy.size, 3),
      u: randomArray(u.size, 4),
      v: randomArray(v.size, 5),
    };
    const dx = depthwiseConv2dInputGrad(dy, w, x, c.attrs);
    const dw = depthwiseConv2dFilterGrad(x, dy, w, c.attrs);
    const [a, b, p, q] = await evaluate(device(), [...grad(dx, [dy, w], u), ...grad(dw, [x, dy], v)], feeds);
    const check = (got: Float32Array, f: typeof reference.depthwiseConv2d, l: Float32Array, r: Float32Array) =>
      expectWithin(got, f(d, l, r), (i) => sumBound(c.x[0] * product(c.out), f(d, size(l), size(r))[i]));
    check(a, reference.depthwiseConv2d, feeds.u, feeds.w);
    check(b, reference.depthwiseConv2dFilterGrad, feeds.u, feeds.dy);
    check(p, reference.depthwiseConv2dInputGrad, feeds.dy, feeds.v);
    check(q, reference.depthwiseConv2d, feeds.x, feeds.v);
  });

  it.each(efficientNetLayers())('adjoint at EfficientNet-B0 size: %s', async (_, { px, channels, filter, stride }) => {
    const out = px / stride;
    const [x, w, dy] = [
      input('x', [1, px, px, channels]),
      input('w', [filter, filter, channels]),
      input('dy', [1, out, out, channels]),
    ];
    const feeds = { x: randomArray(x.size, 1), w: randomArray(w.size, 2), dy: randomArray(dy.size, 3) };
    const y = depthwiseConv2d(x, w, { stride, padding: 'same' });
    const [gotY, dx, dw] = await evaluate(device(), [y, ...grad(y, [x, w], dy)], feeds);
    // <dy, conv(x, w)> = <dx, x> = <dw, w>. Each side sums the same products x·w·dy, at most 1 in size; `length` of
    // them with rounding errors.
    const products = y.size * filter * filter;
    const rounding = (length: number) => sumBound(length, products / 8);
    const [byY, byX, byW] = [dot(feeds.dy, gotY), dot(dx, feeds.x), dot(dw, feeds.w)];
    expect(Math.abs(byY - byX)).toBeLessThan(2 * rounding(filter * filter));
    expect(Math.abs(byY - byW)).toBeLessThan(rounding(filter * filter) + rounding(out * out));
    // Errors of that many products spread like a random walk, far below the bound above.
    expect(Math.abs(byY - byX) + Math.abs(byY - byW)).toBeLessThan(64 * UNIT * Math.sqrt(products) * filter * out);
  });
});

describe('depthwise conv2d', () => {
  it('refuses what does not fit, naming the shapes', () => {
    const x = input('x', [1, 8, 8, 4]);
    expect(() => depthwiseConv2d(x, input('w', [3, 3, 5]))).toThrow(UserError);
    expect(() => depthwiseConv2d(x, input('w', [3, 3, 5]))).toThrow(/depthwise_conv2d.*\[1, 8, 8, 4\].*\[3, 3, 5\]/);
    expect(() => depthwiseConv2d(x, input('w', [3, 3, 4, 1]))).toThrow(/\[r, s, C\]/);
    expect(() => depthwiseConv2d(x, input('w', [9, 9, 4]))).toThrow(/9/);
    expect(() => depthwiseConv2d(x, input('w', [3, 3, 4]), { stride: 0 })).toThrow(/stride/);
    expect(() => depthwiseConv2dInputGrad(input('dy', [1, 5, 6, 4]), input('w', [3, 3, 4]), x)).toThrow(
      /\[1, 6, 6, 4\]/,
    );
  });

  it('compiles in every variant', async () => {
    using device = await openDevice({ gpu: openGpu({ backend: 'null' }) });
    for (const c of CASES) {
      const [x, w, dy] = [input('x', c.x), input('w', [...c.filter, c.x[3]]), input('dy', [c.x[0], ...c.out, c.x[3]])];
      const y = depthwiseConv2d(x, w, c.attrs);
      using program = await compile(device, { outputs: [y, ...grad(y, [x, w], dy)] });
      expect(program.steps.length).toBeGreaterThanOrEqual(3);
    }
  });
});
