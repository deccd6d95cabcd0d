import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTar } from '../../../vision/data/tar.node.ts';
import { makeTar, noise, scratch, sentence, type TarEntry } from './archives.ts';

const file = scratch();
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const image = (seed: number): Uint8Array => noise(700 + seed, seed);
const pax = (key: string, value: string): Uint8Array => {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length++;
  return bytesOf(`${length}${rest}`);
};

const SHARD: readonly TarEntry[] = [
  { path: '000.jpg', bytes: image(0) },
  { path: '000.cls', bytes: bytesOf('3\n') },
  { path: '001.cls', bytes: bytesOf('barred spiral') },
  { path: '001.png', bytes: image(1) },
  { path: '002.jpg', bytes: image(2) },
  { path: '002.json', bytes: bytesOf('{"width": 4, "label": 7}') },
  { path: '003.jpg', bytes: image(3) },
  { path: '003.mask.png', bytes: image(4) },
  { path: '003.txt', bytes: bytesOf('a caption') },
];

describe('a tar archive', () => {
  it('gives the samples of WebDataset', async () => {
    const source = await openTar(file('shard.tar', makeTar(SHARD)));
    expect(source.images).toEqual([
      { id: '000.jpg', label: '3', values: null, side: null },
      { id: '001.png', label: 'barred spiral', values: null, side: null },
      { id: '002.jpg', label: '7', values: null, side: null },
      { id: '003.jpg', label: null, values: null, side: null },
    ]);
    expect(source.notes).toEqual([
      `1 file of ${source.name} is no image and no label`,
      `1 image of ${source.name} lies beside another of its sample: 003.mask.png`,
    ]);
    const order = [3, 0, 1, 2];
    for (const i of order) expect(await source.bytes(i)).toEqual(image(i));
    await source.close();
  });

  it('gives the image of a sample with a plain ending, wherever it stands among others', async () => {
    // In the order of names, as WebDataset's writer leaves them.
    const paths = ['0.cls', '0.depth.png', '0.jpg', '1.a.png', '1.b.png'];
    const shard = file(
      'several.tar',
      makeTar(paths.map((path, i) => ({ path, bytes: path.endsWith('cls') ? bytesOf('3') : image(i) }))),
    );
    for (const columns of [{}, { unlabelled: true }]) {
      const source = await openTar(shard, columns);
      expect(source.images.map(({ id }) => id)).toEqual(['0.jpg', '1.a.png']);
      expect(source.notes).toEqual([`2 images of ${shard} lie beside another of their sample: 0.depth.png, 1.b.png`]);
      await source.close();
    }
  });

  it('that is only looked at may say of its images what it likes', async () => {
    const shard = file(
      'odd-labels.tar',
      makeTar([
        { path: '0.jpg', bytes: image(0) },
        { path: '0.cls', bytes: bytesOf('two\nlines') },
        { path: '1.jpg', bytes: image(1) },
        { path: '1.json', bytes: bytesOf('{') },
        { path: 'annotations.json', bytes: new Uint8Array(2 ** 20 + 1).fill(32) },
      ]),
    );
    expect(await sentence(() => openTar(shard))).toMatch(/0\.cls in .* is no label: one line/);
    const source = await openTar(shard, { unlabelled: true });
    expect(source.images).toEqual([
      { id: '0.jpg', label: null, values: null, side: null },
      { id: '1.jpg', label: null, values: null, side: null },
    ]);
    await source.close();
  });

  it('gives no class for an empty text', async () => {
    const json = bytesOf('{"label": "", "class": "b"}');
    const entries = [
      { path: '0.jpg' },
      { path: '0.json', bytes: json },
      { path: '1.jpg' },
      { path: '1.cls', bytes: bytesOf('a') },
    ];
    const source = await openTar(file('empty-label.tar', makeTar(entries)));
    expect(source.images.map(({ label }) => label)).toEqual(['b', 'a']);
    await source.close();
  });

  it.each(['gnu', 'pax', 'ustar'])(
    'follows the links within it, as tar writes them in the format %s',
    async (format) => {
      const root = file(`links-${format}`);
      const long = `${'long-'.repeat(15)}name.jpg`;
      mkdirSync(join(root, 'b/deep'), { recursive: true });
      mkdirSync(join(root, 'a'));
      writeFileSync(join(root, 'b/1.jpg'), image(1));
      writeFileSync(join(root, `b/deep/${long}`), image(2));
      linkSync(join(root, 'b/1.jpg'), join(root, 'b/2.jpg'));
      linkSync(join(root, `b/deep/${long}`), join(root, 'b/3.jpg'));
      // Forwards, by way of another, in a circle, and out of it.
      symlinkSync('../b/1.jpg', join(root, 'a/4.jpg'));
      symlinkSync('4.jpg', join(root, 'a/5.jpg'));
      symlinkSync('6.jpg', join(root, 'a/6.jpg'));
      symlinkSync('../../7.jpg', join(root, 'a/7.jpg'));
      symlinkSync('/etc/hostname', join(root, 'a/8.jpg'));
      const path = file(`links-${format}.tar`);
      execFileSync('tar', ['cf', path, '--sort=name', `--format=${format}`, '-C', root, '.']);
      const source = await openTar(path);
      const found = await Promise.all(source.images.map(async ({ id }, i) => [id, await source.bytes(i)] as const));
      expect(new Map(found)).toEqual(
        new Map([
          ['a/4.jpg', image(1)],
          ['a/5.jpg', image(1)],
          ['b/1.jpg', image(1)],
          ['b/2.jpg', image(1)],
          ['b/3.jpg', image(2)],
          [`b/deep/${long}`, image(2)],
        ]),
      );
      expect(source.notes).toEqual([`3 images of ${path} are links to nothing in it: a/6.jpg, a/7.jpg, a/8.jpg`]);
      await source.close();
    },
  );

  it('of folders gives classes and sides', async () => {
    const paths = ['./train/spiral/a.jpg', './train/smooth/a.jpg', './val/smooth/b.jpg'];
    const source = await openTar(file('f.tar', makeTar(paths.map((path, i) => ({ path, bytes: image(i) })))));
    expect(source.images).toEqual([
      { id: 'train/spiral/a.jpg', label: 'spiral', values: null, side: 'train' },
      { id: 'train/smooth/a.jpg', label: 'smooth', values: null, side: 'train' },
      { id: 'val/smooth/b.jpg', label: 'smooth', values: null, side: 'validation' },
    ]);
    await source.close();
  });

  it('has long names in each of their ways, and numbers in base 256', async () => {
    const long = `${'folder/'.repeat(30)}a`;
    const binary = String.fromCharCode(0x80, ...new Array(9).fill(0), 2, 188); // 700
    const source = await openTar(
      file(
        'long.tar',
        makeTar([
          { path: 'pax', type: 'x', bytes: Buffer.concat([pax('mtime', '1.5'), pax('path', `${long}.jpg`)]) },
          { path: 'short.jpg', bytes: image(1) },
          { path: '././@LongLink', type: 'L', bytes: bytesOf(`${long}.png\0`) },
          { path: 'short.png', bytes: image(2) },
          { path: 'c.jpg', prefix: 'folder', bytes: image(3) },
          { path: 'd.jpg', bytes: image(0), size: binary },
          { path: 'size', type: 'x', bytes: pax('size', '704') },
          { path: 'e.jpg', bytes: image(4), size: '00000000000\0' },
          { path: 'folder', type: '5' },
          { path: 'link.jpg', type: '2' },
        ]),
      ),
    );
    expect(source.images.map(({ id }) => id)).toEqual([`${long}.jpg`, `${long}.png`, 'folder/c.jpg', 'd.jpg', 'e.jpg']);
    expect(await source.bytes(1)).toEqual(image(2));
    expect(await source.bytes(3)).toEqual(image(0));
    expect(await source.bytes(4)).toEqual(image(4));
    await source.close();
  });

  it('gives numbers, or another class, of the fields of JSON that are named', async () => {
    const json = (fields: object) => bytesOf(JSON.stringify(fields));
    const shard = file(
      'numbers.tar',
      makeTar([
        { path: '0.jpg', bytes: image(0) },
        { path: '0.json', bytes: json({ z: 0.25, radius: '7e1', kind: 'spiral', label: 3 }) },
        { path: '1.json', bytes: json({ z: null, radius: 4, kind: 'smooth' }) },
        { path: '1.jpg', bytes: image(1) },
        { path: '2.jpg', bytes: image(2) },
        { path: '2.cls', bytes: bytesOf('9') },
        { path: '2.json', bytes: json({ z: -1, radius: 0, kind: 8 }) },
        { path: '3.jpg', bytes: image(3) },
        { path: '3.json', bytes: json({ width: 4 }) },
      ]),
    );
    const numbers = await openTar(shard, { targets: ['z', 'radius'] });
    expect(numbers.images).toEqual([
      { id: '0.jpg', label: null, values: [0.25, 70], side: null },
      { id: '1.jpg', label: null, values: null, side: null },
      { id: '2.jpg', label: null, values: [-1, 0], side: null },
      { id: '3.jpg', label: null, values: null, side: null },
    ]);
    await numbers.close();
    const kinds = await openTar(shard, { label: 'kind' });
    expect(kinds.images.map(({ label }) => label)).toEqual(['spiral', 'smooth', '8', null]);
    await kinds.close();
    for (const columns of [{ targets: ['none', 'nor'] }, { label: 'none' }])
      expect(await sentence(() => openTar(shard, columns))).toMatch(
        /numbers\.tar has no JSON file with none(, nor)? beside an image, such as 001\.json/,
      );
  });

  it.each<[unknown, RegExp]>([
    ['many', /0\.json in .*odd\.tar, field z: "many" is no number/],
    [true, /field z: "true" is no number/],
    [[1], /field z: "\[1\]" is no number/],
  ])('whose number is %j is refused', async (z, message) => {
    const bytes = bytesOf(JSON.stringify({ z }));
    const shard = file('odd.tar', makeTar([{ path: '0.jpg' }, { path: '0.json', bytes }]));
    expect(await sentence(() => openTar(shard, { targets: ['z'] }))).toMatch(message);
  });

  it('may be one of many', async () => {
    for (let n = 8; n < 12; n++) {
      file(`set-${String(n).padStart(3, '0')}.tar`, makeTar([{ path: 'a.jpg', bytes: image(n) }]));
    }
    for (const pattern of ['set-{008..011}.tar', 'set-*.tar']) {
      const source = await openTar(file(pattern));
      expect(source.images.map(({ id }) => id)).toEqual(
        [8, 9, 10, 11].map((n) => `set-0${`0${n}`.slice(-2)}.tar/a.jpg`),
      );
      expect(await source.bytes(2)).toEqual(image(10));
      await source.close();
    }
    expect(await sentence(() => openTar(file('set-{008..012}.tar')))).toMatch(/set-012.tar: there is no such file/);
    expect(await sentence(() => openTar(file('none-*.tar')))).toMatch(/No file fits .*none-\*.tar/);
    expect(await sentence(() => openTar(file('set-{5..3}.tar')))).toMatch(/\{5..3\} .* counts down/);
    expect(await sentence(() => openTar(file('set-{0..99999999}.tar')))).toMatch(/more than 10000 files/);
  });

  it.each<[string, readonly TarEntry[], RegExp]>([
    ['a path out of it', [{ path: '../a.jpg' }], /has an entry that leads out of it, \.\.\/a.jpg/],
    ['an absolute path', [{ path: '/a.jpg' }], /has an entry with an absolute path, \/a.jpg/],
    ['no images', [{ path: 'a.cls', bytes: bytesOf('1') }], /holds no images/],
    ['an image twice', [{ path: 'a.jpg' }, { path: 'a.jpg' }], /has two images named a.jpg/],
    ['a file beyond its end', [{ path: 'a.jpg', size: '77777777777\0' }], /is cut off: a.jpg has 8589934591 bytes/],
    ['a size that is none', [{ path: 'a.jpg', size: 'many       \0' }], /is damaged: its size is no number/],
    ['a label of two lines', [{ path: 'a.cls', bytes: bytesOf('1\n2') }], /a.cls in .* is no label/],
    ['JSON that is none', [{ path: 'a.json', bytes: bytesOf('{') }], /a.json in .* is not JSON/],
    ['records that are none', [{ path: 'x', type: 'x', bytes: bytesOf('99 path=a\n') }], /not made of records/],
    ['a vast name', [{ path: 'x', type: 'L', bytes: new Uint8Array(70_000) }], /an extended header of 70000 bytes/],
  ])('with %s is refused', async (_, entries, message) => {
    expect(await sentence(() => openTar(file('bad.tar', makeTar(entries))))).toMatch(message);
  });

  it('that is compressed, no tar, empty or without its end is refused', async () => {
    expect(await sentence(() => openTar(file('a.tar.gz', new Uint8Array([31, 139, 8, 0]))))).toMatch(/is compressed/);
    expect(await sentence(() => openTar(file('b.tar', noise(2000, 1))))).toMatch(/byte 0 of .*b.tar is no tar header/);
    expect(await sentence(() => openTar(file('c.tar', new Uint8Array(0))))).toMatch(/is cut off/);
    expect(await sentence(() => openTar(file('d.tar', makeTar(SHARD, 0))))).toMatch(/is cut off/);
  });

  it('that is cut off or has a bit flipped in a header is refused', async () => {
    const whole = makeTar(SHARD.slice(0, 3));
    for (let length = 0; length < whole.length - 1024; length += 97) {
      await sentence(() => openTar(file('cut.tar', whole.subarray(0, length))));
    }
    for (let i = 0; i < 512; i++) {
      const flipped = Buffer.from(whole);
      flipped[i] ^= 1 << (i % 7);
      // White space in the checksum's own field says nothing.
      if (i >= 154 && i < 156) continue;
      await sentence(() => openTar(file('flipped.tar', flipped)));
    }
  });
});
