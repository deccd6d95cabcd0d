import { describe, expect, it } from 'vitest';
import { npyHeader, readNpy, writeNpy } from '../../models/formats/npy.ts';

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);
/** What numpy 2.4 writes: read off its own files. */
const numpy = (shape: string, spaces: number): string =>
  `\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': ${shape}, }${' '.repeat(spaces)}\n`;

describe('npy', () => {
  it.each<[number[], string, number]>([
    [[2, 3], '(2, 3)', 58],
    [[5], '(5,)', 60],
    [[], '()', 62],
    [[1000, 1280], '(1000, 1280)', 52],
    [[2, 3, 4, 5], '(2, 3, 4, 5)', 52],
  ])('writes the header of %j as numpy does', (shape, tuple, spaces) => {
    expect(latin1(npyHeader(shape))).toBe(numpy(tuple, spaces));
  });

  it('keeps room for the first axis to grow, as numpy does', () => {
    const shape = (rows: number): number[] => [rows, ...Array<number>(14).fill(1)];
    expect(npyHeader(shape(1))).toHaveLength(192); // numpy's choice too, though the text alone would fit 128
    expect(npyHeader(shape(123_456_789))).toHaveLength(192);
  });

  it('writes the values after it and reads them back', () => {
    const data = new Float32Array([1, -2.5, 3e-8, Infinity, 0, 6]);
    const bytes = writeNpy([2, 3], data);
    expect(bytes).toHaveLength(128 + 24);
    expect(new DataView(bytes.buffer).getFloat32(128 + 4, true)).toBe(-2.5);
    expect(readNpy(bytes, 'x.npy')).toEqual({ shape: [2, 3], data });
    expect(readNpy(Buffer.concat([bytes]), 'x.npy').data).toEqual(data); // a Buffer, whose slice() does not copy
    expect(readNpy(writeNpy([], new Float32Array([7])), 'x').shape).toEqual([]);
    expect(() => writeNpy([2, 2], data)).toThrow(/needs 4 values, but 6/);
  });

  it('reads version 2.0, whose length takes four bytes', () => {
    const text = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n";
    const bytes = new Uint8Array(12 + text.length + 4);
    bytes.set([
      0x93,
      ...new TextEncoder().encode('NUMPY'),
      2,
      0,
      text.length,
      0,
      0,
      0,
      ...new TextEncoder().encode(text),
      0,
      0,
      0x80,
      0x3f,
    ]);
    expect(readNpy(bytes, 'x')).toEqual({ shape: [1], data: new Float32Array([1]) });
  });

  const altered = (from: string, to: string): Uint8Array =>
    Uint8Array.from(latin1(writeNpy([2], new Float32Array(2))).replace(from, to), (c) => c.charCodeAt(0));
  it.each<[string, Uint8Array, RegExp]>([
    ['something else', new TextEncoder().encode('PK zip archive, not numpy'), /x\.npy: this is not a \.npy file/],
    ['doubles', altered('<f4', '<f8'), /this is <f8; convert it/],
    ['Fortran order', altered('False', 'True '), /in Fortran order/],
    ['too little data', writeNpy([2], new Float32Array(2)).subarray(0, 132), /shape \[2\] needs 8 bytes, but 4 follow/],
    ['too much data', Uint8Array.of(...writeNpy([2], new Float32Array(2)), 0), /needs 8 bytes, but 9 follow/],
    ['a header beyond the file', writeNpy([2], new Float32Array(2)).subarray(0, 60), /claims 118 bytes/],
    ['no shape', altered("'shape'", "'shale'"), /not that of a plain \.npy array/],
  ])('refuses %s', (_what, bytes, sentence) => {
    expect(() => readNpy(bytes, 'x.npy')).toThrow(sentence);
  });
});
