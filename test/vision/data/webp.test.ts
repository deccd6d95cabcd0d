import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import encode, { init } from '@jsquash/webp/encode.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../../engine/user_error.ts';
import { decodeWebp } from '../../../vision/data/webp.node.ts';
import { readWebpHeader } from '../../../vision/data/webp_header.ts';
import { noise, sentence } from './archives.ts';

const WIDTH = 37;
const HEIGHT = 21;
const pixels = new Uint8ClampedArray(WIDTH * HEIGHT * 4);
const random = noise(pixels.length, 4);
for (let i = 0; i < pixels.length; i++) pixels[i] = i % 4 === 3 ? 255 - ((i >> 2) % 3) : random[i];
const smooth = Uint8ClampedArray.from(pixels, (_, i) => (i % 4 === 3 ? 255 : 90 + ((i >> 2) % WIDTH)));

async function encoded(data: Uint8ClampedArray, lossless: boolean): Promise<Uint8Array> {
  const image = { data, width: WIDTH, height: HEIGHT } as unknown as ImageData;
  return new Uint8Array(await encode(image, lossless ? { lossless: 1, exact: 1 } : { quality: 95 }));
}

let lossless: Uint8Array;
let lossy: Uint8Array;
beforeAll(async () => {
  const module = createRequire(import.meta.url).resolve('@jsquash/webp/codec/enc/webp_enc.wasm');
  await (init as unknown as (module: WebAssembly.Module) => Promise<void>)(
    await WebAssembly.compile(await readFile(module)),
  );
  lossless = await encoded(pixels, true);
  lossy = await encoded(smooth, false);
});

const chunk = (name: string, body: Uint8Array): Buffer => {
  const head = Buffer.from(`${name}....`);
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length & 1)]);
};
const riff = (...chunks: Buffer[]): Buffer => chunk('RIFF', Buffer.concat([Buffer.from('WEBP'), ...chunks]));
const read = (bytes: Uint8Array) => decodeWebp(bytes, 'm51.webp');

describe('a WebP image', () => {
  it('without loss has its pixels', async () => {
    const image = await read(lossless);
    expect(image).toMatchObject({ width: WIDTH, height: HEIGHT, channels: 4, white: 255, hasAlpha: true });
    expect([...image.data]).toEqual([...pixels]);
  });

  it('with loss has them nearly', async () => {
    const { data } = await read(lossy);
    // Of a smooth grey image at quality 95, a level or two are lost.
    for (let i = 0; i < data.length; i++) expect(Math.abs(data[i] - smooth[i])).toBeLessThanOrEqual(6);
  });

  it('says its size and its Exif data before it is decoded', () => {
    for (const bytes of [lossless, lossy]) {
      expect(readWebpHeader(bytes, 'm51.webp')).toEqual({ width: WIDTH, height: HEIGHT, exif: null });
    }
    const extended = riff(
      chunk('VP8X', new Uint8Array(10)),
      Buffer.from(lossy.subarray(12)),
      chunk('EXIF', Buffer.from('MM*')),
    );
    expect(readWebpHeader(extended, 'm51.webp')).toMatchObject({ width: WIDTH, exif: Buffer.from('MM*') });
  });

  it('that is animated, too large, or without an image is refused', async () => {
    expect(await sentence(() => read(riff(chunk('ANIM', new Uint8Array(6)))))).toMatch(/is an animated WebP image/);
    expect(await sentence(() => read(riff(chunk('ICCP', new Uint8Array(6)))))).toMatch(/without an image/);
    const vast = Buffer.from([0x2f, 0xff, 0xff, 0xff, 0x0f, 0]);
    expect(await sentence(() => read(riff(chunk('VP8L', vast))))).toMatch(/is 16384 x 16384 pixels; the longest side/);
    expect(await sentence(() => read(riff(chunk('VP8 ', Buffer.alloc(20)))))).toMatch(/without an image/);
  });

  it('that is cut off is refused, and one that is damaged keeps its size or is refused', async () => {
    for (const whole of [lossless, lossy]) {
      for (let length = 12; length < whole.length; length += 97) {
        expect(await sentence(() => read(whole.subarray(0, length)))).toMatch(/^m51.webp is cut off/);
      }
      for (let i = 0; i < 400; i++) {
        const flipped = Uint8Array.from(whole);
        const at = 4 + Math.floor((i * (whole.length - 4)) / 400);
        flipped[at] ^= 1 << (i % 8);
        try {
          const { width, height, data } = await read(flipped);
          expect(data.length).toBe(width * height * 4);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }
      expect([...(await read(lossless)).data]).toEqual([...pixels]);
    }
  });
});
