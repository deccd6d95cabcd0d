import { describe, expect, it } from 'vitest';
import type { Device } from '../../engine/device/device.ts';
import { Parameter } from '../../engine/device/parameter.ts';
import { reshape } from '../../engine/ops/leaves.ts';
import { matmul } from '../../engine/ops/matmul.ts';
import { square } from '../../engine/ops/pointwise.ts';
import { blurred, faithfulness, saliencyOf } from '../../vision/answer/asked/faithfulness.ts';
import { MaskedScores } from '../../vision/answer/asked/masked_scores.ts';
import { integratedGradients, occlusion, scoreCam } from '../../vision/answer/asked/methods.ts';
import { addUpright, symmetryOf } from '../../vision/answer/upright.ts';
import { SYMMETRIES } from '../../vision/view/view.ts';
import { describeAdapters } from '../gpu.ts';
import { randomArray } from '../random.ts';
import { adaptersBound, relativeL2 } from '../tolerance.ts';

/*
 * Explanations that ask again, on a network whose answers can be worked out in plain loops: its scores are the squares
 * (x·w₀)² and (x·w₁)² of an image x.
 */

const SIDE = 28;
const N = SIDE * SIDE * 3;
const image = randomArray(N, 3, -1, 1);
const columns = [randomArray(N, 4, -0.04, 0.05), randomArray(N, 5, -0.04, 0.05)];
/** A square doubles the relative error of the sum, whose terms cancel to about a tenth of what they are. */
const CLOSE = 20 * adaptersBound([N]);

const product = (x: ArrayLike<number>, k: number): number => {
  let z = 0;
  for (let i = 0; i < N; i++) z += x[i] * columns[k][i];
  return z;
};
/** The image where the mask, a number a pixel, is 1; `base` where it is 0. */
const masked = (mask: (pixel: number) => number, base: ArrayLike<number> = new Float64Array(N)): Float64Array =>
  Float64Array.from(image, (v, i) => base[i] + mask(Math.floor(i / 3)) * (v - base[i]));

async function withNetwork(device: Device, work: (asked: MaskedScores) => Promise<void>): Promise<void> {
  const weights = Float32Array.from({ length: 2 * N }, (_, i) => columns[i % 2][Math.floor(i / 2)]);
  using w = new Parameter(device, 'w', [N, 2], weights);
  using asked = await MaskedScores.create(device, (x) => square(matmul(reshape(x, [x.shape[0], N]), w.tensor)), SIDE);
  await work(asked);
}

describeAdapters('a network that is asked again', (device) => {
  it('integrated gradients are x·w·(x·w), and add up to the score', () =>
    withNetwork(device(), async (asked) => {
      for (const k of [0, 1]) {
        const { values, height, width } = await integratedGradients(asked, { image, explained: k });
        expect([height, width]).toEqual([SIDE, SIDE]);
        const z = product(image, k);
        // The gradient at α·x is 2·α·(x·w)·w, whose mean over α in 0..1 is (x·w)·w; its midpoint sum is exact.
        expect(
          relativeL2(
            values,
            Float64Array.from(image, (v, i) => v * columns[k][i] * z),
          ),
        ).toBeLessThan(CLOSE);
        expect(values.reduce((a, b) => a + b, 0)).toBeCloseTo(z * z, 4);
      }
    }));

  it('occlusion is how far the score falls when a patch twice as wide as a cell is covered', () =>
    withNetwork(device(), async (asked) => {
      const { values, height, width } = await occlusion(asked, { image, explained: 1 });
      expect([height, width]).toEqual([14, 14]);
      const whole = product(image, 1) ** 2;
      for (const [row, column] of [
        [0, 0],
        [3, 8],
        [13, 13],
      ]) {
        // A cell has 2 pixels a side; the patch begins 1 before it and ends 1 after it.
        const covered = (p: number) => {
          const [y, x] = [Math.floor(p / SIDE), p % SIDE];
          return y >= 2 * row - 1 && y <= 2 * row + 2 && x >= 2 * column - 1 && x <= 2 * column + 2;
        };
        const want =
          whole -
          product(
            masked((p) => (covered(p) ? 0 : 1)),
            1,
          ) **
            2;
        expect(Math.abs(values[row * 14 + column] - want), `${row}, ${column}`).toBeLessThan(CLOSE * whole);
      }
    }));

  it('Score-CAM weighs channels by the softmax of the scores of what they show; a flat one has no weight', () =>
    withNetwork(device(), async (asked) => {
      const [h, channels] = [4, 4];
      const values = randomArray(h * h * channels, 8, -1, 1);
      for (let p = 0; p < h * h; p++) values[p * channels + 2] = 0.7;
      const got = await scoreCam(asked, { image, explained: 0 }, { values, height: h, width: h, channels });
      const plane = (c: number) => (y: number, x: number) => values[(y * h + x) * channels + c];
      // Bilinear, centres at i + 0.5, held at the border.
      const enlarged = (c: number) => {
        const at = plane(c);
        return Float64Array.from({ length: SIDE * SIDE }, (_, p) => {
          const [y, x] = [Math.floor(p / SIDE), p % SIDE].map((o) =>
            Math.min(h - 1, Math.max(0, ((o + 0.5) * h) / SIDE - 0.5)),
          );
          const [y0, x0] = [Math.min(h - 2, Math.floor(y)), Math.min(h - 2, Math.floor(x))];
          const [fy, fx] = [y - y0, x - x0];
          return (
            (1 - fy) * ((1 - fx) * at(y0, x0) + fx * at(y0, x0 + 1)) +
            fy * ((1 - fx) * at(y0 + 1, x0) + fx * at(y0 + 1, x0 + 1))
          );
        });
      };
      const score = (c: number) => {
        const mask = enlarged(c);
        const [low, high] = [Math.min(...mask), Math.max(...mask)];
        return (
          product(
            masked((p) => (mask[p] - low) / (high - low)),
            0,
          ) ** 2
        );
      };
      const shares = [0, 1, 3].map((c) => ({ c, e: Math.exp(score(c)) }));
      const total = shares.reduce((sum, { e }) => sum + e, 0);
      const want = Float64Array.from({ length: h * h }, (_, p) =>
        Math.max(
          0,
          shares.reduce((sum, { c, e }) => sum + (e / total) * values[p * channels + c], 0),
        ),
      );
      expect(want.some((v) => v > 0)).toBe(true);
      expect(relativeL2(got.values, want)).toBeLessThan(CLOSE);
    }));

  it('deletion, insertion, drop and increase are their definitions', () =>
    withNetwork(device(), async (asked) => {
      const saliency = randomArray(SIDE * SIDE, 9, -1, 1);
      // Below 1 whatever the score, and not linear.
      const confidence = (scores: ArrayLike<number>) => scores[0] / (1 + scores[0]);
      const got = await faithfulness(asked, { image, confidence }, saliency);
      const of = (x: ArrayLike<number>) => confidence([product(x, 0) ** 2]);
      const brightest = [...saliency.keys()].sort((a, b) => saliency[b] - saliency[a]);
      const first = (part: number) => new Set(brightest.slice(0, Math.ceil((part / 32) * SIDE * SIDE)));
      const soft = blurred(image, SIDE);
      let [deletion, insertion] = [0, 0];
      for (let part = 0; part < 32; part++)
        for (const end of [part, part + 1]) {
          const chosen = first(end);
          deletion += of(masked((p) => (chosen.has(p) ? 0 : 1))) / 64;
          insertion += of(masked((p) => (chosen.has(p) ? 1 : 0), soft)) / 64;
        }
      expect(got.deletion).toBeCloseTo(deletion, 4);
      expect(got.insertion).toBeCloseTo(insertion, 4);
      const peak = Math.max(...saliency);
      const [seen, whole] = [of(masked((p) => Math.max(0, saliency[p] / peak))), of(image)];
      expect(got.drop).toBeCloseTo(Math.max(0, (whole - seen) / whole), 4);
      expect(got.increased).toBe(seen > whole);
    }));
});

