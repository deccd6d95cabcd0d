import { PNG } from 'pngjs';
import { scheme } from 'vega';
import { describe, expect, it } from 'vitest';
import type { RgbImage } from '../../vision/data/rgb_image.ts';
import { decodeWebp } from '../../vision/data/webp.node.ts';
import { toDataUri, toJpeg, toPicture, toPng } from '../../vision/report/encode.node.ts';
import { contactSheet, gradientImage, overlayHeatmap, resizeImage } from '../../vision/report/pictures.ts';
import { viridis } from '../../vision/report/viridis.ts';

const plain = (width: number, height: number, colour: readonly number[]): RgbImage => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * 3 }, (_, i) => colour[i % 3]),
});
const pixel = (image: RgbImage, x: number, y: number) => [
  ...image.data.subarray((y * image.width + x) * 3, (y * image.width + x) * 3 + 3),
];
const grey = (width: number, height: number, values: readonly number[]): RgbImage => ({
  width,
  height,
  data: Uint8Array.from(values.flatMap((v) => [v, v, v])),
});

describe('resizeImage', () => {
  it('keeps an image of the same size and a plain colour at any size', () => {
    const image = grey(3, 2, [1, 2, 3, 40, 50, 60]);
    expect(resizeImage(image, 3, 2)).toEqual(image);
    expect(resizeImage(plain(7, 5, [9, 80, 200]), 3, 11)).toEqual(plain(3, 11, [9, 80, 200]));
  });
  it('enlarges bilinearly with pixel centres at one half', () => {
    const wide = resizeImage(grey(2, 1, [0, 200]), 4, 1);
    expect([0, 1, 2, 3].map((x) => pixel(wide, x, 0)[0])).toEqual([0, 50, 150, 200]);
  });
  it('averages a checkerboard away when shrinking', () => {
    const board = grey(
      16,
      16,
      Array.from({ length: 256 }, (_, i) => ((i + Math.floor(i / 16)) % 2 ? 255 : 0)),
    );
    for (const value of resizeImage(board, 4, 4).data) expect(Math.abs(value - 127.5)).toBeLessThan(12);
  });
});

describe('contactSheet', () => {
  it('lays images out in rows with a gap and fits oblong ones whole', () => {
    const sheet = contactSheet([plain(8, 8, [255, 0, 0]), plain(20, 10, [0, 255, 0]), plain(4, 4, [0, 0, 255])], 2, 10);
    expect([sheet.width, sheet.height]).toEqual([22, 22]);
    expect(pixel(sheet, 5, 5)).toEqual([255, 0, 0]);
    expect(pixel(sheet, 10, 5)).toEqual([0, 0, 0]);
    expect([0, 2, 6, 7].map((y) => pixel(sheet, 12, y)[1])).toEqual([0, 255, 255, 0]);
    expect(pixel(sheet, 0, 12)).toEqual([0, 0, 255]);
    expect(pixel(sheet, 15, 15)).toEqual([0, 0, 0]);
  });
  it('is no wider than its images', () => {
    expect(contactSheet([plain(4, 4, [1, 1, 1])], 6, 32).width).toBe(32);
  });
  it('refuses an empty list', () => {
    expect(() => contactSheet([], 3, 10)).toThrow(/at least one image/);
  });
});

describe('viridis', () => {
  it('agrees with the published table', () => {
    const published = scheme('viridis') as (value: number) => string;
    for (let i = 0; i <= 200; i++) {
      const want =
        published(i / 200)
          .match(/\d+/g)
          ?.map(Number) ?? [];
      viridis(i / 200).forEach((value, c) => expect(Math.abs(value - want[c])).toBeLessThanOrEqual(6));
    }
    expect([viridis(-3), viridis(7)]).toEqual([
      [68, 1, 84],
      [253, 231, 37],
    ]);
  });
});

describe('overlayHeatmap', () => {
  it('blends the colour of the scaled, rectified map', () => {
    const out = overlayHeatmap(plain(2, 1, [100, 100, 100]), Float32Array.of(-5, 0.25), 1, 2, { alpha: 0.5 });
    expect(pixel(out, 0, 0)).toEqual([84, 51, 92]);
    expect(pixel(out, 1, 0)).toEqual([177, 166, 69]);
  });
  it('is brightest where the map is, after enlarging, and keeps the image at alpha 0', () => {
    const map = new Float32Array(49);
    map[1 * 7 + 5] = 3;
    const black = plain(56, 56, [0, 0, 0]);
    const out = overlayHeatmap(black, map, 7, 7);
    const sums = Array.from({ length: 56 * 56 }, (_, i) =>
      pixel(out, i % 56, Math.floor(i / 56)).reduce((a, b) => a + b),
    );
    const brightest = sums.indexOf(Math.max(...sums));
    expect([brightest % 56, Math.floor(brightest / 56)].map((v) => Math.floor(v / 8))).toEqual([5, 1]);
    expect(overlayHeatmap(black, map, 7, 7, { alpha: 0 })).toEqual(black);
  });
  it('takes an all-zero map', () => {
    expect(pixel(overlayHeatmap(plain(2, 2, [0, 0, 0]), new Float32Array(4), 2, 2, { alpha: 1 }), 1, 1)).toEqual([
      68, 1, 84,
    ]);
  });
  it('names what is wrong with a map', () => {
    expect(() => overlayHeatmap(plain(2, 2, [0, 0, 0]), new Float32Array(5), 2, 2)).toThrow(
      /5 values where 2 rows of 2/,
    );
    expect(() => overlayHeatmap(plain(2, 2, [0, 0, 0]), Float32Array.of(0, 0, 0, NaN), 2, 2)).toThrow(
      /NaN in row 1, column 1/,
    );
  });
});

describe('gradientImage', () => {
  it('puts zero at mid grey and signs on either side', () => {
    const image = gradientImage(Float32Array.of(0, 2, -2), 1, 1);
    expect([...image.data]).toEqual([128, 255, 0]);
    expect([...gradientImage(new Float32Array(3), 1, 1).data]).toEqual([128, 128, 128]);
    expect(() => gradientImage(new Float32Array(4), 1, 1)).toThrow(/4 values/);
  });
});

describe('encoding', () => {
  const image = grey(
    5,
    3,
    Array.from({ length: 15 }, (_, i) => i * 17),
  );
  it('writes a PNG that reads back to the same pixels', () => {
    const back = PNG.sync.read(Buffer.from(toPng(image)));
    expect([back.width, back.height]).toEqual([5, 3]);
    expect([...back.data].filter((_, i) => i % 4 < 3)).toEqual([...image.data]);
  });
  it('names the format in the data URI', () => {
    expect(toDataUri(image)).toMatch(/^data:image\/png;base64,iVBOR/);
    expect([...toJpeg(image).subarray(0, 3)]).toEqual([0xff, 0xd8, 0xff]);
  });
  it('gives a report a WebP that looks like the image', async () => {
    const smooth = grey(
      16,
      16,
      Array.from({ length: 256 }, (_, i) => i),
    );
    const { src, width, height } = await toPicture(smooth);
    const [, base64] = /^data:image\/webp;base64,(.+)$/.exec(src)!;
    const back = await decodeWebp(new Uint8Array(Buffer.from(base64, 'base64')), 'the picture');
    expect([width, height, back.width, back.height]).toEqual([16, 16, 16, 16]);
    const off = [...back.data].filter((_, i) => i % 4 < 3).map((v, i) => Math.abs(v - smooth.data[i]));
    // Lossy: a few levels of 255 where the light changes by 16 from line to line.
    expect(off.reduce((sum, v) => sum + v) / off.length).toBeLessThan(4);
  });
});
