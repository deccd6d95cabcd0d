import { describe, expect, it } from 'vitest';
import type { RgbImage } from '../../vision/data/rgb_image.ts';
import { cropResize } from '../../vision/view/resample.ts';

const image = (width: number, height: number, value: (x: number, y: number, c: number) => number): RgbImage => {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = value(((i / 3) | 0) % width, (i / 3 / width) | 0, i % 3);
  return { width, height, data };
};
const scrambled = (x: number, y: number, c: number) => (x * 7919 + y * 104729 + c * 1299709 + x * y * 31) % 251;
const mean = ({ data }: RgbImage, channel: number) =>
  data.filter((_, i) => i % 3 === channel).reduce((a, b) => a + b, 0) / (data.length / 3);

describe('cropResize', () => {
  it('copies when the crop has the size already', () => {
    const source = image(37, 37, scrambled);
    expect(cropResize(source, { crop: 1, size: 37 })).toEqual(source);
  });

  it('takes the central square of a wide and of a tall image', () => {
    const wide = cropResize(
      image(20, 10, (x) => x * 10),
      { crop: 1, size: 10 },
    );
    expect([wide.data[0], wide.data[27]]).toEqual([50, 140]);
    const tall = cropResize(
      image(10, 20, (_, y) => y * 10),
      { crop: 0.6, size: 6 },
    );
    expect([tall.data[0], tall.data[6 * 5 * 3]]).toEqual([70, 120]);
  });

  it.each([
    [64, 64],
    [64, 31],
    [64, 17],
    [21, 50],
    [5, 1],
    [1, 5],
  ])('keeps a constant image constant, %i to %i', (from, to) => {
    const out = cropResize(
      image(from, from, (_x, _y, c) => [13, 200, 255][c]),
      { crop: 1, size: to },
    );
    expect(out.data).toEqual(image(to, to, (_x, _y, c) => [13, 200, 255][c]).data);
  });

  it('keeps the mean when halving', () => {
    const source = image(64, 64, scrambled);
    const half = cropResize(source, { crop: 1, size: 32 });
    for (const c of [0, 1, 2]) expect(Math.abs(mean(half, c) - mean(source, c))).toBeLessThan(1);
  });

  it('removes what the smaller grid cannot show: a fine checkerboard turns grey', () => {
    const out = cropResize(
      image(64, 64, (x, y) => ((x + y) % 2) * 200),
      { crop: 1, size: 20 },
    );
    const inner = out.data.filter((_, i) => ((i / 3) | 0) % 20 > 1 && ((i / 3) | 0) % 20 < 18);
    for (const v of inner) expect(Math.abs(v - 100)).toBeLessThan(12);
  });

  it('is bilinear when enlarging: a ramp of 0, 100 doubled is 0, 25, 75, 100', () => {
    const out = cropResize(
      image(2, 2, (x) => x * 100),
      { crop: 1, size: 4 },
    );
    expect([0, 3, 6, 9].map((i) => out.data[i])).toEqual([0, 25, 75, 100]);
  });

  it('weighs 1 3 3 1 when halving, by hand', () => {
    const out = cropResize(
      image(8, 8, (x) => [0, 0, 80, 160, 240, 80, 0, 0][x]),
      { crop: 1, size: 4 },
    );
    expect(out.data[3]).toBe((0 * 1 + 80 * 3 + 160 * 3 + 240 * 1) / 8);
  });

  it('refuses senseless sizes', () => {
    const source = image(4, 4, () => 0);
    for (const crop of [0, -1, 1.01, Number.NaN]) expect(() => cropResize(source, { crop, size: 4 })).toThrow(/crop/);
    for (const size of [0, 2.5, Number.NaN]) expect(() => cropResize(source, { crop: 1, size })).toThrow(/size/);
  });
});
