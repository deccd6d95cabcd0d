import { describe, expect, it } from 'vitest';
import { UserError } from '../../../engine/user_error.ts';
import { decodeFits } from '../../../vision/data/fits.ts';
import { sentence } from './archives.ts';
import { arrayCards, card, fitsData, fitsFile, fitsUnit } from './fits_files.ts';

const read = (bytes: Uint8Array) => decodeFits(bytes, 'm51.fits');

describe('a FITS image', () => {
  it.each<[number, readonly number[]]>([
    [8, [0, 1, 2, 253, 254, 255]],
    [16, [-32768, -1, 0, 1, 2, 32767]],
    [32, [-(2 ** 31), -1, 0, 1, 2, 2 ** 24]],
    [64, [-(2 ** 40), -1, 0, 1, 2, 2 ** 40]],
    [-32, [-1.5, Number.NaN, 0, 2 ** -140, 1e38, 3.25]],
    [-64, [-1.5, Number.NaN, 0, 0.125, 1e30, 3.25]],
  ])('of BITPIX %d has its values, the last row first', (bitpix, values) => {
    const image = read(fitsFile(bitpix, [3, 2], values));
    expect(image).toMatchObject({ width: 3, height: 2, channels: 1, white: null });
    expect([...image.data]).toEqual([...values.slice(3), ...values.slice(0, 3)].map(Math.fround));
  });

  it('has planes as channels, and leaves axes of length 1 out', () => {
    const values = Array.from({ length: 12 }, (_, i) => i); // [plane][row][column] of 3 x 2 x 2
    const image = read(fitsFile(16, [2, 2, 3, 1], values));
    expect(image).toMatchObject({ width: 2, height: 2, channels: 3 });
    expect([...image.data]).toEqual([2, 6, 10, 3, 7, 11, 0, 4, 8, 1, 5, 9]);
    expect(read(fitsFile(16, [2, 6, 1], values))).toMatchObject({ width: 2, height: 6, channels: 1 });
  });

  it('is scaled by BSCALE and BZERO, with BLANK as missing', () => {
    const scale = [card('BSCALE', '5.0D-1'), card('BZERO', 32768), card('BLANK', -32768)];
    const image = read(fitsFile(16, [4, 1], [-32768, -32767, 0, 32767], scale));
    expect([...image.data]).toEqual([Number.NaN, 32768 - 16383.5, 32768, 32768 + 16383.5]);
    // BLANK says nothing of floating numbers (4.4.2.5).
    expect([...read(fitsFile(-32, [2, 1], [1, 2], [card('BLANK', 1)])).data]).toEqual([1, 2]);
  });

  it('may be an extension, behind tables and empty arrays', () => {
    const file = Buffer.concat([
      fitsUnit(arrayCards(card('SIMPLE', true), 8, [])),
      fitsUnit(
        [...arrayCards(card('XTENSION', "'BINTABLE'"), 8, [10, 500]), card('PCOUNT', 100), card('GCOUNT', 1)],
        new Uint8Array(5100),
      ),
      fitsUnit([...arrayCards(card('XTENSION', "'IMAGE   '"), -32, [2, 1])], fitsData(-32, [1, 2])),
    ]);
    expect([...read(file).data]).toEqual([1, 2]);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['whose header does not end', fitsFile(8, [2, 2], [1, 2, 3, 4]).subarray(0, 2879), /without its END/],
    ['whose data are missing', fitsFile(8, [2, 2], [1, 2, 3, 4]).subarray(0, 2883), /has 4 bytes, and 3 are there/],
    ['whose header goes on', Buffer.alloc(2880 * 201, 'COMMENT '), /over 7200 cards/],
    ['whose header is no text', Buffer.alloc(2880, 7), /a byte that is no text/],
    ['of a strange type', fitsFile(12, [2, 2], []), /BITPIX of its FITS header is 12/],
    ['without an axis', fitsUnit([card('SIMPLE', true), card('BITPIX', 8), card('NAXIS', 2)]), /NAXIS1 .* is missing/],
    ['with a negative axis', fitsFile(8, [2, -2], []), /NAXIS2 of its FITS header is -2/],
    ['with a fraction for an axis', fitsFile(8, [2, 1.5], []), /NAXIS2 of its FITS header is 1.5/],
    ['with vast axes', fitsFile(-64, [2 ** 30, 2 ** 30], []), /the axes of its FITS header are too long/],
    ['with too long a side', fitsFile(8, [4097, 2], []), /is 4097 x 2 pixels; the longest side may have 4096/],
    ['with too many planes', fitsFile(8, [4096, 4096, 5], []), /has 5 channels and takes 335544320 bytes/],
    ['of one axis', fitsFile(8, [9], [1, 2, 3, 4, 5, 6, 7, 8, 9]), /array of 1 axes/],
    ['of four axes', fitsFile(8, [2, 1, 2, 2], []), /array of 4 axes/],
    ['without an image', fitsUnit(arrayCards(card('SIMPLE', true), 8, [])), /a FITS file without an image/],
    [
      'that is compressed',
      Buffer.concat([
        fitsUnit(arrayCards(card('SIMPLE', true), 8, [])),
        fitsUnit([...arrayCards(card('XTENSION', "'BINTABLE'"), 8, [8, 2]), card('ZIMAGE', true)], new Uint8Array(16)),
      ]),
      /is a compressed FITS image; unpack it with funpack/,
    ],
  ])('%s is refused', async (_, bytes, message) => {
    const said = await sentence(() => read(bytes));
    expect(said).toMatch(message);
    expect(said).toMatch(/^m51.fits /);
  });

  it('that is cut off or damaged is read or refused, and never more', () => {
    const values = Array.from({ length: 600 }, (_, i) => i);
    const whole = fitsFile(-64, [30, 20], values);
    for (let length = 0; length < 2880 + 4800; length += 97) {
      expect(() => read(whole.subarray(0, length))).toThrow(UserError);
    }
    for (let i = 0; i < 480 * 8; i++) {
      const flipped = Buffer.from(whole);
      flipped[i >> 3] ^= 1 << (i & 7);
      try {
        const { width, height, channels, data } = read(flipped);
        expect(data.length).toBe(width * height * channels);
      } catch (error) {
        expect(error).toBeInstanceOf(UserError);
      }
    }
  });
});
