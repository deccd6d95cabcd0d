import { crc32 } from 'node:zlib';
import { encode } from 'jpeg-js';
import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { decodeImage } from '../../vision/data/decode.node.ts';
import { readJpegHeader } from '../../vision/data/jpeg_header.ts';
import { exifOrientation } from '../../vision/data/exif.ts';
import { adobe, exif, flatJpeg, JFIF, segment, tiff, type FlatJpeg } from './flat_jpeg.ts';

/** The decoder truncates where libjpeg rounds, and its inverse transform is off by less than one. */
const OFF = 2;

const SAMPLES = [
  [95, 103, 203],
  [200, 60, 90],
  [17, 240, 128],
  [128, 128, 128],
  [255, 0, 255],
] as const;
const RGB = [82, 71, 66]; // "RGB"

const clamp = (v: number): number => Math.min(255, Math.max(0, v));
/** JFIF 1.02: from Y, Cb, Cr in 0..255, with ITU-R BT.601's coefficients. */
const fromYCbCr = ([y, cb, cr]: readonly number[]): number[] =>
  [y + 1.402 * (cr - 128), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128), y + 1.772 * (cb - 128)].map(clamp);
const asTheyAre = (samples: readonly number[]): number[] => [...samples];
const grey = ([y]: readonly number[]): number[] => [y, y, y];
/** Adobe writes inks inverted: 255 is none, and each lets through its share of what black lets through. */
const fromCmyk = ([c, m, y, k]: readonly number[]): number[] => [(c * k) / 255, (m * k) / 255, (y * k) / 255];
/** Adobe TN 5116: Y, Cb, Cr of the complements of C, M, Y; black stays. */
const fromYcck = (s: readonly number[]): number[] => fromCmyk([...fromYCbCr(s).map((v) => 255 - v), s[3]]);

async function expectColour(image: Uint8Array, wanted: readonly number[]): Promise<void> {
  const colour = [...(await decodeImage(image, 'a.jpg')).data.subarray(0, 3)];
  colour.forEach((v, i) => expect(Math.abs(v - wanted[i]), `${colour} for ${wanted}`).toBeLessThanOrEqual(OFF));
}

describe('the components of a JPEG are what libjpeg takes them for', () => {
  it.each<[string, Partial<FlatJpeg>, (samples: readonly number[]) => number[]]>([
    ['JFIF', { segments: [JFIF] }, fromYCbCr],
    ['no marker, ids 1 2 3', {}, fromYCbCr],
    ['no marker, ids R G B', { ids: RGB }, asTheyAre],
    ['no marker, ids r g b', { ids: [114, 103, 98] }, fromYCbCr],
    ['no marker, ids B G R', { ids: [66, 71, 82] }, fromYCbCr],
    ['no marker, ids 0 1 2', { ids: [0, 1, 2] }, fromYCbCr],
    ['Adobe, transform 0', { segments: [adobe(0)] }, asTheyAre],
    ['Adobe, transform 1', { segments: [adobe(1)] }, fromYCbCr],
    ['Adobe, transform 2', { segments: [adobe(2)] }, fromYCbCr],
    ['Adobe, transform 0, ids R G B', { segments: [adobe(0)], ids: RGB }, asTheyAre],
    ['Adobe, transform 1, ids R G B', { segments: [adobe(1)], ids: RGB }, fromYCbCr],
    ['JFIF and ids R G B', { segments: [JFIF], ids: RGB }, fromYCbCr],
    ['JFIF and Adobe, transform 0', { segments: [JFIF, adobe(0)] }, fromYCbCr],
    ['Adobe cut short', { segments: [adobe(0).with(3, 10).subarray(0, 12)] }, fromYCbCr],
  ])('three: %s', async (_, about, formula) => {
    for (const samples of SAMPLES)
      await expectColour(flatJpeg({ blocks: [samples], columns: 1, ...about }), formula(samples));
  });

  it.each<[string, Partial<FlatJpeg>, (samples: readonly number[]) => number[]]>([
    ['Adobe, transform 0: CMYK', { segments: [adobe(0)] }, fromCmyk],
    ['Adobe, transform 2: YCCK', { segments: [adobe(2)] }, fromYcck],
    ['Adobe, transform 1: YCCK', { segments: [adobe(1)] }, fromYcck],
    ['no marker: CMYK', {}, fromCmyk],
    ['JFIF alone: CMYK', { segments: [JFIF] }, fromCmyk],
    ['ids C M Y K: CMYK', { ids: [67, 77, 89, 75] }, fromCmyk],
  ])('four: %s', async (_, about, formula) => {
    for (const samples of SAMPLES)
      for (const black of [255, 180, 40, 0]) {
        const block = [...samples, black];
        await expectColour(flatJpeg({ blocks: [block], columns: 1, ...about }), formula(block));
      }
  });

  it.each([
    ['no marker', []],
    ['JFIF', [JFIF]],
    ['Adobe, transform 0', [adobe(0)]],
    ['Adobe, transform 1', [adobe(1)]],
  ])('one is grey: %s', async (_, segments) => {
    for (const samples of SAMPLES)
      await expectColour(flatJpeg({ blocks: [samples.slice(0, 1)], columns: 1, segments }), grey(samples));
  });
});

