import { expect, it } from 'vitest';
import { TRANSFORM_ROUNDINGS } from '../../bench/kernels/winograd_passages.ts';
import { grad } from '../../engine/autodiff.ts';
import type { Device } from '../../engine/device/device.ts';
import type { ConvAttributes } from '../../engine/ops/conv_geometry.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { dot, UNIT } from '../tolerance.ts';

type Attributes = Parameters<typeof conv2d>[2];

const same: ConvAttributes = { padding: 'same' };
const winograd: Attributes = { padding: 'same', version: 3 };

/** Layers at their full size: x, w and attributes. */
const LAYERS: readonly [string, number[], number[], Attributes & object][] = [
  ['EfficientNet-B0 stem', [1, 224, 224, 3], [3, 3, 3, 32], { padding: 'same', stride: 2 }],
  ['EfficientNet-B0 stage 2, expand', [1, 112, 112, 16], [1, 1, 16, 96], same],
  ['EfficientNet-B0 stage 2, project', [2, 56, 56, 96], [1, 1, 96, 24], same],
  ['EfficientNet-B0 stage 5, project', [3, 14, 14, 672], [1, 1, 672, 112], same],
  ['EfficientNet-B0 head', [2, 7, 7, 320], [1, 1, 320, 1280], same],
  ['EfficientNet-B0 squeeze', [8, 1, 1, 480], [1, 1, 480, 20], same],
  ['EfficientNet-B0 excite', [8, 1, 1, 20], [1, 1, 20, 480], same],
  ['VGG first', [1, 224, 224, 3], [3, 3, 3, 64], same],
  ['VGG 64 to 128', [1, 56, 56, 64], [3, 3, 64, 128], { ...same, version: 2 }],
  ['VGG 256 to 512', [1, 14, 14, 256], [3, 3, 256, 512], { ...same, version: 2 }],
  ['VGG 64 to 64 by Winograd', [2, 112, 112, 64], [3, 3, 64, 64], winograd],
  ['VGG 256 to 512 by Winograd', [1, 14, 14, 256], [3, 3, 256, 512], winograd],
  ['ResNet 3x3 of stride 2', [1, 56, 56, 64], [3, 3, 64, 128], { padding: 1, stride: 2 }],
  ['ResNeXt 3x3 in 32 groups', [1, 56, 56, 128], [3, 3, 4, 128], { padding: 1, groups: 32 }],
  ['ResNeXt 3x3 of stride 2 in 32 groups', [1, 56, 56, 256], [3, 3, 8, 256], { padding: 1, stride: 2, groups: 32 }],
  ['ResNet first', [1, 112, 112, 3], [7, 7, 3, 64], { padding: 3, stride: 2 }],
];

/**
 * The error to expect of <weight, sums>, where each of the sums has `length` products: rounding errors are independent
 * and centred, so a sum is off by λ·√length·u·Σ|aᵢbᵢ| (Higham & Mary 2019, "A new approach to probabilistic rounding
 * error analysis"), and the errors of the sums add up by their squares. λ = 6 sigma.
 * `magnitude` holds each sum's Σ|aᵢbᵢ|.
 */
function innerProductBound(length: number, weight: Float32Array, magnitude: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < weight.length; i++) squares += (weight[i] * magnitude[i]) ** 2;
  return 6 * Math.sqrt(length * squares) * UNIT;
}

/**
 * Winograd's sums are of a ninth of the products, of the filter gradient a quarter, with some roundings more. What
 * passes through them is 64/9 times as large as those products, of numbers of one size (winogradBound), and a tile's
 * four outputs share their errors: at worst they add up to twice what independent ones would.
 */
const winogradBoundOf = (length: number, weight: Float32Array, magnitude: Float32Array): number =>
  2 *
  innerProductBound(
    length + TRANSFORM_ROUNDINGS,
    weight,
    magnitude.map((m) => (64 / 9) * m),
  );

async function innerProducts(device: Device, xShape: number[], wShape: number[], attrs: Attributes & object) {
  const [X, W] = [input('x', xShape), input('w', wShape)];
  const Y = conv2d(X, W, attrs);
  const DY = input('dy', Y.shape);
  const outputs = [Y, ...grad(Y, [X, W], DY)];
  const feeds = { x: randomArray(X.size, 41), w: randomArray(W.size, 42), dy: randomArray(DY.size, 43) };
  const others = [feeds.dy, feeds.x, feeds.w];
  const values = await evaluate(device, outputs, feeds);
  // Of absolute values Winograd's kernels give the direct sums too, up to rounding.
  const magnitudes = await evaluate(device, outputs, {
    x: feeds.x.map(Math.abs),
    w: feeds.w.map(Math.abs),
    dy: feeds.dy.map(Math.abs),
  });
  const lengths = [W.size / wShape[3], W.size / wShape[2] / (attrs.groups ?? 1), Y.size / wShape[3]];
  const bound = (i: number) =>
    attrs.version === 3
      ? winogradBoundOf(lengths[i] / (i === 2 ? 4 : 9), others[i], magnitudes[i])
      : innerProductBound(lengths[i], others[i], magnitudes[i]);
  return values.map((value, i) => ({ product: dot(others[i], value), bound: bound(i) }));
}

describeAdapters('conv2d adjoint', (device) => {
  it.each(LAYERS)('<dy, conv(x, w)> = <x, dx> = <w, dw>: %s', async (_, x, w, attrs) => {
    const [forward, inputGrad, filterGrad] = await innerProducts(device(), x, w, attrs);
    expect(Math.abs(forward.product)).toBeGreaterThan(100 * forward.bound);
    expect(Math.abs(forward.product - inputGrad.product)).toBeLessThanOrEqual(forward.bound + inputGrad.bound);
    expect(Math.abs(forward.product - filterGrad.product)).toBeLessThanOrEqual(forward.bound + filterGrad.bound);
  });
});
