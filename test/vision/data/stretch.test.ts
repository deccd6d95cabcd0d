import { describe, expect, it } from 'vitest';
import type { Raster } from '../../../vision/data/raster.ts';
import { type Stretch, toRgb } from '../../../vision/data/stretch.ts';
import { noise, sentence } from './archives.ts';

/** Numbers from -20 to 108 with a long tail, as the sky's are. */
const sky = (count: number, seed: number): Float32Array =>
  Float32Array.from(noise(count, seed), (byte) => -20 + 128 * (byte / 255) ** 4);
const raster = (data: Uint8Array | Float32Array, about: Partial<Raster> = {}): Raster => ({
  width: data.length / (about.channels ?? 1),
  height: 1,
  channels: 1,
  data,
  white: null,
  hasAlpha: false,
  ...about,
});
const bytesOf = (image: Raster, stretch?: Stretch): number[] => [...toRgb(image, 'sky.fits', stretch).data];

/** In plain float64: bytes of numbers 0 to 1, rounded. */
const byte = (v: number): number => Math.floor(Math.min(1, Math.max(0, v)) * 255 + 0.5);
/** NumPy's percentile, written out. */
function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (percent / 100) * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below + (place - Math.floor(place)) * (above - below);
}

describe('a stretch is its formula', () => {
  const grey = sky(1001, 1);
  const colour = sky(999, 2);
  const plane = (c: number): number[] => [...colour].filter((_, i) => i % 3 === c);

  it('linear, between percentiles', () => {
    const [black, white] = [percentile([...grey], 2), percentile([...grey], 97.3)];
    const wanted = [...grey].flatMap((v) => new Array(3).fill(byte((v - black) / (white - black))));
    expect(bytesOf(raster(grey), { kind: 'linear', low: 2, high: 97.3 })).toEqual(wanted);
  });

  it('linear from 0.5 to 99.5 where nothing is said, each channel by itself', () => {
    const limits = [0, 1, 2].map((c) => [percentile(plane(c), 0.5), percentile(plane(c), 99.5)]);
    const wanted = [...colour].map((v, i) => byte((v - limits[i % 3][0]) / (limits[i % 3][1] - limits[i % 3][0])));
    expect(bytesOf(raster(colour, { channels: 3 }))).toEqual(wanted);
  });

  it('asinh', () => {
    const [black, white] = [percentile([...grey], 1), percentile([...grey], 99)];
    const asinh = (x: number): number => Math.log(x + Math.sqrt(x * x + 1));
    const wanted = [...grey].flatMap((v) => {
      const x = Math.min(1, Math.max(0, (v - black) / (white - black)));
      return new Array(3).fill(byte(asinh(x / 0.02) / asinh(1 / 0.02)));
    });
    expect(bytesOf(raster(grey), { kind: 'asinh', low: 1, high: 99, softening: 0.02 })).toEqual(wanted);
  });

  it("Lupton's", () => {
    const [minimum, stretch, q] = [-3, 5, 8];
    const wanted: number[] = [];
    for (let i = 0; i < colour.length; i += 3) {
      const [r, g, b] = [0, 1, 2].map((c) => colour[i + c] - minimum);
      const mean = (r + g + b) / 3;
      const x = (q * mean) / stretch;
      const f = mean > 0 ? Math.log(x + Math.sqrt(x * x + 1)) / q : 0;
      const stretched = [r, g, b].map((v) => (mean > 0 ? Math.max(0, (v * f) / mean) : 0));
      const largest = Math.max(1, ...stretched);
      wanted.push(...stretched.map((v) => byte(v / largest)));
    }
    expect(bytesOf(raster(colour, { channels: 3 }), { kind: 'lupton', minimum, stretch, q })).toEqual(wanted);
    expect(new Set(wanted).size).toBeGreaterThan(100);
  });

  it("Lupton's keeps a colour however bright it is", () => {
    const stretch: Stretch = { kind: 'lupton', minimum: 0, stretch: 0.5, q: 8 };
    for (const bright of [0.1, 1, 10, 1000, 1e6]) {
      const [r, g, b] = bytesOf(raster(Float32Array.of(4 * bright, 2 * bright, bright), { channels: 3 }), stretch);
      expect(Math.abs(r - 2 * g)).toBeLessThanOrEqual(1.5);
      expect(Math.abs(g - 2 * b)).toBeLessThanOrEqual(1.5);
    }
  });
});

