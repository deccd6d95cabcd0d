import { describe, expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { convGeometry, type Padding } from '../../engine/ops/conv_geometry.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import * as reference from '../reference/conv2d.ts';
import * as winograd from '../reference/winograd.ts';
import { expectWithin, winogradBound } from '../tolerance.ts';
import { asHardware } from './as_hardware.ts';

/** [N, H, W, C], K and padding: odd and even sizes, fewer pixels than a tile has, channels that are no multiples of 4, every kind of margin. */
const CASES: readonly (readonly [x: readonly [number, number, number, number], K: number, padding: Padding])[] = [
  [[1, 4, 4, 4], 4, 'valid'],
  [[2, 7, 9, 8], 12, 'same'],
  [[1, 8, 6, 5], 3, 'same'],
  [[3, 5, 8, 12], 6, 'valid'],
  [[1, 1, 1, 4], 8, 'same'],
  [[2, 3, 2, 7], 8, 1],
  [[1, 9, 10, 4], 4, [[1, 0], [2, 3]]],
  [[1, 6, 5, 4], 8, [[0, 4], [3, 0]]],
  [[1, 5, 6, 8], 4, 3],
  [[2, 14, 13, 20], 36, 'same'],
];

const sized = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

describe('the tensor of F(2x2, 3x3)', () => {
  it('is that of a convolution: output i is the sum of tap t times pixel i + t', () => {
    for (const i of [0, 1]) for (const t of [0, 1, 2]) for (const d of [0, 1, 2, 3]) expect(winograd.TENSOR[i][t][d]).toBe(+(d === i + t));
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
      { value: reference.conv2d(feeds.x, feeds.w, g), magnitude: winograd.conv2dMagnitude(feeds.x, feeds.w, g), products: g.inChannels },
      { value: reference.conv2dInputGrad(feeds.dy, feeds.w, g), magnitude: winograd.conv2dInputGradMagnitude(feeds.dy, feeds.w, g), products: g.outChannels },
      { value: reference.conv2dFilterGrad(feeds.x, feeds.dy, g), magnitude: winograd.conv2dFilterGradMagnitude(feeds.x, feeds.dy, g), products: tiles },
    ];
    for (const hardware of [false, true]) {
      const got = await evaluate(hardware ? asHardware(device()) : device(), [y, ...grad(y, [X, W], DY)], feeds);
      want.forEach(({ value, magnitude, products }, i) => expectWithin(got[i], value, (e) => winogradBound(products, magnitude[e]), `${hardware ? 'as hardware ' : ''}${['y', 'dx', 'dw'][i]}`));
    }
  });
});
