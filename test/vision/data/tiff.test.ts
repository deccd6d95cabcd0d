import UTIF from 'utif2';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../engine/user_error.ts';
import { decodeTiff } from '../../../vision/data/tiff.ts';
import { unpackBits, unpackLzw } from '../../../vision/data/tiff_unpack.ts';
import { noise, sentence } from './archives.ts';
import { makeTiff, packBits, packLzw, type TiffPlan } from './tiff_files.ts';

const read = (bytes: Uint8Array) => decodeTiff(bytes, 'm51.tif');
const WIDTH = 21;
const HEIGHT = 18;
/** Neighbours are alike, so that packers find something to pack. */
function valuesOf(samples: number, bits: number, format: number): number[] {
  const random = noise(WIDTH * HEIGHT * samples, bits + format);
  const most = format === 3 ? 1000 : 2 ** bits - 1;
  const values = Array.from(random, (byte, i) => (0.5 + 0.4 * Math.sin(i / 40)) * most + (byte % 7));
  return format === 3 ? values.map(Math.fround) : values.map((v) => Math.min(most, Math.floor(v)));
}
const plan = (samples: number, bits: number, format: number, about: Partial<TiffPlan> = {}): TiffPlan => ({
  width: WIDTH,
  height: HEIGHT,
  samples,
  bits,
  format,
  values: valuesOf(samples, bits, format),
  ...about,
});

const LAYOUTS: readonly [string, Partial<TiffPlan>][] = [
  ['one strip', {}],
  ['strips of five rows', { strip: 5 }],
  ['planar strips', { strip: 5, planar: true }],
  ['tiles', { tile: [16, 16] }],
  ['planar tiles', { tile: [16, 16], planar: true }],
];
const PACKED: readonly [string, Partial<TiffPlan>][] = [
  ['as they are', {}],
  ['LZW', { compression: 5 }],
  ['LZW of differences', { compression: 5, predictor: 2 }],
  ['Deflate', { compression: 8 }],
  ['Deflate of differences', { compression: 8, predictor: 2 }],
  ['PackBits', { compression: 32773 }],
];

describe.each(LAYOUTS)('a TIFF image in %s', (_, layout) => {
  it.each(PACKED)('packed %s has its samples, of any size and order of bytes', async (_how, packed) => {
    for (const little of [true, false]) {
      for (const [samples, bits] of [
        [1, 8],
        [3, 8],
        [1, 16],
        [3, 16],
        [1, 32],
      ]) {
        const made = plan(samples, bits, 1, { ...layout, ...packed, little });
        const image = await read(makeTiff(made));
        expect(image).toMatchObject({ width: WIDTH, height: HEIGHT, channels: samples, white: 2 ** bits - 1 });
        expect([...image.data]).toEqual(made.values.map(bits === 32 ? Math.fround : (v) => v));
      }
    }
  });

  it.each([1, 3])('of floats, with predictor %d, has them', async (predictor) => {
    for (const little of [true, false]) {
      for (const [samples, bits] of [
        [1, 32],
        [3, 32],
        [1, 64],
        [3, 64],
      ]) {
        const made = plan(samples, bits, 3, { ...layout, predictor, compression: 8, little });
        const image = await read(makeTiff(made));
        expect(image).toMatchObject({ channels: samples, white: null, hasAlpha: false });
        expect([...image.data]).toEqual([...made.values]);
      }
    }
  });
});