describe('samples with a range', () => {
  it('are scaled by it', () => {
    expect(bytesOf(raster(Uint8Array.of(0, 1, 254, 255), { white: 255 }))).toEqual(
      [0, 1, 254, 255].flatMap((v) => [v, v, v]),
    );
    expect(bytesOf(raster(Float32Array.of(0, 128, 129, 32896, 65535), { white: 65535 }))).toEqual(
      [0, 0, 1, 128, 255].flatMap((v) => [v, v, v]),
    );
  });

  it('lie over black where they have alpha', () => {
    const image = raster(Uint8Array.of(200, 100, 50, 128), { white: 255, channels: 4, hasAlpha: true });
    expect(bytesOf(image)).toEqual([200, 100, 50].map((v) => Math.round((v * 128) / 255)));
    expect(bytesOf(raster(Uint8Array.of(200, 51), { white: 255, channels: 2, hasAlpha: true }))).toEqual([40, 40, 40]);
  });

  it('are stretched where that is asked for', () => {
    const image = raster(Uint8Array.of(10, 20, 30), { white: 255 });
    expect(bytesOf(image, { kind: 'linear', low: 0, high: 100 })).toEqual([0, 128, 255].flatMap((v) => [v, v, v]));
  });
});

describe('what has no value', () => {
  const nan = Number.NaN;
  it.each<[string, Stretch | undefined]>([
    ['linear', undefined],
    ['asinh', { kind: 'asinh' }],
  ])('is black, and says nothing of the limits: %s', (_, stretch) => {
    const bytes = bytesOf(raster(Float32Array.of(nan, 1, Infinity, 3, -Infinity, 2)), stretch);
    expect([0, 6, 12].map((i) => bytes[i])).toEqual([0, 0, 0]);
    expect([3, 9].map((i) => bytes[i])).toEqual([0, 255]);
  });

  it('makes its pixel black for Lupton', () => {
    const image = raster(Float32Array.of(nan, 1, 2, 3, 4, 5), { channels: 3 });
    expect(bytesOf(image, { kind: 'lupton' }).slice(0, 3)).toEqual([0, 0, 0]);
    expect(Math.max(...bytesOf(image, { kind: 'lupton' }))).toBeGreaterThan(0);
  });

  it('may be all there is, or one value may be', () => {
    expect(bytesOf(raster(Float32Array.of(nan, nan)))).toEqual(new Array(6).fill(0));
    expect(bytesOf(raster(Float32Array.of(5, 5)))).toEqual(new Array(6).fill(0));
  });
});

describe('is refused', () => {
  it.each<[Stretch, RegExp]>([
    [{ kind: 'linear', low: 50, high: 50 }, /percentile 50 to 50/],
    [{ kind: 'linear', low: -1 }, /percentile -1 to 99.5/],
    [{ kind: 'asinh', high: 101 }, /percentile 0.5 to 101/],
    [{ kind: 'asinh', softening: 0 }, /softening of 0/],
    [{ kind: 'lupton', q: 0 }, /Q of 0/],
    [{ kind: 'lupton', stretch: -1 }, /stretch of -1/],
    [{ kind: 'lupton' }, /sky.fits has one channel/],
  ])('%o', async (stretch, message) => {
    expect(await sentence(() => toRgb(raster(sky(4, 1)), 'sky.fits', stretch))).toMatch(message);
  });

  it('an image of other channels', async () => {
    expect(await sentence(() => toRgb(raster(sky(4, 1), { channels: 2 }), 'sky.fits'))).toMatch(
      /sky.fits has 2 channels/,
    );
  });
});
