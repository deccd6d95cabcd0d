import { describe, expect, it } from 'vitest';
import { openZip } from '../../../vision/data/zip.node.ts';
import { makeZip, noise, scratch, sentence, type ZipEntry } from './archives.ts';

const file = scratch();
const first = noise(2000, 1);
const second = new Uint8Array(5000).fill(7);
const ENTRIES: readonly ZipEntry[] = [
  { path: 'sky/train/spiral/a.jpg', bytes: first, method: 0 },
  { path: 'sky/train/smooth/b.PNG', bytes: second },
  { path: 'sky/test/spiral/c.tif', bytes: first },
  { path: 'sky/readme.txt', bytes: second },
  { path: '__MACOSX/sky/train/spiral/._a.jpg', bytes: second },
  { path: 'sky/train/', bytes: new Uint8Array(0), method: 0 },
];

describe('a zip file', () => {
  it('gives its images, their classes and sides, and any of them by its number', async () => {
    const source = await openZip(file('sky.zip', makeZip(ENTRIES)));
    expect(source.images).toEqual([
      { id: 'sky/train/spiral/a.jpg', label: 'spiral', values: null, side: 'train' },
      { id: 'sky/train/smooth/b.PNG', label: 'smooth', values: null, side: 'train' },
      { id: 'sky/test/spiral/c.tif', label: 'spiral', values: null, side: 'test' },
    ]);
    expect(source.notes).toEqual([`2 entries of ${source.name} are no images`]);
    expect(await source.bytes(2)).toEqual(first);
    expect(Buffer.from(await source.bytes(1)).equals(second)).toBe(true);
    const both = await Promise.all([source.bytes(0), source.bytes(1), source.bytes(0)]);
    expect(both.map((bytes) => bytes.length)).toEqual([2000, 5000, 2000]);
    await source.close();
  });

  it('with one folder of images has no classes', async () => {
    const entries = ['a', 'b'].map((name) => ({ path: `images/${name}.jpg`, bytes: first }));
    const source = await openZip(file('one.zip', makeZip(entries)));
    expect(source.images.map(({ label, side }) => [label, side])).toEqual([
      [null, null],
      [null, null],
    ]);
    await source.close();
  });

  it.each<[string, Partial<ZipEntry>, RegExp]>([
    ['leads out of it', { path: 'a/../../b.jpg' }, /its reader says: invalid relative path/],
    ['has an absolute path', { path: '/etc/b.jpg' }, /absolute path: \/etc\/b.jpg/],
    ['has a drive', { path: 'C:/b.jpg' }, /absolute path: C:\/b.jpg/],
    ['is encrypted', { flags: 1 }, /^b.jpg in .*\.zip is encrypted/],
    ['is packed by LZMA', { method: 14 }, /^b.jpg in .*\.zip is packed by method 14/],
    ['claims a gigabyte', { size: 2 ** 30 }, /^b.jpg in .* has 1073741824 bytes; an image may have 268435456/],
    [
      'claims more than deflate can',
      { size: 2 ** 27 },
      /^b.jpg in .* is damaged: \d+ bytes cannot unpack to 134217728/,
    ],
  ])('whose entry %s is refused when it is opened', async (_, about, message) => {
    const path = file('bad.zip', makeZip([ENTRIES[0], { path: 'b.jpg', bytes: second, ...about }]));
    expect(await sentence(() => openZip(path))).toMatch(message);
  });

  it('with two entries of one name is refused', async () => {
    const path = file('twice.zip', makeZip([ENTRIES[0], ENTRIES[0]]));
    expect(await sentence(() => openZip(path))).toMatch(/has two entries named sky\/train\/spiral\/a.jpg/);
  });

  it('without images, and a file that is none, are refused', async () => {
    expect(await sentence(() => openZip(file('none.zip', makeZip([ENTRIES[3]]))))).toMatch(/holds no images/);
    expect(await sentence(() => openZip(file('text.zip', noise(300, 5))))).toMatch(/text.zip cannot be read as a zip/);
    expect(await sentence(() => openZip(file('missing.zip')))).toMatch(/Cannot read .*missing.zip: there is no such/);
  });

  it.each<[string, Partial<ZipEntry>, RegExp]>([
    ['its checksum does not match', { crc: 1 }, /^b.jpg in .* is damaged: its checksum \(CRC-32\)/],
    ['it is longer than it says', { size: 4999 }, /^b.jpg in .* is damaged/],
    [
      'it is shorter than it says',
      { size: 5001 },
      /^b.jpg in .* is damaged: it unpacks to 5000 bytes and should to 5001/,
    ],
  ])('refuses an image where %s', async (_, about, message) => {
    const source = await openZip(file('crc.zip', makeZip([ENTRIES[0], { path: 'b.jpg', bytes: second, ...about }])));
    expect(await sentence(() => source.bytes(1))).toMatch(message);
    expect(await source.bytes(0)).toEqual(first);
    await source.close();
  });

  const whole = makeZip(ENTRIES.slice(0, 2));
  /** What came of a file: its images' bytes, or that a sentence refused them. */
  async function outcomes(bytes: Uint8Array): Promise<(Uint8Array | 'refused')[]> {
    const refused = (error: unknown): 'refused' => {
      expect(error).toHaveProperty('name', 'UserError');
      return 'refused';
    };
    const source = await openZip(file('damaged.zip', bytes)).catch(refused);
    if (source === 'refused') return [source];
    const read = await Promise.all(source.images.map((_, i) => source.bytes(i).catch(refused)));
    await source.close();
    return read;
  }

  it('that is cut off is refused', async () => {
    for (let length = 0; length < whole.length; length += 97) {
      expect(await outcomes(whole.subarray(0, length))).toEqual(['refused']);
    }
  });

  it('with a bit flipped never gives other bytes', async () => {
    const header = 30 + ENTRIES[0].path.length;
    for (let i = 0; i < whole.length; i += i >= header && i < header + first.length - 97 ? 97 : 1) {
      const flipped = Buffer.from(whole);
      flipped[i] ^= 1 << (i % 8);
      for (const read of await outcomes(flipped)) {
        expect(read === 'refused' || [first, second].some((bytes) => Buffer.from(bytes).equals(read))).toBe(true);
        if (i >= header && i < header + first.length) expect((await outcomes(flipped))[0]).toBe('refused');
      }
    }
  });
});