describe('the colours of a TIFF image', () => {
  it('are signed where they are so', async () => {
    const image = await read(makeTiff({ width: 3, height: 1, samples: 1, bits: 16, format: 2, values: [65535, 0, 5] }));
    expect([...image.data]).toEqual([-1, 0, 5]);
    expect(image.white).toBeNull();
  });

  it('may be black where they are most', async () => {
    const about = { width: 3, height: 1, samples: 1, photometric: 0 };
    expect([...(await read(makeTiff({ ...about, bits: 8, values: [0, 1, 255] }))).data]).toEqual([255, 254, 0]);
    expect([...(await read(makeTiff({ ...about, bits: 32, format: 3, values: [1, 2, 3] }))).data]).toEqual([
      -1, -2, -3,
    ]);
  });

  it('may come from a palette', async () => {
    const map = Array.from(noise(768, 1), (byte) => byte * 257);
    const image = await read(
      makeTiff({ width: 3, height: 1, samples: 1, bits: 8, photometric: 3, values: [0, 9, 255], tags: { 320: map } }),
    );
    expect([...image.data]).toEqual([0, 9, 255].flatMap((i) => [0, 256, 512].map((c) => map[c + i] / 257)));
  });

  it.each([
    [0, 3, false, [10, 20, 30]],
    [1, 3, false, [10, 20, 30]],
    [2, 4, true, [10, 20, 30, 128]],
  ])('with a fourth sample of kind %d have %d channels', async (extra, channels, hasAlpha, data) => {
    const image = await read(makeTiff({ width: 1, height: 1, samples: 4, bits: 8, extra, values: [10, 20, 30, 128] }));
    expect(image).toMatchObject({ channels, hasAlpha });
    expect([...image.data]).toEqual(data);
  });

  it('are channels without names in a grey image of many', async () => {
    const image = await read(
      makeTiff({ width: 1, height: 1, samples: 5, bits: 8, photometric: 1, values: [1, 2, 3, 4, 5] }),
    );
    expect(image).toMatchObject({ channels: 5, hasAlpha: false });
    expect([...image.data]).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('utif2', () => {
  it('writes what is read', async () => {
    const rgba = noise(WIDTH * HEIGHT * 4, 9).map((byte, i) => (i % 4 === 3 ? 255 : byte));
    const image = await read(new Uint8Array(UTIF.encodeImage(rgba, WIDTH, HEIGHT)));
    expect([...image.data]).toEqual([...rgba].filter((_, i) => i % 4 !== 3));
  });

  it('reads what the tests write', () => {
    for (const packed of PACKED.map(([, about]) => about)) {
      const made = plan(3, 8, 1, { ...packed, strip: 6 });
      const bytes = makeTiff(made);
      const buffer = new Uint8Array(bytes).buffer;
      const [directory] = UTIF.decode(buffer);
      UTIF.decodeImage(buffer, directory);
      expect([...directory.data]).toEqual([...made.values]);
    }
  });
});

describe('packers', () => {
  it.each([
    ['noise', noise(20_000, 1)],
    ['a ramp', Uint8Array.from({ length: 30_000 }, (_, i) => (i >> 3) & 255)],
    ['one byte', new Uint8Array(20_000)],
    ['little', Uint8Array.of(7)],
  ])('of %s are undone', (_, bytes) => {
    for (const [pack, unpack] of [
      [packLzw, unpackLzw],
      [packBits, unpackBits],
    ] as const) {
      expect(Buffer.from(unpack(pack(bytes), bytes.length)!).equals(bytes)).toBe(true);
      expect(Buffer.from(unpack(pack(bytes), bytes.length + 9)!).equals(bytes)).toBe(true);
      expect(unpack(pack(bytes), bytes.length >> 1)).toHaveLength(bytes.length >> 1);
    }
  });
});

describe('is refused', () => {
  it.each<[string, Partial<TiffPlan>, RegExp]>([
    ['one bit', { tags: { 258: [1] } }, /has samples of 1 bits/],
    ['half floats', { bits: 32, format: 3, tags: { 258: [16] } }, /has samples of 16 bits \(format 3\)/],
    ['channels of different types', { samples: 3, tags: { 258: [8, 8, 16] } }, /channels of different types/],
    ['JPEG within', { tags: { 259: [7] } }, /is a TIFF packed as JPEG; save it without/],
    ['a fax', { tags: { 259: [4] } }, /packed as a fax/],
    ['a strange packer', { tags: { 259: [9999] } }, /packed by method 9999/],
    ['CMYK', { samples: 4, photometric: 5 }, /is a TIFF of CMYK/],
    ['reversed bits', { tags: { 266: [2] } }, /its bits reversed/],
    ['a side too long', { tags: { 256: [4097] } }, /is 4097 x 18 pixels; the longest side may have 4096/],
    [
      'channels too many',
      { tags: { 256: [4096], 257: [4096], 277: [17] } },
      /has 17 channels and takes 285212672 bytes/,
    ],
    ['no pixels', { tags: { 257: [0] } }, /has no pixels: 21 x 0/],
    ['strips too few', { strip: 5, tags: { 278: [1] } }, /it has 4 strips or tiles, and its image takes 18/],
    [
      'tiles too large',
      { tile: [16, 16], tags: { 322: [65535], 323: [65535] } },
      /tiles of 65535 x 65535 pixels are larger/,
    ],
    ['tiles of nothing', { tile: [16, 16], tags: { 322: [0] } }, /its strips or tiles have 0 x 16 pixels/],
    ['a strip beyond the end', { tags: { 279: [100_000] } }, /is cut off: its strip or tile 0 ends at byte 100008/],
    ['a strip too short', { tags: { 279: [377] } }, /strip or tile 0 does not unpack to its pixels/],
    ['a small palette', { photometric: 3, tags: { 320: [1, 2, 3] } }, /its palette has 3 values/],
    ['RGB of one sample', { photometric: 2 }, /it is RGB with 1 samples/],
    ['a strange predictor', { predictor: 1, tags: { 317: [3] } }, /its predictor is 3/],
    ['Deflate that becomes more', { compression: 8, tags: { 257: [17] } }, /does not unpack to its pixels/],
  ])('%s', async (_, about, message) => {
    const { bits = 8, format = 1, samples = 1 } = about;
    expect(await sentence(() => read(makeTiff(plan(samples, bits, format, about))))).toMatch(message);
  });

  it.each([1, 5, 8, 32773])(
    'what is cut off or damaged, packed by %d, and never more is taken',
    async (compression) => {
      const whole = makeTiff(plan(3, 16, 1, { compression, strip: 5 }));
      for (let length = 0; length < whole.length - 4; length += 97) {
        expect(await sentence(() => read(whole.subarray(0, length)))).toMatch(/^m51.tif is/);
      }
      const directory = whole.readUInt32LE(4);
      const places = [...Array(directory).keys()].filter((i) => i < 8 || i % 13 === 0);
      for (let i = directory; i < whole.length; i++) places.push(i);
      for (const i of places) {
        const flipped = Buffer.from(whole);
        flipped[i] ^= 1 << (i % 8);
        try {
          const { width, height, channels, data } = await read(flipped);
          expect(data.length).toBe(width * height * channels);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
        // Deflate has a checksum: what was flipped in its data does not pass.
        if (compression === 8 && i >= 8 && i < directory - 1) await sentence(() => read(flipped));
      }
    },
  );
});
