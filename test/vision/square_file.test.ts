import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SquareFile } from '../../vision/train/square_file.node.ts';
import { scratchFolder } from './training.ts';

const scratch = scratchFolder();
const SIDE = 3;
const BYTES = 8 + 3 * SIDE * SIDE;

/** A square whose pixels tell which it is. */
const squareOf = (example: number): Uint32Array =>
  Uint32Array.from({ length: SIDE * SIDE }, (_, i) => ((example * 1000 + i * 70_001) | (255 << 24)) >>> 0);

const EXAMPLES = [5, 0, 70_000, 3, 1, 2, 8, 9];

const open = (path: string, key = 'key', most = 1e6, examples: readonly number[] = EXAMPLES) =>
  SquareFile.open(path, { side: SIDE, key, most, examples });

describe('a file of squares', () => {
  it('gives back what was written, in any order, and after it was opened again', async () => {
    const path = join(scratch.next(), 'squares.u8');
    const file = await open(path);
    const written = [5, 0, 70_000, 3];
    for (const example of written) file.write(example, squareOf(example));
    for (const example of [3, 70_000, 5, 0]) expect(file.read(example)).toEqual(squareOf(example));
    expect(file.read(1)).toBeUndefined();
    file.close();
    const again = await open(path);
    for (const example of written) expect(again.read(example)).toEqual(squareOf(example));
    again.write(1, squareOf(1));
    expect(again.read(1)).toEqual(squareOf(1));
    again.close();
    expect(statSync(path).size).toBe(5 * BYTES);
  });

  it('gives each image its own when the dataset calls them by other numbers, and keeps no others', async () => {
    const path = join(scratch.next(), 'squares.u8');
    const file = await open(path, 'key', 1e6, [4, 7, 0]);
    for (const example of [7, 4, 6]) file.write(example, squareOf(example));
    expect(file.read(6)).toBeUndefined();
    file.close();
    const shifted = await open(path, 'key', 1e6, [5, 8, 1]);
    expect([5, 8, 1].map((example) => shifted.holds(example))).toEqual([true, true, false]);
    expect([shifted.read(5), shifted.read(8)]).toEqual([squareOf(4), squareOf(7)]);
    expect([4, 7, 0].map((example) => shifted.read(example))).toEqual([undefined, undefined, undefined]);
    shifted.close();
  });

  it('forgets what was kept for another key', async () => {
    const path = join(scratch.next(), 'squares.u8');
    const file = await open(path);
    file.write(1, squareOf(1));
    file.close();
    const other = await open(path, 'other');
    expect(other.read(1)).toBeUndefined();
    other.close();
  });

  it.each([
    ['cut off within a square', (bytes: Buffer) => bytes.subarray(0, BYTES + 20)],
    ['cut off within its head', (bytes: Buffer) => bytes.subarray(0, BYTES + 5)],
    ['with a bit flipped', (bytes: Buffer) => flipped(bytes, BYTES + 15)],
    ['with zeros for a square', (bytes: Buffer) => Buffer.concat([bytes.subarray(0, BYTES), Buffer.alloc(BYTES)])],
  ])('%s lacks that square alone, and takes it again', async (_, damaged) => {
    const path = join(scratch.next(), 'squares.u8');
    const file = await open(path);
    file.write(8, squareOf(8));
    file.write(9, squareOf(9));
    file.close();
    writeFileSync(path, damaged(readFileSync(path)));
    const again = await open(path);
    expect(again.read(8)).toEqual(squareOf(8));
    expect(again.read(9)).toBeUndefined();
    again.write(9, squareOf(9));
    expect(again.read(9)).toEqual(squareOf(9));
    expect(again.read(8)).toEqual(squareOf(8));
    again.close();
  });

  it('grows no further than it may', async () => {
    const path = join(scratch.next(), 'squares.u8');
    const file = await open(path, 'key', 2 * BYTES + 5);
    for (const example of [1, 2, 3]) file.write(example, squareOf(example));
    expect([1, 2, 3].map((example) => file.read(example) !== undefined)).toEqual([true, true, false]);
    file.close();
    expect(existsSync(path) && statSync(path).size).toBe(2 * BYTES);
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] ^= 4;
  return copy;
}
