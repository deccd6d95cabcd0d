import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { RecordFile } from '../../vision/train/record_file.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-records-'));
afterAll(() => rmSync(folder, { recursive: true }));

const LENGTH = 3;
/** Numbers of a record and its checksum. */
const STRIDE = LENGTH * 4 + 4;
const record = (index: number) => Float32Array.of(index, index + 0.5, -index);
const path = join(folder, 'made', 'cut.f32');

const open = (key = 'key') => RecordFile.open(path, LENGTH, key);
const readAll = (file: RecordFile) =>
  Array.from({ length: file.count }, (_, index) => {
    const to = new Float32Array(LENGTH + 1);
    file.read(index, to, 1);
    return to.subarray(1);
  });

beforeEach(async () => {
  rmSync(join(folder, 'made'), { recursive: true, force: true });
  const file = await open();
  file.append(Float32Array.of(...record(0), ...record(1)));
  file.append(Float32Array.of(...record(2), ...record(3), ...record(4)));
  file.close();
});

describe('records of a frozen front', () => {
  it('are read back, and appended to', async () => {
    const file = await open();
    file.append(record(5));
    expect(readAll(file)).toEqual([0, 1, 2, 3, 4, 5].map(record));
    file.truncate(2);
    file.append(record(2));
    expect(readAll(file)).toEqual([0, 1, 2].map(record));
    file.close();
  });

  it('of another key or format are forgotten', async () => {
    const other = await open('another');
    expect(other.count).toBe(0);
    other.close();
    writeFileSync(`${path}.key`, JSON.stringify({ length: LENGTH, key: 'another' }));
    writeFileSync(path, new Uint8Array(LENGTH * 4 * 7));
    const earlier = await open('another');
    expect(earlier.count).toBe(0);
    earlier.close();
  });

  it.each<[string, number, (bytes: Buffer) => Buffer | undefined]>([
    ['a tail of zeros', 2, (bytes) => void bytes.fill(0, 2 * STRIDE)],
    ['a tail of zeros that begins within a record', 2, (bytes) => void bytes.fill(0, 2 * STRIDE + 4)],
    ['zeros only', 0, (bytes) => void bytes.fill(0)],
    ['a flipped bit', 3, (bytes) => void (bytes[3 * STRIDE + 5] ^= 64)],
    ['a flipped bit in a checksum', 3, (bytes) => void (bytes[4 * STRIDE - 1] ^= 1)],
    ['a cut record', 4, (bytes) => bytes.subarray(0, -1)],
    ['a record in the place of another', 1, (bytes) => void bytes.copy(bytes, STRIDE, 3 * STRIDE, 4 * STRIDE)],
  ])('with %s are whole up to there, and made again from there on', async (_, whole, harm) => {
    const bytes = readFileSync(path);
    writeFileSync(path, harm(bytes) ?? bytes);
    const file = await open();
    expect(file.count).toBe(whole);
    expect(statSync(path).size).toBe(whole * STRIDE);
    for (let index = whole; index < 5; index++) file.append(record(index));
    expect(readAll(file)).toEqual([0, 1, 2, 3, 4].map(record));
    file.close();
  });

  it('that are damaged while they are open are refused', async () => {
    const file = await open();
    const bytes = readFileSync(path);
    bytes[STRIDE] ^= 1;
    writeFileSync(path, bytes);
    const to = new Float32Array(LENGTH);
    file.read(0, to, 0);
    expect(() => file.read(1, to, 0)).toThrow(UserError);
    expect(() => file.read(1, to, 0)).toThrow(`${path}: record 1 is damaged; delete the file and run again`);
    truncateSync(path, STRIDE);
    expect(() => file.read(2, to, 0)).toThrow('record 2 is damaged');
    expect(existsSync(path)).toBe(true);
    file.close();
  });
});
