import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { unpackImages } from '../../cli/unpack_images.node.ts';
import { type ZipEntry, zipOf } from './zip_writer.ts';

let folder: string;
let to: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-zip-'));
  to = join(folder, 'images');
});
afterEach(() => rmSync(folder, { recursive: true }));

const image = (i: number): Buffer => Buffer.alloc(1000 + i, i);
const ENTRIES: readonly ZipEntry[] = [
  { name: 'images/', data: Buffer.alloc(0) },
  ...[1, 2, 3].map((i) => ({ name: `images/${i}.jpg`, data: image(i) })),
  // macOS' archiver adds a shadow for each file.
  { name: '__MACOSX/images/._1.jpg', data: Buffer.from('shadow') },
  { name: 'images/.DS_Store', data: Buffer.from('view') },
  { name: 'README.txt', data: Buffer.from('read me') },
];
const archive = (entries: readonly ZipEntry[] | Buffer = ENTRIES): string => {
  const path = join(folder, 'x.zip');
  writeFileSync(path, Buffer.isBuffer(entries) ? entries : zipOf(entries));
  return path;
};

describe('unpackImages', () => {
  it('puts the images side by side and leaves all else', async () => {
    const progress: [number, number][] = [];
    expect(await unpackImages(archive(), to, (...step) => progress.push(step))).toEqual({ images: 3, present: false });
    expect(readdirSync(to).sort()).toEqual(['1.jpg', '2.jpg', '3.jpg']);
    for (const i of [1, 2, 3]) expect(readFileSync(join(to, `${i}.jpg`)).equals(image(i))).toBe(true);
    expect(progress).toEqual([
      [1001, 3006],
      [2003, 3006],
      [3006, 3006],
    ]);
    expect(readdirSync(folder).sort()).toEqual(['images', 'x.zip']);
  });

  it('keeps a folder that has something in it, and takes the place of an empty one', async () => {
    mkdirSync(to);
    expect(await unpackImages(archive(), to)).toEqual({ images: 3, present: false });
    rmSync(join(to, '1.jpg'));
    writeFileSync(join(to, 'notes.txt'), '');
    expect(await unpackImages(archive(), to)).toEqual({ images: 2, present: true });
    expect(existsSync(join(to, '1.jpg'))).toBe(false);
  });

  it('goes on where it was interrupted, unpacks again what is not whole, and drops what is not of the archive', async () => {
    const part = `${to}.part`;
    mkdirSync(part);
    writeFileSync(join(part, '1.jpg'), image(1));
    utimesSync(join(part, '1.jpg'), 1000, 1000);
    writeFileSync(join(part, '2.jpg'), image(2).subarray(500));
    writeFileSync(join(part, '3.jpg'), Buffer.alloc(1003)); // as long as it should be
    writeFileSync(join(part, '4.jpg'), image(4));
    await unpackImages(archive(), to);
    expect(readdirSync(to).sort()).toEqual(['1.jpg', '2.jpg', '3.jpg']);
    for (const i of [1, 2, 3]) expect(readFileSync(join(to, `${i}.jpg`)).equals(image(i))).toBe(true);
    expect(statSync(join(to, '1.jpg')).mtimeMs).toBe(1_000_000);
    expect(existsSync(part)).toBe(false);
  });

  it.each<[string, readonly ZipEntry[] | Buffer, RegExp]>([
    [
      'leads out of the folder',
      [...ENTRIES, { name: '../4.jpg', data: image(4) }],
      /x\.zip: it cannot be unpacked \(invalid relative path: \.\.\/4\.jpg/,
    ],
    ['is absolute', [...ENTRIES, { name: '/4.jpg', data: image(4) }], /absolute path: \/4\.jpg/],
    ['comes twice', [...ENTRIES, { name: 'more/2.JPG', data: image(4) }], /two images called 2\.JPG/],
    [
      'is too large',
      [{ name: '1.jpg', data: image(1), claims: { size: 2 ** 25 } }],
      /1\.jpg has 33554432 bytes; an image may have 16777216/,
    ],
    ['is none', ENTRIES.slice(4), /it has no \.jpg images/],
    ['is larger than it says', [{ name: '1.jpg', data: image(1), claims: { size: 100 } }], /too many bytes/],
    ['is smaller than it says', [{ name: '1.jpg', data: image(1), claims: { size: 5000 } }], /not enough bytes/],
    [
      'has another checksum',
      [{ name: '1.jpg', data: image(1), claims: { crc: 1 } }],
      /checksum of 1\.jpg is wrong\); it is damaged, delete it and fetch it again/,
    ],
    ['is cut off', zipOf(ENTRIES).subarray(0, 500), /it cannot be unpacked/],
    ['is no archive', Buffer.from('nothing'), /it cannot be unpacked/],
  ])('refuses an archive where an image %s, and leaves no images', async (_, entries, sentence) => {
    const unpacking = unpackImages(archive(entries), to);
    await expect(unpacking).rejects.toThrow(UserError);
    await expect(unpacking).rejects.toThrow(sentence);
    expect(existsSync(to)).toBe(false);
    expect(existsSync(join(folder, '4.jpg'))).toBe(false);
  });

  it('refuses more than can be meant, before anything is written', async () => {
    const many = Array.from({ length: 1100 }, (_, i) => ({
      name: `${i}.jpg`,
      data: image(1),
      claims: { size: 2 ** 24 },
    }));
    await expect(unpackImages(archive(many), to)).rejects.toThrow(
      /more than 1000000 images, or 17179869184 bytes of them/,
    );
    expect(readdirSync(folder)).toEqual(['x.zip']);
  });

  it('says when a file is in the way', async () => {
    writeFileSync(to, '');
    await expect(unpackImages(archive(), to)).rejects.toThrow(/images: a part of its path is a file/);
    await expect(unpackImages(join(folder, 'none.zip'), join(folder, 'other'))).rejects.toThrow(/no such file/);
  });
});
