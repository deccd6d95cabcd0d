import { createDeflate } from 'node:zlib';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { decodePng } from '../../../vision/data/png.node.ts';
import { toRgb } from '../../../vision/data/stretch.ts';
import { noise, sentence } from './archives.ts';
import { chunk, makePng, pngOf } from './png_files.ts';

const read = (bytes: Uint8Array) => decodePng(bytes, 'm51.png');
const WIDTH = 11;
const HEIGHT = 10;
const samplesOf = (depth: number, count: number): number[] => {
  const high = noise(WIDTH * HEIGHT * count, depth);
  const low = noise(WIDTH * HEIGHT * count, depth + 1);
  return Array.from(high, (byte, i) => ((byte << 8) | low[i]) >> (16 - depth));
};

describe.each([false, true])('a PNG image, interlaced: %s', (interlaced) => {
  it.each([
    [0, 1, 1],
    [0, 2, 1],
    [0, 4, 1],
    [0, 8, 1],
    [0, 16, 1],
    [2, 8, 3],
    [2, 16, 3],
    [4, 8, 2],
    [4, 16, 2],
    [6, 8, 4],
    [6, 16, 4],
  ])('of colour type %d and %d bits has its %d samples', async (colour, depth, channels) => {
    const samples = samplesOf(depth, channels);
    const image = await read(makePng({ width: WIDTH, height: HEIGHT, depth, colour, samples, interlaced }));
    const full = depth === 16 ? 65535 : 255;
    expect(image).toMatchObject({ width: WIDTH, height: HEIGHT, channels, white: full, hasAlpha: channels % 2 === 0 });
    expect([...image.data]).toEqual(samples.map((v) => Math.round((v * full) / (2 ** depth - 1))));
  });

  it.each([1, 2, 4, 8])('of a palette of %d bits has its colours, and the alpha of its entries', async (depth) => {
    const samples = samplesOf(depth, 1);
    const palette = noise(3 * 2 ** depth, 3);
    const plan = { width: WIDTH, height: HEIGHT, depth, colour: 3, samples, interlaced };
    const image = await read(makePng({ ...plan, more: [chunk('PLTE', palette)] }));
    expect(image).toMatchObject({ channels: 3, hasAlpha: false });
    expect([...image.data]).toEqual(samples.flatMap((i) => [...palette.subarray(3 * i, 3 * i + 3)]));
    const clear = await read(makePng({ ...plan, more: [chunk('PLTE', palette), chunk('tRNS', Buffer.from([7]))] }));
    expect([...clear.data]).toEqual(samples.flatMap((i) => [...palette.subarray(3 * i, 3 * i + 3), i === 0 ? 7 : 255]));
  });
});

it('16 bits become 8 by their range', async () => {
  const samples = [0, 127, 129, 32768, 65534, 65535];
  const image = await read(makePng({ width: 6, height: 1, depth: 16, colour: 0, samples }));
  expect([...toRgb(image, 'm51.png').data].filter((_, i) => i % 3 === 0)).toEqual([0, 0, 1, 128, 255, 255]);
});

it('a colour may be transparent', async () => {
  const samples = [1, 2, 3, 4, 5, 6];
  const more = [chunk('tRNS', Buffer.from([0, 4, 0, 5, 0, 6]))];
  const image = await read(makePng({ width: 2, height: 1, depth: 8, colour: 2, samples, more }));
  expect([...image.data]).toEqual([1, 2, 3, 255, 4, 5, 6, 0]);
});

it.each([0, 1, 2, 3, 4])('filter %d of pngjs is undone', async (filterType) => {
  for (const colorType of [2, 6] as const) {
    const png = new PNG({ width: WIDTH, height: HEIGHT });
    png.data.set(noise(png.data.length, 6).map((byte, i) => (colorType === 2 && i % 4 === 3 ? 255 : byte)));
    const bytes = PNG.sync.write(png, { filterType, colorType, deflateLevel: 1 });
    const wanted = [...png.data].filter((_, i) => colorType === 6 || i % 4 !== 3);
    expect([...(await read(bytes)).data]).toEqual(wanted);
  }
});

describe('is refused', () => {
  const plan = { width: 20, height: 20, depth: 8, colour: 2, samples: [...noise(1200, 5)] };
  const whole = makePng(plan);
  const header = (about: Partial<Record<'width' | 'height' | 'depth' | 'colour' | 'interlace', number>>): Buffer => {
    const { width = 20, height = 20, depth = 8, colour = 2, interlace = 0 } = about;
    const data = Buffer.alloc(13);
    data.writeUInt32BE(width, 0);
    data.writeUInt32BE(height, 4);
    data.set([depth, colour, 0, 0, interlace], 8);
    return pngOf([chunk('IHDR', data), whole.subarray(33)]);
  };

  it.each<[string, Uint8Array, RegExp]>([
    ['too long a side', header({ width: 4097 }), /is 4097 x 20 pixels; the longest side may have 4096/],
    ['no pixels', header({ height: 0 }), /has no pixels: 20 x 0/],
    ['more pixels than data', header({ height: 21 }), /its data unpack to 1220 bytes, and its pixels are 1281/],
    ['a depth that colours do not have', header({ depth: 4 }), /no PNG has colour type 2 with 4 bits/],
    ['a strange interlacing', header({ interlace: 2 }), /no PNG has/],
    ['no header', pngOf([whole.subarray(33)]), /does not begin with its header/],
    [
      'an index beyond the palette',
      makePng({ ...plan, colour: 3, samples: plan.samples.slice(0, 400), more: [chunk('PLTE', noise(30, 1))] }),
      /not in palette/,
    ],
  ])('%s', async (_, bytes, message) => {
    expect(await sentence(() => read(bytes))).toMatch(message);
  });

  it('a file that is cut off, or has any bit of its chunks flipped', async () => {
    for (let length = 8; length < whole.length; length += 97) await sentence(() => read(whole.subarray(0, length)));
    for (let i = 8; i < whole.length; i++) {
      const flipped = Buffer.from(whole);
      flipped[i] ^= 1 << (i % 8);
      expect(await sentence(() => read(flipped))).toMatch(/^m51.png /);
    }
  });
});

/** Zeros of this many MiB in zlib's format. */
async function zeros(mebibytes: number): Promise<Buffer> {
  const packer = createDeflate({ level: 9 });
  const parts: Buffer[] = [];
  packer.on('data', (part: Buffer) => parts.push(part));
  const block = Buffer.alloc(2 ** 20);
  for (let i = 0; i < mebibytes; i++) await new Promise((resolve) => packer.write(block, resolve));
  await new Promise((resolve) => packer.end(resolve));
  return Buffer.concat(parts);
}

describe('a PNG file that unpacks to gigabytes is refused in little memory', () => {
  it.each([0, 1])('interlacing %d', async (interlace) => {
    const data = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, interlace]);
    const bomb = pngOf([chunk('IHDR', data), chunk('IDAT', await zeros(600)), chunk('IEND', Buffer.alloc(0))]);
    const before = process.memoryUsage().rss;
    const said = await sentence(() => read(bomb));
    expect(said).toMatch(/its data unpack to more than the 4 bytes of its pixels/);
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });
});
