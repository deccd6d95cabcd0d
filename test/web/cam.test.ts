import { expect, it } from 'vitest';
import { camOf } from '../../web/chapters/cam.ts';
import type { View } from '../../web/learn/view.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { expectWithin, sumBound } from '../tolerance.ts';

const [SIDE, CHANNELS, CLASSES] = [6, 3, 2];
const [PLACES, POOLED] = [SIDE * SIDE, SIDE / 2];

/** A view of a network whose last activation and dense layer have these numbers. */
function viewOf(A: Float32Array, w: Float32Array, b: Float32Array): View {
  const values = (shape: number[], data: Float32Array) => ({ shape, data });
  const layers = [
    { kind: 'input', y: values([1, 1], Float32Array.of(0)), parameters: [] },
    { kind: 'activation', y: values([1, SIDE, SIDE, CHANNELS], A), parameters: [] },
    { kind: 'pool', y: values([1, POOLED, POOLED, CHANNELS], new Float32Array()), parameters: [] },
    {
      kind: 'dense',
      y: values([1, CLASSES], new Float32Array(CLASSES)),
      parameters: [
        { role: 'w', value: values([POOLED * POOLED * CHANNELS, CLASSES], w) },
        { role: 'b', value: values([CLASSES], b) },
      ],
    },
  ];
  return { layers } as unknown as View;
}

/** Equations 1 and 2 of Selvaraju et al. 2017 in float64, behind max pooling by 2 and a dense layer. */
function byHand(A: Float32Array, w: Float32Array, b: Float32Array, explained: number) {
  const gradient = new Float64Array(A.length);
  const logits = Float64Array.from(b);
  for (let i = 0; i < POOLED; i++)
    for (let j = 0; j < POOLED; j++)
      for (let k = 0; k < CHANNELS; k++) {
        const window = [0, 1, SIDE, SIDE + 1].map((step) => (2 * i * SIDE + 2 * j + step) * CHANNELS + k);
        const largest = window.reduce((best, at) => (A[at] > A[best] ? at : best));
        const from = ((i * POOLED + j) * CHANNELS + k) * CLASSES;
        gradient[largest] += w[from + explained];
        for (let c = 0; c < CLASSES; c++) logits[c] += A[largest] * w[from + c];
      }
  const alpha = Array.from({ length: CHANNELS }, (_, k) => {
    let total = 0;
    for (let p = 0; p < PLACES; p++) total += gradient[p * CHANNELS + k];
    return total / PLACES;
  });
  const sum = Array.from({ length: PLACES }, (_, p) => alpha.reduce((all, a, k) => all + a * A[p * CHANNELS + k], 0));
  return { gradient, alpha, sum, map: sum.map((v) => Math.max(0, v)), logits };
}

describeAdapters('Grad-CAM of chapter 15', (device) => {
  it.each([0, 1])('each of its steps is what the formulas say, for class %i', async (explained) => {
    const A = randomArray(PLACES * CHANNELS, 1, -1, 2);
    const w = randomArray(POOLED * POOLED * CHANNELS * CLASSES, 2);
    const b = randomArray(CLASSES, 3);
    const got = await camOf(device(), viewOf(A, w, b), explained);
    const want = byHand(A, w, b, explained);
    expect([got.side, got.channels]).toEqual([SIDE, CHANNELS]);
    // Numbers of A are below 2 and weights below 1; a mean of gradients has at most PLACES/4 that are not 0.
    const alphaBound = sumBound(PLACES, 1 / 4);
    expectWithin(got.gradient, want.gradient, () => 0, 'gradient');
    expectWithin(got.alpha, want.alpha, () => alphaBound, 'alpha');
    const bound = () => CHANNELS * 2 * alphaBound + sumBound(CHANNELS, (CHANNELS * 2) / 4);
    expectWithin(got.sum, want.sum, bound, 'sum');
    expectWithin(got.map, want.map, bound, 'map');
    const products = POOLED * POOLED * CHANNELS;
    expectWithin(got.logits, want.logits, () => sumBound(products + 1, 2 * products + 1), 'logits');
    expect(want.map.some((v) => v === 0) && want.map.some((v) => v > 0)).toBe(true);
  });
});