describe('maps of views', () => {
  it('are turned back to the image, each symmetry to its own place', () => {
    // A view shows at (row, column) what the image has where the placement says; a map that is the view itself must
    // come back as the image.
    const picture = Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const views: Record<number, number[]> = {
      0: [1, 2, 3, 4, 5, 6, 7, 8, 9],
      2: [9, 8, 7, 6, 5, 4, 3, 2, 1],
      4: [3, 2, 1, 6, 5, 4, 9, 8, 7],
    };
    for (const [k, view] of Object.entries(views)) {
      const sum = { values: new Float32Array(9), height: 3, width: 3 };
      addUpright(sum, Float32Array.from(view), SYMMETRIES[Number(k)], 1);
      expect([...sum.values], k).toEqual([...picture]);
    }
    const all = { values: new Float32Array(18), height: 3, width: 3 };
    for (const symmetry of SYMMETRIES) addUpright(all, new Float32Array(18).fill(1), symmetry, 1 / 8);
    expect([...all.values]).toEqual(Array(18).fill(1));
  });

  it('are as many as can be turned back', () => {
    const geometry = { size: 8, crop: 8, normalisation: { mean: [0, 0, 0], std: [1, 1, 1] } };
    expect(symmetryOf(geometry, 7, 8)).toEqual(SYMMETRIES[7]);
    expect(() => symmetryOf({ ...geometry, shortSide: 9 }, 0, 3)).toThrow(/at most 2 views/);
  });

  it('become one number a pixel', () => {
    expect([...saliencyOf({ values: Float32Array.of(1, 2, 3, -1, 0, 1), height: 1, width: 2 }, 2)]).toEqual([
      6, 0, 6, 0,
    ]);
  });
});

it('a blur keeps a flat image, and spreads a point by the Gaussian', () => {
  expect([...blurred(new Float32Array(3 * 64).fill(2), 8)].every((v) => Math.abs(v - 2) < 1e-6)).toBe(true);
  const side = 21;
  const point = new Float32Array(side * side * 3);
  point[(10 * side + 10) * 3 + 1] = 1;
  const soft = blurred(point, side);
  const line = Array.from({ length: 11 }, (_, k) => Math.exp(-((k - 5) ** 2) / 50));
  const total = line.reduce((a, b) => a + b, 0);
  const at = (y: number, x: number, c: number) => soft[(y * side + x) * 3 + c];
  expect(at(10, 10, 1)).toBeCloseTo(1 / total ** 2, 6);
  expect(at(8, 13, 1)).toBeCloseTo((Math.exp(-4 / 50) * Math.exp(-9 / 50)) / total ** 2, 6);
  expect([at(10, 10, 0), at(4, 10, 1)]).toEqual([0, 0]);
});
