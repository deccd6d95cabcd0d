import { PNG } from 'pngjs';
import jpeg from 'jpeg-js';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../../vision/data/decode.node.ts';
import { checkScans, countScans } from '../../../vision/data/jpeg_scans.ts';
import { noise, sentence } from './archives.ts';
import { fitsFile } from './fits_files.ts';
import { chunk, makePng } from './png_files.ts';
import { makeTiff } from './tiff_files.ts';

const text = (letters: string): Uint8Array => Uint8Array.from(letters, (letter) => letter.charCodeAt(0));

describe('what a file is, its first bytes say', () => {
  it.each<[string, string]>([
    ['GIF89a\x01\0\x01\0', 'is a GIF image'],
    ['BM\x46\0\0\0\0\0\0\0\x36', 'is a BMP image'],
    ['\0\0\0\x1cftypavif\0\0\0\0', 'is a AVIF image'],
    ['\0\0\0\x18ftypheic\0\0\0\0', 'is a HEIC image'],
    ['\0\0\0\x18ftypmif1\0\0\0\0', 'is a HEIC image'],
    ['\xff\x0a\0\0', 'is a JPEG XL image'],
    ['\0\0\0\x0cJXL \r\n\x87\n', 'is a JPEG XL image'],
    ['\0\0\0\x0cjP  \r\n\x87\n', 'is a JPEG 2000 image'],
    ['II+\0\x08\0\0\0', 'is a BigTIFF image'],
    ['<svg xmlns', 'is a SVG image'],
    ['%PDF-1.7', 'is a PDF image'],
  ])('%j is refused by its name', async (letters, said) => {
    const message = await sentence(() => decodeImage(text(letters), 'm51.jpg'));
    expect(message.replace(/ an (AVIF|SVG)/, ' a $1')).toBe(
      `m51.jpg ${said}; JPEG, PNG, WebP, TIFF and FITS are read: convert it`,
    );
  });

  it('nothing and anything are refused', async () => {
    expect(await sentence(() => decodeImage(new Uint8Array(0), 'm51.png'))).toBe('m51.png is empty');
    expect(await sentence(() => decodeImage(noise(99, 3), 'm51.png'))).toMatch(/^m51.png is no image that is read/);
  });

  it('and not its name', async () => {
    const samples = [...noise(12, 1)];
    const image = await decodeImage(makePng({ width: 2, height: 2, depth: 8, colour: 2, samples }), 'm51.fits');
    expect([...image.data]).toEqual(samples);
  });
});

describe('each kind becomes 8 bits of R, G, B', () => {
  it('JPEG', async () => {
    const data = Buffer.alloc(8 * 8 * 4, 130);
    const { width, data: rgb } = await decodeImage(jpeg.encode({ width: 8, height: 8, data }, 95).data, 'm51.jpg');
    expect(width).toBe(8);
    for (const value of rgb) expect(Math.abs(value - 130)).toBeLessThanOrEqual(2);
  });

  it('TIFF of 16 bits, by its range and by a stretch', async () => {
    const bytes = makeTiff({ width: 3, height: 1, samples: 1, bits: 16, values: [0, 257, 514] });
    const grey = async (stretch?: Parameters<typeof decodeImage>[2]) =>
      [...(await decodeImage(bytes, 'm51.tif', stretch)).data].filter((_, i) => i % 3 === 0);
    expect(await grey()).toEqual([0, 1, 2]);
    expect(await grey({ kind: 'linear', low: 0, high: 100 })).toEqual([0, 128, 255]);
  });

  it('FITS, with the first row below', async () => {
    const image = await decodeImage(fitsFile(-32, [1, 3], [5, 6, 7]), 'm51.fits', {
      kind: 'linear',
      low: 0,
      high: 100,
    });
    expect([...image.data]).toEqual([255, 255, 255, 128, 128, 128, 0, 0, 0]);
  });

  it('images of 8 bits are as they are, whatever the stretch', async () => {
    const png = makePng({ width: 2, height: 1, depth: 8, colour: 0, samples: [3, 9] });
    expect([...(await decodeImage(png, 'm51.png', { kind: 'asinh' })).data]).toEqual([3, 3, 3, 9, 9, 9]);
  });

  it('turned as the orientation says: PNG and TIFF', async () => {
    const samples = [1, 2, 3, 4, 5, 6];
    // Of 3 x 2 pixels, 6 says that the first row is on the right: columns from below become rows.
    const turned = [4, 1, 5, 2, 6, 3].flatMap((v) => [v, v, v]);
    const exif = Buffer.from('4d4d002a000000080001011200030000000100060000000000000000', 'hex');
    const plan = { width: 3, height: 2, samples: 1, values: samples };
    const png = await decodeImage(
      makePng({ width: 3, height: 2, depth: 8, colour: 0, samples, more: [chunk('eXIf', exif)] }),
      'a',
    );
    expect([png.width, ...png.data]).toEqual([2, ...turned]);
    const tiff = await decodeImage(makeTiff({ ...plan, bits: 8, tags: { 274: [6] } }), 'a');
    expect([tiff.width, ...tiff.data]).toEqual([2, ...turned]);
  });

  it('pngjs agrees, pixel by pixel', async () => {
    const png = new PNG({ width: 9, height: 7 });
    png.data.set(noise(9 * 7 * 4, 8).map((byte, i) => (i % 4 === 3 ? 255 : byte)));
    const { data } = await decodeImage(PNG.sync.write(png), 'm51.png');
    expect([...data]).toEqual([...png.data].filter((_, i) => i % 4 !== 3));
  });
});

describe('the scans of a JPEG', () => {
  const base = new Uint8Array(jpeg.encode({ width: 16, height: 16, data: Buffer.alloc(1024, 90) }, 50).data);
  const scan = base.subarray(
    base.findIndex((byte, i) => byte === 0xff && base[i + 1] === 0xda),
    base.length - 2,
  );
  const withScans = (count: number): Uint8Array =>
    Buffer.concat([base.subarray(0, base.length - 2), ...new Array(count - 1).fill(scan), Uint8Array.of(0xff, 0xd9)]);
  /** A comment with the marks of scans within, as a thumbnail has them. */
  const comment = Uint8Array.of(0xff, 0xfe, 0, 8, 0xff, 0xda, 0, 2, 0xff, 0xda);

  it('are counted, and not what looks like one in a segment', () => {
    expect(countScans(base)).toBe(1);
    expect(countScans(withScans(7))).toBe(7);
    expect(countScans(Buffer.concat([base.subarray(0, 2), comment, base.subarray(2)]))).toBe(1);
    for (let length = 0; length < base.length; length++) expect(countScans(base.subarray(0, length))).toBeLessThan(2);
  });

  it('are at most 100, and fewer of a large image', async () => {
    expect(await sentence(() => decodeImage(withScans(101), 'm51.jpg'))).toBe(
      'm51.jpg has 101 scans; a JPEG of 16 x 16 pixels may have 100: save it as a baseline JPEG',
    );
    expect(checkScans(withScans(100), { width: 16, height: 16 }, 'm51.jpg')).toBeUndefined();
    expect(checkScans(withScans(32), { width: 4096, height: 4096 }, 'm51.jpg')).toBeUndefined();
    const large = () => checkScans(withScans(33), { width: 4096, height: 4096 }, 'm51.jpg');
    expect(await sentence(large)).toMatch(/has 33 scans; a JPEG of 4096 x 4096 pixels may have 32/);
  });
});
