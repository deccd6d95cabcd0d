import { expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import {
  avgPoolTerms,
  convTerms,
  depthwiseTerms,
  matmulTerms,
  maxPoolTerms,
  offsetOf,
  sumOfTerms,
  type Directions,
  type Term,
} from '../../engine/explain/terms.ts';
import { conv2d } from '../../engine/ops/conv2d.ts';
import { convGeometry, windowGeometry } from '../../engine/ops/conv_geometry.ts';
import { depthwiseConv2d } from '../../engine/ops/depthwise_conv2d.ts';
import { input } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { avgPool2d, maxPool2d } from '../../engine/ops/pool.ts';
import type { Tensor } from '../../engine/tensor.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { sumBound } from '../tolerance.ts';

type Values = Record<string, { shape: readonly number[]; data: Float32Array }>;

/** Every element of a result against the sum of its terms. */
function expectSums(
  terms: (element: readonly number[]) => Term[],
  shape: readonly number[],
  got: Float32Array,
  operands: Values,
): void {
  const element = shape.map(() => 0);
  for (let i = 0; i < got.length; i++) {
    const behind = terms(element);
    const magnitude = sumOfTerms(
      behind,
      Object.fromEntries(
        Object.entries(operands).map(([name, { shape, data }]) => [name, { shape, data: data.map(Math.abs) }]),
      ),
    );
    expect(offsetOf(shape, element)).toBe(i);
    expect(Math.abs(got[i] - sumOfTerms(behind, operands)), `element ${element}`).toBeLessThanOrEqual(
      sumBound(behind.length, magnitude),
    );
    for (let axis = shape.length - 1; axis >= 0 && ++element[axis] === shape[axis]; axis--) element[axis] = 0;
  }
}

const CONVS = [
  { x: [2, 5, 6, 3], w: [3, 3, 3, 4], attrs: { padding: 'same' } },
  { x: [1, 7, 8, 4], w: [3, 2, 2, 6], attrs: { stride: [2, 1], padding: 1, groups: 2 } },
  {
    x: [1, 9, 9, 2],
    w: [3, 3, 2, 2],
    attrs: {
      stride: 2,
      dilation: 2,
      padding: [
        [1, 2],
        [0, 3],
      ],
    },
  },
] as const;

describeAdapters('the terms of an element add up to what the GPU computes', (device) => {
  async function check(
    x: Tensor,
    w: Tensor | undefined,
    y: Tensor,
    terms: (x: Float32Array) => Partial<Directions>,
  ): Promise<void> {
    const dy = input('dy', y.shape);
    const feeds = Object.fromEntries(
      [x, ...(w ? [w] : []), dy].map((t, i) => [t.names[0], randomArray(t.size, i + 1)]),
    );
    const [gotY, gotDx, gotDw] = await evaluate(device(), [y, ...grad(y, w ? [x, w] : [x], dy)], feeds);
    const { forward, inputGrad, filterGrad } = terms(feeds.x);
    const operands = Object.fromEntries(
      [x, ...(w ? [w] : []), dy].map((t) => [t.names[0], { shape: t.shape, data: feeds[t.names[0]] }]),
    );
    expectSums(forward!, y.shape, gotY, operands);
    expectSums(inputGrad!, x.shape, gotDx, operands);
    if (w) expectSums(filterGrad!, w.shape, gotDw, operands);
  }

  it.each(CONVS)('conv2d $x $w $attrs', async (c) => {
    const [x, w] = [input('x', c.x), input('w', c.w)];
    await check(x, w, conv2d(x, w, c.attrs), () => convTerms(convGeometry('conv2d', x, w, c.attrs)));
  });

  it('depthwise_conv2d', async () => {
    const [x, w] = [input('x', [2, 6, 5, 3]), input('w', [3, 3, 3])];
    const attrs = { stride: 2, padding: 'same' } as const;
    await check(x, w, depthwiseConv2d(x, w, attrs), () =>
      depthwiseTerms(windowGeometry('', [x], { filterH: 3, filterW: 3, outChannels: 3, groups: 3 }, attrs)),
    );
  });

  it('matmul', async () => {
    const [x, w] = [input('x', [3, 5]), input('w', [5, 4])];
    await check(x, w, matmul(x, w), () => matmulTerms(x.shape, 4));
  });

  it.each([
    [3, 3],
    [2, 3],
  ])('pooling by maximum and by average, windows of %d x %d that overlap', async (filterH, filterW) => {
    const x = input('x', [1, 7, 6, 2]);
    const attrs = { size: [filterH, filterW] as const, stride: 2, padding: 1 };
    const g = windowGeometry('', [x], { filterH, filterW, outChannels: 2, groups: 2 }, attrs);
    await check(x, undefined, maxPool2d(x, attrs), (values) => maxPoolTerms(g, values));
    for (const countIncludePad of [true, false])
      await check(x, undefined, avgPool2d(x, { ...attrs, countIncludePad }), () => avgPoolTerms(g, countIncludePad));
  });
});