it('the header of a JPEG says its width and its height', () => {
  const { data } = encode({ width: 5, height: 3, data: new Uint8Array(60) }, 90);
  expect(readJpegHeader(data)).toMatchObject({ width: 5, height: 3, precision: 8 });
});

describe('a JPEG of a kind that is not read is refused in a sentence with its name', () => {
  const make = (about: Partial<FlatJpeg>) => flatJpeg({ blocks: [SAMPLES[0]], columns: 1, ...about });
  it.each<[string, Uint8Array, string]>([
    ['12 bits', make({ precision: 12, frame: 0xc1 }), 'has 12 bits a colour, and JPEGs of 8 bits are read'],
    ['16 bits', make({ precision: 16 }), 'has 16 bits a colour'],
    ['lossless', make({ frame: 0xc3 }), 'is a lossless JPEG, and baseline and progressive ones are read'],
    ['lossless, 12 bits', make({ frame: 0xc3, precision: 12 }), 'is a lossless JPEG'],
    ['arithmetic coding', make({ frame: 0xc9 }), 'is an arithmetic-coded JPEG'],
    ['arithmetic coding, progressive', make({ frame: 0xca }), 'is an arithmetic-coded JPEG'],
    ['hierarchical', make({ frame: 0xc5 }), 'is a hierarchical JPEG'],
    ['two components', flatJpeg({ blocks: [[1, 2]], columns: 1 }), 'has 2 colour components'],
    ['five components', flatJpeg({ blocks: [[1, 2, 3, 4, 5]], columns: 1 }), 'has 5 colour components'],
  ])('%s', async (_, image, why) => {
    await expect(decodeImage(image, 'm31.jpg')).rejects.toThrow(UserError);
    await expect(decodeImage(image, 'm31.jpg')).rejects.toThrow(`m31.jpg ${why}`);
  });

  it('and so is a damaged one', async () => {
    const sound = make({});
    // A code that no table has, in the place of the scan.
    const damaged = sound.slice();
    damaged.fill(0xfe, damaged.length - 6, damaged.length - 2);
    await expect(decodeImage(damaged, 'm31.jpg')).rejects.toThrow(UserError);
    await expect(decodeImage(damaged, 'm31.jpg')).rejects.toThrow(
      /^m31\.jpg cannot be decoded: its data is damaged \(/,
    );
  });
});

/** Where the first row and the first column of the file are meant to be seen (CIPA DC-008, table 6). */
const SIDES = [
  ['top', 'left'],
  ['top', 'right'],
  ['bottom', 'right'],
  ['bottom', 'left'],
  ['left', 'top'],
  ['right', 'top'],
  ['right', 'bottom'],
  ['left', 'bottom'],
] as const;

describe('the orientation that Exif tells is followed', () => {
  const columns = 2;
  const values = [10, 50, 90, 130, 170, 210]; // 3 rows
  const rows = values.length / columns;
  const blocks = values.map((v) => [v]);

  /** The values as they are meant to be seen, row by row. */
  function seen(orientation: number): number[][] {
    const [rowSide, columnSide] = SIDES[orientation - 1];
    const picture: number[][] = Array.from({ length: orientation < 5 ? rows : columns }, () => []);
    values.forEach((value, i) => {
      const place = { x: 0, y: 0 };
      for (const [side, n, count] of [
        [rowSide, Math.floor(i / columns), rows],
        [columnSide, i % columns, columns],
      ] as const) {
        const axis = side === 'left' || side === 'right' ? 'x' : 'y';
        place[axis] = side === 'left' || side === 'top' ? n : count - 1 - n;
      }
      picture[place.y][place.x] = value;
    });
    return picture;
  }

  async function expectSeen(image: Uint8Array, orientation: number): Promise<void> {
    const { width, height, data } = await decodeImage(image, 'a.jpg');
    const wanted = seen(orientation);
    expect([width, height]).toEqual([8 * wanted[0].length, 8 * wanted.length]);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const off = Math.abs(data[(y * width + x) * 3] - wanted[y >> 3][x >> 3]);
        expect(off, `${x}, ${y}`).toBeLessThanOrEqual(OFF);
      }
  }

  const orientations = SIDES.map((_, i) => i + 1);
  it.each(orientations.flatMap((o) => [[o, 'II'] as const, [o, 'MM'] as const]))(
    '%i in a JPEG, %s',
    async (o, order) => {
      for (const type of [3, 4]) {
        // Another tag before it: the image's width.
        const entries = [[0x0100, 4, 1, 16] as const, [0x0112, type, 1, o] as const];
        await expectSeen(flatJpeg({ blocks, columns, segments: [JFIF, exif(tiff(order === 'II', entries))] }), o);
      }
    },
  );

  it.each(orientations)('%i in a PNG, before and behind the pixels', async (o) => {
    const png = new PNG({ width: 8 * columns, height: 8 * rows });
    for (let i = 0; i < png.width * png.height; i++) {
      const value = values[((i / png.width) >> 3) * columns + ((i % png.width) >> 3)];
      png.data.set([value, value, value, 255], 4 * i);
    }
    const plain = PNG.sync.write(png);
    const body = Buffer.from([...Buffer.from('eXIf'), ...tiff(o % 2 === 0, [[0x0112, 3, 1, o]])]);
    const ends = Buffer.alloc(4);
    ends.writeUInt32BE(body.length - 4);
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32(body));
    const chunk = Buffer.concat([ends, body, crc]);
    // Behind IHDR, which ends at 33; before IEND, which has 12 bytes.
    for (const at of [33, plain.length - 12])
      await expectSeen(new Uint8Array(Buffer.concat([plain.subarray(0, at), chunk, plain.subarray(at)])), o);
  });

  const sound = tiff(true, [[0x0112, 3, 1, 6]]);
  it.each<[string, number[]]>([
    ['nothing', []],
    ['a header alone', sound.slice(0, 8)],
    ['an entry cut short', sound.slice(0, 16)],
    ['another magic number', sound.with(2, 43)],
    ['neither byte order', sound.with(0, 0x4d)],
    ['a directory beyond the end', sound.with(5, 0xff)],
    ['a directory far beyond the end', sound.with(7, 0xff)],
    ['many entries that are not there', tiff(true, [[0x0100, 3, 1, 6]]).with(9, 0xff)],
    ['orientation 0', tiff(true, [[0x0112, 3, 1, 0]])],
    ['orientation 9', tiff(false, [[0x0112, 3, 1, 9]])],
    ['orientation 262', tiff(false, [[0x0112, 3, 1, 262]])],
    ['a byte', tiff(true, [[0x0112, 1, 1, 6]])],
    ['two numbers', tiff(true, [[0x0112, 3, 2, 6]])],
    ['text', [...Buffer.from('orientation: 6')]],
  ])('but not where Exif is broken: %s', async (_, data) => {
    expect(exifOrientation(Uint8Array.from(data))).toBe(1);
    await expectSeen(flatJpeg({ blocks, columns, segments: [exif(data)] }), 1);
  });

  it('of several APP1 segments the first that is Exif counts', async () => {
    const xmp = segment(0xe1, ...Buffer.from('http://ns.adobe.com/xap/1.0/\0<x orientation="3"/>'));
    const of = (o: number) => exif(tiff(true, [[0x0112, 3, 1, o]]));
    await expectSeen(flatJpeg({ blocks, columns, segments: [xmp, of(8), of(3)] }), 8);
  });
});
