import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { readWeights } from '../../models/formats/read_weights.ts';
import { makeZip } from '../vision/data/archive_files.ts';
import { floats, pickled, tensor, torchZip } from './torch_files.ts';

const SIX = floats(0, 1, 2, 3, 4, 5);

describe('zip archives', () => {
  const zip = (entries: Parameters<typeof makeZip>[0]) => makeZip(entries);
  const sound = torchZip(new Map([['a', tensor({ count: 6, shape: [2, 3], strides: [3, 1] })]]), { 0: SIX });
  it('of zip64', async () => {
    const bytes = new Uint8Array(zip64(sound));
    expect([...(await readWeights(bytes, 'w.pth')).tensors.get('a')!.data]).toEqual([0, 1, 2, 3, 4, 5]);
  });
  it.each<[string, () => Uint8Array, RegExp]>([
    ['TorchScript', () => zip([{ path: 'm/constants.pkl', bytes: pickled(1) }]), /TorchScript program/],
    ['without weights', () => zip([{ path: 'a.txt', bytes: SIX }]), /a zip archive without the data\.pkl of PyTorch/],
    ['npz', () => zip([{ path: 'a.npy', bytes: SIX }]), /a NumPy archive/],
    ['encrypted', () => zip([{ path: 'data.pkl', bytes: SIX, flags: 0x801 }]), /data\.pkl is encrypted/],
    ['packed otherwise', () => zip([{ path: 'data.pkl', bytes: SIX, method: 12 }]), /data\.pkl is packed by method 12/],
    ['a wrong checksum', () => zip([{ path: 'data.pkl', bytes: SIX, crc: 1 }]), /the checksum of data\.pkl/],
    [
      'a size that lies',
      () => zip([{ path: 'data.pkl', bytes: SIX, size: 23 }]),
      /data\.pkl cannot be unpacked|should have 23/,
    ],
    ['a size beyond deflate', () => zip([{ path: 'data.pkl', bytes: SIX, size: 2 ** 27 }]), /cannot be unpacked/],
    [
      'a bomb',
      () => zip([{ path: 'data.pkl', bytes: SIX, size: 2 ** 31 }]),
      /claim to unpack to 2147483648, which no weights do/,
    ],
    [
      'an entry twice',
      () => zip([SIX, SIX].map((bytes) => ({ path: 'data.pkl', bytes }))),
      /two entries named data\.pkl/,
    ],
    ['cut short', () => sound.subarray(0, -30), /its table of contents is missing/],
  ])('%s', async (_what, bytes, sentence) => {
    const read = readWeights(new Uint8Array(bytes()), 'w.pth');
    await expect(read).rejects.toBeInstanceOf(UserError);
    await expect(read).rejects.toThrow(sentence);
  });
});

/** The same archive with the sizes of its table in zip64 fields, its end record too. */
function zip64(archive: Buffer): Buffer {
  const end = archive.length - 22;
  const start = archive.readUInt32LE(end + 16);
  const table: Buffer[] = [];
  let count = 0;
  for (let at = start; at < end; count++) {
    const nameEnd = at + 46 + archive.readUInt16LE(at + 28);
    const head = Buffer.from(archive.subarray(at, nameEnd));
    const field = Buffer.alloc(28);
    field.writeUInt16LE(1, 0);
    field.writeUInt16LE(24, 2);
    field.writeBigUInt64LE(BigInt(head.readUInt32LE(24)), 4);
    field.writeBigUInt64LE(BigInt(head.readUInt32LE(20)), 12);
    field.writeBigUInt64LE(BigInt(head.readUInt32LE(42)), 20);
    for (const size of [20, 24, 42]) head.writeUInt32LE(0xffffffff, size);
    head.writeUInt16LE(field.length, 30);
    table.push(head, field);
    at = nameEnd;
  }
  const bytes = Buffer.concat(table);
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeBigUInt64LE(BigInt(count), 24);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(bytes.length), 40);
  record.writeBigUInt64LE(BigInt(start), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(start + bytes.length), 8);
  locator.writeUInt32LE(1, 16);
  const last = Buffer.alloc(22);
  last.writeUInt32LE(0x06054b50, 0);
  last.fill(0xff, 8, 20);
  return Buffer.concat([archive.subarray(0, start), bytes, record, locator, last]);
}
