import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PNG } from 'pngjs';
import { afterAll, describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { HART_COLUMNS, parseKaggle } from '../../galaxies/catalogue.ts';
import { readCatalogue } from '../../galaxies/catalogue.node.ts';
import { CHALLENGE_COLUMNS } from '../../galaxies/columns.ts';
import { label, labelTable } from '../../galaxies/labels.ts';
import { openDataset } from '../../galaxies/open_dataset.node.ts';
import { makeZip } from '../vision/data/archive_files.ts';
import { testData } from '../data.ts';

const root = mkdtempSync(join(tmpdir(), 'tuningfork-catalogue-'));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;
/** A folder with these files; images are empty, for a catalogue does not look into them. */
function folder(images: string[], files: Record<string, string | Uint8Array> = {}, sub = 'images'): string {
  const dir = join(root, String(folders++));
  mkdirSync(join(dir, sub), { recursive: true });
  for (const name of images) writeFileSync(join(dir, sub, name), '');
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
  return dir;
}

const header = ['GalaxyID', ...CHALLENGE_COLUMNS];
/** Fractions 0.01, 0.02, ... 0.37, so that a column out of place shows. */
const row = (id: string, change: Record<string, string> = {}, columns = header) =>
  columns
    .map((name) => change[name] ?? (name === 'GalaxyID' ? id : String((CHALLENGE_COLUMNS.indexOf(name) + 1) / 100)))
    .join(',');
const csv = (...rows: string[]) => [header.join(','), ...rows].join('\n');

describe('a csv of the challenge', () => {
  it('is read by the names of its columns, whatever their order', () => {
    const turned = header.toReversed();
    const text = `\ufeff${turned.join(',')}\r\n${row('7', {}, turned)}\r\n`;
    const votes = parseKaggle(text, 'a.csv').get('7')!;
    expect([votes.smooth, votes.featured, votes.artifact].map((v) => v.toFixed(6))).toEqual([
      '0.010000',
      '0.020000',
      '0.030000',
    ]);
    votes.all!.forEach((v, i) => expect(v).toBeCloseTo((i + 1) / 100, 6));
    expect(parseKaggle(csv(row('7')), 'a.csv').get('7')).toEqual(votes);
  });

  it('keeps fractions in double precision, so that 0.7 reaches a threshold of 0.7', () => {
    const votes = parseKaggle(csv(row('7', { 'Class1.1': '0.7' })), 'a.csv').get('7')!;
    expect(votes.smooth).toBe(0.7);
    expect(label(votes, 0.7)).toBe('smooth');
  });

  it('forgives what was rounded beyond 0 and 1', () => {
    const votes = parseKaggle(csv(row('7', { 'Class1.1': '1.0000005', 'Class1.2': '-0.0000005' })), 'a.csv').get('7')!;
    expect([votes.smooth, votes.featured, votes.all![0], votes.all![1]]).toEqual([1, 0, 1, 0]);
  });

  it('may begin with a byte-order mark before a quoted name', () => {
    const text = csv(row('7')).replace('GalaxyID', '\ufeff"GalaxyID"');
    expect([...parseKaggle(text, 'a.csv').keys()]).toEqual(['7']);
  });

  it.each<[string, string, RegExp]>([
    ['a missing column', csv(row('1')).replace(',Class5.3', ''), /^a\.csv: column Class5\.3 is missing$/],
    ['a missing id', csv(row('1')).replace('GalaxyID', 'ID'), /^a\.csv: column GalaxyID is missing$/],
    ['a doubled column', csv().replace('Class5.3', 'Class5.2,Class5.3'), /^a\.csv: column Class5\.2 is there twice$/],
    ['an unknown column', csv().replace('Class5.3', 'Class5.3,Class5.9'), /^a\.csv: column "Class5\.9" is none of/],
    [
      'a value above 1',
      csv(row('1'), row('2', { 'Class3.1': '1.25' })),
      /^a\.csv, line 3, column Class3\.1: 1\.25 is not/,
    ],
    ['a value below 0', csv(row('1', { 'Class1.1': '-0.1' })), /^a\.csv, line 2, column Class1\.1: -0\.1 is not/],
    ['a word', csv(row('1', { 'Class11.6': 'much' })), /^a\.csv, line 2, column Class11\.6: "much" is not a number/],
    ['an empty field', csv(row('1', { 'Class2.1': '' })), /^a\.csv, line 2, column Class2\.1: no number/],
    ['infinity', csv(row('1', { 'Class2.1': 'Infinity' })), /^a\.csv, line 2, column Class2\.1: Infinity is not/],
    ['a short row', csv(row('1'), '2,0.5'), /^a\.csv, line 3: 2 fields where the header has 38$/],
    ['a long row', csv(`${row('1')},0.5`), /^a\.csv, line 2: 39 fields where the header has 38$/],
    ['an id twice', csv(row('1'), row('2'), row('1')), /^a\.csv, line 4: GalaxyID 1 is there a second time$/],
    ['a quote never closed', csv(`"${row('1')}`), /^a\.csv is not a well-formed csv file: /],
  ])('is refused for %s', (_, text, message) => {
    expect(() => parseKaggle(text, 'a.csv')).toThrow(message);
    expect(() => parseKaggle(text, 'a.csv')).toThrow(UserError);
  });
});

describe("a folder in Kaggle's layout", () => {
  it('joins images and votes by id, sorts by number, and counts what is left over', async () => {
    const dir = folder(['20.jpg', '3.PNG', '100.jpeg', '3.jpg', '555.jpg', 'notes.txt'], {
      'labels.csv': csv(row('100'), row('3'), row('20'), row('77'), row('78')),
    });
    const { galaxies, files, notes } = await readCatalogue(dir);
    expect(galaxies.map((g) => g.id)).toEqual(['3', '20', '100']);
    expect(files).toEqual(['3.PNG', '20.jpg', '100.jpeg'].map((name) => join(dir, 'images', name)));
    expect(notes).toEqual([
      '1 image left out: another image has the same name but for its ending or folder',
      '2 galaxies of labels.csv left out: no image',
      '1 image left out: no votes',
    ]);
  });

  it.each(['training_solutions_rev1.csv', 'mine.csv'])('finds %s', async (name) => {
    const dir = folder(['1.jpg'], { [name]: csv(row('1')), 'other.csv': 'a,b\n1,2\n' });
    const { galaxies, notes } = await readCatalogue(dir);
    expect(galaxies[0].votes?.featured).toBeCloseTo(0.02, 6);
    expect(notes).toEqual(name === 'mine.csv' ? ['other.csv was not read: it has no column GalaxyID'] : []);
  });

  it('names file, line and column of a bad value', async () => {
    const dir = folder(['1.jpg'], { 'labels.csv': csv(row('1', { 'Class4.2': '7' })) });
    await expect(readCatalogue(dir)).rejects.toThrow(`${join(dir, 'labels.csv')}, line 2, column Class4.2: 7 is not`);
    await expect(readCatalogue(dir)).rejects.toThrow(UserError);
  });

  it('refuses two tables of votes, a folder without images, a file, and nothing at all', async () => {
    await expect(readCatalogue(folder(['1.jpg'], { 'a.csv': csv(), 'b.csv': csv() }))).rejects.toThrow(
      /several tables.*a\.csv, b\.csv/,
    );
    await expect(readCatalogue(folder([], { 'labels.csv': csv() }))).rejects.toThrow(
      /holds no image \(JPEG, PNG, WebP, TIFF, FITS\)/,
    );
    await expect(readCatalogue(folder(['1.jpg'], { 'labels.csv': csv(row('2')) }))).rejects.toThrow(
      /none of the 1 images has votes/,
    );
    await expect(readCatalogue(join(root, 'nowhere'))).rejects.toThrow(/nowhere does not exist/);
    await expect(readCatalogue(join(folder(['1.jpg']), 'images/1.jpg'))).rejects.toThrow(/is not a folder/);
  });

  it('is unlabelled without a csv, with or without images/', async () => {
    for (const sub of ['images', '.']) {
      const { galaxies, notes } = await readCatalogue(folder(['2.jpg', '10.jpg', 'b.jpg', 'a.jpg'], {}, sub));
      expect(galaxies).toEqual(['2', '10', 'a', 'b'].map((id) => ({ id, votes: null })));
      expect(notes).toEqual([]);
    }
  });
});

describe("a folder in Galaxy Zoo 2's layout", () => {
  // The first three ids are one and the same as doubles: 587722981736579100.
  const [a, b, c, d] = ['587722981736579107', '587722981736579108', '587722981736579109', '588000000000000001'];
  const mapping = [
    'objid,sample,asset_id',
    `${a},original,11`,
    `${b},original,12`,
    `${c},extra,13`,
    `${d},extra,14`,
    `${d},stripe82,15`,
    '9,extra,99',
  ].join('\n');
  const hart = [
    `ra,${HART_COLUMNS[3]},dr7objid,${HART_COLUMNS[1]},x,${HART_COLUMNS[2]}`,
    `1.5,0.1,${a},0.2,z,0.7`,
    `1.5,0.05,${b},0.9,z,0.05`,
    `1.5,0.1,${c},,z,nan`,
    `1.5,0.1,${a},0.3,z,0.6`,
    `1.5,0.1,12345,0.3,z,0.6`,
  ].join('\n');
  const images = ['11.jpg', '12.png', '13.jpg', '14.jpg', '15.jpg', '16.jpg'];

  it.each<[string, string | Uint8Array]>([
    ['gz2_hart16.csv', hart],
    ['gz2_hart16.csv.gz', gzipSync(hart)],
  ])('joins by object id through %s', async (name, content) => {
    const { galaxies, files, notes } = await readCatalogue(
      folder(images, { 'gz2_filename_mapping.csv': mapping, [name]: content }),
    );
    expect(galaxies).toEqual([
      { id: '11', votes: { smooth: 0.2, featured: 0.7, artifact: 0.1 } },
      { id: '12', votes: { smooth: 0.9, featured: 0.05, artifact: 0.05 } },
    ]);
    expect(files[1]).toMatch(/12\.png$/);
    expect(notes).toEqual([
      '1 row of gz2_filename_mapping.csv left out: no image',
      '1 image left out: another image shows the same object',
      `1 row of ${name} left out: a vote fraction is empty`,
      `1 row of ${name} left out: the object is there already`,
      '4 images left out: no votes',
    ]);
  });

  it('refuses half of the pair, missing columns, bad values and a cut gzip', async () => {
    const both = { 'gz2_filename_mapping.csv': mapping, 'gz2_hart16.csv': hart };
    await expect(readCatalogue(folder(images, { 'gz2_hart16.csv': hart }))).rejects.toThrow(
      /gz2_hart16\.csv but no gz2_filename_mapping\.csv/,
    );
    await expect(readCatalogue(folder(images, { 'gz2_filename_mapping.csv': mapping }))).rejects.toThrow(
      /no gz2_hart16\.csv or gz2_hart16\.csv\.gz/,
    );
    await expect(
      readCatalogue(folder(images, { ...both, 'gz2_hart16.csv': hart.replace('dr7objid', 'id') })),
    ).rejects.toThrow(/column dr7objid is missing/);
    await expect(
      readCatalogue(folder(images, { ...both, 'gz2_filename_mapping.csv': 'objid,sample\n' })),
    ).rejects.toThrow(/column asset_id is missing/);
    await expect(
      readCatalogue(folder(images, { ...both, 'gz2_hart16.csv': hart.replace('0.9', '1.9') })),
    ).rejects.toThrow(/gz2_hart16\.csv, line 3, column t01_smooth_or_features_a01_smooth_debiased: 1\.9 is not/);
    const cut = { 'gz2_filename_mapping.csv': mapping, 'gz2_hart16.csv.gz': gzipSync(hart).subarray(0, 60) };
    await expect(readCatalogue(folder(images, cut))).rejects.toThrow(/gz2_hart16\.csv\.gz is not a whole gzip file/);
  });
});

describe('openDataset', () => {
  it('loads images of a folder and rejects for a damaged one, by name', async () => {
    const dir = folder(['2.png'], {});
    const png = new PNG({ width: 5, height: 4 });
    png.data.fill(255);
    writeFileSync(join(dir, 'images/1.png'), PNG.sync.write(png));
    const dataset = await openDataset(dir, { threads: 1 });
    expect(dataset.name).toBe(dir);
    expect(await dataset.load(0)).toEqual({
      width: 5,
      height: 4,
      data: new Uint8Array(60).fill(255),
      channels: 4,
    });
    await expect(dataset.load(1)).rejects.toThrow(`${join(dir, 'images/2.png')} is empty`);
    await dataset.close();
  });

  describe('of a folder with a zip file in place of images/', () => {
    const png = (value: number) => {
      const image = new PNG({ width: 5, height: 4 });
      image.data.fill(value);
      return PNG.sync.write(image);
    };
    const zipped = (entries: Parameters<typeof makeZip>[0], files: Record<string, string | Uint8Array> = {}) => {
      const dir = folder([], { 'images_gz2.zip': makeZip(entries), ...files }, '.');
      return { dir, zip: join(dir, 'images_gz2.zip') };
    };

    it('reads it in place, whatever folders are in it, as it reads the same images as files', async () => {
      const hart = `${HART_COLUMNS.slice(1).join(',')},dr7objid\n0.2,0.7,0.1,7\n0.9,0.05,0.05,8\n`;
      const mapping = 'objid,sample,asset_id\n7,original,11\n8,original,2\n';
      const tables = { 'gz2_filename_mapping.csv': mapping, 'gz2_hart16.csv.gz': gzipSync(hart) };
      const entries = [
        { path: 'images/11.jpg', bytes: png(255) },
        { path: 'more/2.png', bytes: png(7) },
        { path: 'more/11.png', bytes: png(9) },
        { path: '__MACOSX/images/._11.jpg', bytes: png(1) },
        { path: 'images/README', bytes: png(1) },
      ];
      const { dir, zip } = zipped(entries, tables);
      const before = readdirSync(dir);
      const plain = await openDataset(folder([], { ...tables, '11.jpg': png(255), '2.png': png(7) }, '.'), {
        threads: 0,
      });
      const dataset = await openDataset(dir, { threads: 1 });
      expect(dataset.examples).toEqual(plain.examples);
      expect(dataset.examples.map(({ id }) => id)).toEqual(['2', '11']);
      for (const i of [0, 1]) expect(await dataset.load(i)).toEqual(await plain.load(i));
      expect(dataset.notes).toEqual([
        `2 entries of ${zip} are no images`,
        '1 image left out: another image has the same name but for its ending or folder',
      ]);
      expect((await dataset.stamp!(0)).dated).toMatch(new RegExp(`^${statSync(zip).size} bytes of `));
      await dataset.close();
      await plain.close();
      expect(readdirSync(dir)).toEqual(before);
    });

    it('tells of a bad member by its name, and of a bad archive', async () => {
      const votes = { 'labels.csv': csv(row('1'), row('2')) };
      const { dir, zip } = zipped(
        [
          { path: 'a/1.png', bytes: png(1), crc: 5 },
          { path: 'a/2.png', bytes: Buffer.from('no image') },
        ],
        votes,
      );
      const dataset = await openDataset(dir, { threads: 1 });
      await expect(dataset.load(0)).rejects.toThrow(
        `a/1.png in ${zip} is damaged: its checksum (CRC-32) does not match its bytes`,
      );
      await expect(dataset.load(1)).rejects.toThrow(`a/2.png in ${zip} is no image that is read`);
      await dataset.close();
      const out = zipped([{ path: '../1.png', bytes: png(1) }], votes);
      await expect(openDataset(out.dir)).rejects.toThrow(
        /images_gz2\.zip cannot be read as a zip file .*relative path: \.\.\/1\.png/,
      );
      const none = zipped([{ path: 'a/9.png', bytes: png(1) }], votes);
      await expect(openDataset(none.dir)).rejects.toThrow(/none of the 1 images has votes/);
      const two = folder([], { ...votes, 'a.zip': makeZip([]), 'b.zip': makeZip([]) }, '.');
      await expect(openDataset(two)).rejects.toThrow(/no images\/ and several zip files \(a\.zip, b\.zip\)/);
      const text = folder([], { ...votes, 'a.zip': 'no zip file' }, '.');
      await expect(openDataset(text)).rejects.toThrow(/a\.zip cannot be read as a zip file/);
    });
  });

  it.skipIf(testData() === null)(
    'reads the real galaxies: 1,140 smooth, 1,887 featured, 751 ambiguous at 0.6',
    async () => {
      const dataset = await openDataset(join(testData()!, 'galaxies'), { threads: 1 });
      expect(labelTable(dataset).map((r) => r.count)).toEqual([1140, 1887, 751, 0]);
      expect(dataset.notes).toEqual([]);
      expect((await dataset.load(0)).width).toBe(424);
      await dataset.close();
    },
  );

  it.skipIf(testData() === null)('reads the real unlabelled images', async () => {
    const dataset = await openDataset(join(testData()!, 'galaxies/unlabelled'), { threads: 1 });
    expect(labelTable(dataset).map((r) => r.count)).toEqual([0, 0, 0, 2486]);
    await dataset.close();
  });
});
