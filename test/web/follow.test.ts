import { beforeAll, describe, expect, it } from 'vitest';
import { openDevice } from '../../engine/device/device.ts';
import { openGpu } from '../../engine/device/gpu.node.ts';
import { batchOf } from '../../web/learn/batches.ts';
import { explainStep } from '../../web/learn/explain_step.ts';
import { explain } from '../../web/learn/explain.ts';
import type { Followed, Weight } from '../../web/learn/follow.ts';
import { Laboratory } from '../../web/learn/laboratory.ts';
import { DEFAULT_SETTINGS, type Settings } from '../../web/learn/settings.ts';
import { drawSky, type Sky } from '../../web/learn/sky.ts';
import { ADAPTERS } from '../gpu.ts';
import { functionBound, sumBound, UNIT } from '../tolerance.ts';
import { courseFrom, follow, type Known } from './course.ts';

let sky: Sky;
beforeAll(async () => {
  sky = await drawSky();
});

async function within<R>(adapter: string, settings: Partial<Settings>, work: (lab: Laboratory) => Promise<R>) {
  const open = () => openDevice({ gpu: openGpu({ adapter }) });
  const laboratory = new Laboratory(sky, { ...DEFAULT_SETTINGS, ...settings }, () => {}, open);
  try {
    return await work(laboratory);
  } finally {
    await laboratory.close();
  }
}

const STEPS = 10;
/** The terms of a step's gradient by single looks at its galaxies: their mean, and what rounding can make of it. */
async function gradientOf(laboratory: Laboratory, followed: Followed): Promise<Known> {
  const { step, settings, weight, terms } = followed;
  laboratory.seek(step - 1);
  let [sum, size, count] = [0, 0, 0];
  for (const { image, label, value } of terms) {
    const { summands, computed } = explain(await laboratory.look(image), {
      layer: weight.layer,
      part: weight.role,
      at: weight.at,
    });
    expect(label).toBe(sky.labels[image]);
    const own = summands.reduce((all, { product }) => all + Math.abs(product), 0) / settings.batchSize;
    // The kernels of both programs add in the same order, and a mean over 4 images halves exactly: the same bits.
    expect(value).toBe(computed / settings.batchSize);
    sum += value;
    size += own;
    count += summands.length;
  }
  laboratory.seek(step);
  expect(Math.abs(followed.gradient - sum)).toBeLessThanOrEqual(sumBound(count, size));
  return { v: sum, e: sumBound(count, size) };
}

const WEIGHTS: readonly Weight[] = [
  { layer: 1, role: 'w', at: [1, 2, 0, 3] },
  { layer: 4, role: 'b', at: [5] },
  { layer: 7, role: 'w', at: [20, 1] },
];

/** What the parts of the explanation compute is what the GPU has, to the rounding of a few operations. */
function expectParts(followed: Followed): void {
  const parts = explainStep(followed);
  expect(parts.filter(({ value }) => value !== undefined).length).toBeGreaterThan(1);
  for (const { title, computed, value, filled } of parts.slice(1)) {
    if (value === undefined) continue;
    const { before, gradient, decay } = followed;
    const size =
      Math.abs(computed) +
      (title.startsWith('Second') ? gradient ** 2 : Math.abs(gradient) * 0.1) +
      decay * Math.abs(before.w);
    const terms =
      title === 'New weight' ? Math.abs(before.w) + functionBound(8, Math.abs(value - before.w)) / UNIT : size;
    expect(Math.abs(computed - value), `${title}: ${filled}, on the GPU ${value}`).toBeLessThanOrEqual(
      8 * UNIT * terms,
    );
  }
}

describe.each(ADAPTERS)('a weight followed on %s', (adapter) => {
  it.each<Partial<Settings>>([
    { optimizer: 'adam', weightDecay: 0.1, learningRate: 0.01 },
    { optimizer: 'momentum', learningRate: 0.02, weightDecay: 0.01 },
    { optimizer: 'sgd', learningRate: 0.05 },
  ])('over ten steps is what float64 makes of the terms of its gradient: %o', (variant) =>
    within(adapter, { ...variant, batchSize: 4, stride: 2 }, async (laboratory) => {
      for (let step = 0; step < STEPS; step++) await laboratory.train();
      for (const weight of WEIGHTS) {
        laboratory.seek(0);
        const { followed: none, track } = await laboratory.follow(weight);
        expect(none).toBeUndefined();
        expect(track.map(([step]) => step)).toEqual(Array.from({ length: STEPS + 1 }, (_, i) => i));
        const course = courseFrom(track[0][1]);
        for (let step = 1; step <= STEPS; step++) {
          laboratory.seek(step);
          const followed = (await laboratory.follow(weight)).followed!;
          expect(followed.changed).toBe(true);
          expect(followed.before.w).toBe(track[step - 1][1]);
          expect(followed.after.w).toBe(track[step][1]);
          expect(followed.terms.map(({ image }) => image)).toEqual(
            batchOf(followed.settings, 4 * (step - 1)).map(({ image }) => image),
          );
          const decay = weight.role === 'w' ? followed.settings.weightDecay : 0;
          expect(followed.decay).toBe(decay);
          follow(course, await gradientOf(laboratory, followed), followed.settings, decay);
          const what = `${weight.role} of layer ${weight.layer}, step ${step}`;
          expect(Math.abs(followed.after.m - course.m.v), `m of ${what}`).toBeLessThanOrEqual(course.m.e);
          if (followed.after.v !== undefined)
            expect(Math.abs(followed.after.v - course.s.v), `v of ${what}`).toBeLessThanOrEqual(course.s.e);
          expect(Math.abs(followed.after.w - course.w.v), what).toBeLessThanOrEqual(course.w.e);
          // The bound says something: the weight moved by much more.
          if (step === STEPS) expect(course.w.e).toBeLessThan(0.05 * Math.abs(course.w.v - track[0][1]));
          expectParts(followed);
        }
      }
    }),
  );

  it('of batch norm has statistics that move as those of the batch', () =>
    within(adapter, { batchNorm: true, batchSize: 4, stride: 2, dropout: 0.3 }, async (laboratory) => {
      for (let step = 0; step < 3; step++) await laboratory.train();
      const images = batchOf(DEFAULT_SETTINGS, 8)
        .slice(0, 4)
        .map(({ image }) => image);
      laboratory.seek(2);
      const maps = [];
      // What the first batch norm takes depends on no other image.
      for (const image of images) maps.push((await laboratory.look(image)).layers[1].y);
      laboratory.seek(3);
      const channel = 4;
      const values = maps.flatMap(({ data, shape }) => [...data].filter((_, i) => i % shape[3] === channel));
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
      for (const role of ['gamma', 'beta'] as const) {
        const { followed } = await laboratory.follow({ layer: 2, role, at: [channel] });
        const { count, mean: m, variance: v } = followed!.statistics!;
        expect(count).toBe(values.length);
        const size = values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
        // The sums of the layer before, of 27 products, and those over the batch.
        expect(Math.abs(m.batch - mean)).toBeLessThanOrEqual(sumBound(count + 27, 4 * size));
        expect(Math.abs(v.batch - variance)).toBeLessThanOrEqual(sumBound(2 * count + 54, 8 * (variance + mean ** 2)));
        expect(v.scale).toBe(count / (count - 1));
        expectParts(followed!);
      }
    }));
});
