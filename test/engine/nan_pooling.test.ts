import { expect, it } from 'vitest';
import { grad } from '../../engine/autodiff.ts';
import { input } from '../../engine/ops/leaves.ts';
import { maxPool2d } from '../../engine/ops/pool.ts';
import { describeAdapters, evaluate } from '../gpu.ts';
import { randomArray } from '../random.ts';

const [N, H, W] = [2, 5, 7];

interface Window {
  readonly size: number;
  readonly stride: number;
  readonly padding: number;
}

/** Which pixel of each window is its maximum: the first NaN, else the first of the largest. Pixels are [N, H, W, C]. */
function winners(x: Float32Array, channels: number, { size, stride, padding }: Window): number[] {
  const [outH, outW] = [H, W].map((d) => Math.floor((d + 2 * padding - size) / stride) + 1);
  const found: number[] = [];
  for (let n = 0; n < N; n++)
    for (let ho = 0; ho < outH; ho++)
      for (let wo = 0; wo < outW; wo++)
        for (let c = 0; c < channels; c++) {
          let best = -1;
          for (let r = 0; r < size; r++)
            for (let s = 0; s < size; s++) {
              const [h, w] = [ho * stride - padding + r, wo * stride - padding + s];
              if (h < 0 || w < 0 || h >= H || w >= W) continue;
              const at = ((n * H + h) * W + w) * channels + c;
              if (best < 0 || (!Number.isNaN(x[best]) && (Number.isNaN(x[at]) || x[at] > x[best]))) best = at;
            }
          found.push(best);
        }
  return found;
}

describeAdapters('max pooling of numbers that are not finite', (device) => {
  it.each([
    ['apart', { size: 2, stride: 2, padding: 0 }],
    ['apart, with padding', { size: 3, stride: 3, padding: 1 }],
    ['overlapping', { size: 3, stride: 1, padding: 1 }],
    ['with gaps', { size: 2, stride: 3, padding: 0 }],
  ])('takes the first NaN, and the first of the largest: windows %s', async (_, window) => {
    for (const channels of [4, 3]) {
      for (const version of [1, undefined] as const) {
        const x = input('x', [N, H, W, channels]);
        const y = maxPool2d(x, { ...window, version });
        const dy = input('dy', y.shape);
        const values = randomArray(x.size, 5);
        // One number in three is NaN or infinite; a whole sample of one channel is -Infinity.
        const odd = [NaN, Infinity, -Infinity, NaN, 0.5];
        for (let i = 0; i < values.length; i += 3) values[i] = odd[(i / 3) % odd.length];
        for (let i = 0; i < values.length / 2; i += channels) values[i] = -Infinity;
        const cotangent = randomArray(y.size, 6).map((v) => Math.round(v * 64) / 64);
        const [got, dx] = await evaluate(device(), [y, ...grad(y, [x], dy)], { x: values, dy: cotangent });
        const from = winners(values, channels, window);
        expect([...got]).toEqual(from.map((at) => values[at]));
        const want = new Float32Array(x.size);
        from.forEach((at, i) => (want[at] += cotangent[i]));
        expect([...dx]).toEqual([...want]);
      }
    }
  });
});
