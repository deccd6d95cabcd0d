import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { HART_COLUMNS, parseKaggle } from '../../galaxies/catalogue.ts';
import { readCatalogue } from '../../galaxies/catalogue.node.ts';
import { scoreTable, Truth } from '../../galaxies/challenge/score.ts';
import { CHALLENGE_COLUMNS } from '../../galaxies/columns.ts';
import { csvField, parseCsv } from '../../vision/data/csv.ts';
import { readCsv } from '../../vision/data/csv_file.node.ts';
import { nearestIds } from '../../vision/data/ids.ts';
import { scratchFolder } from './training.ts';

const scratch = scratchFolder();
const header = ['GalaxyID', ...CHALLENGE_COLUMNS];
const row = (id: string) => [id, ...CHALLENGE_COLUMNS.map(() => '0.25')];
const table = (ids: readonly string[], separator = ',', end = '\n') =>
  [header, ...ids.map(row)].map((fields) => fields.join(separator) + end).join('');

/** A folder in Kaggle's layout. The image is never decoded here. */
function folder(image: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  const dir = scratch.next();
  mkdirSync(join(dir, 'images'), { recursive: true });
  writeFileSync(join(dir, 'images', image), 'not decoded');
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
  return dir;
}

async function refusal(dir: string): Promise<string> {
  const error = await readCatalogue(dir).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UserError);
  return (error as Error).message.replaceAll(`${dir}/`, '');
}

describe('a csv that is not well formed is refused with file, line and column', () => {
  const rows = (line: string) => `id,share\n1,0.5\n\n${line}\n3,0.5\n`;
  const closing = 'text follows a closing quote';
  it.each<[string, string, string]>([
    ['a quote that never closes', rows('2,"0.5'), 'line 4, column share: a quote opens in this row and never closes'],
    ['a quote that never closes, in the header', '"id,share\n1,0.5\n', 'line 1, column 1: a quote opens'],
    ['a quote that never closes, in the last field', 'id,share\r\n1,0.5\r\n2,"', 'line 3, column share: a quote opens'],
    ['a quote within a field', rows('2,0"5'), 'line 4, column share: a quote stands within a field'],
    ['a quote within the id', rows('a "b" c,0.5'), 'line 4, column id: a quote stands within a field'],
    ['inches', rows('3.5",0.5'), 'line 4, column id: a quote stands within a field'],
    ['a letter behind a quote', rows('"2"x,0.5'), `line 4, column id: ${closing}`],
    ['a quote that is not doubled', rows('"2"2",0.5'), `line 4, column id: ${closing}`],
    ['a letter after a quote and a space', rows('"2" x,0.5'), `line 4, column id: ${closing}`],
  ])('%s, in a text and in a stream', async (_, text, sentence) => {
    const started = (file: string) => `${file} is not a well-formed csv file: ${sentence}`;
    const take = () => undefined;
    const parse = () => parseCsv(text, 'votes.csv', take);
    expect(parse).toThrow(UserError);
    expect(parse).toThrow(started('votes.csv'));

    const dir = scratch.next();
    mkdirSync(dir);
    const file = join(dir, 'votes.csv');
    writeFileSync(file, text);
    const error = await readCsv(file, take).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toContain(started(file));
    writeFileSync(`${file}.gz`, gzipSync(text));
    await expect(readCsv(`${file}.gz`, take)).rejects.toThrow(started(`${file}.gz`));
  });

  it.each([
    ['too few fields', '2', 'votes.csv, line 4: 1 fields where the header has 2'],
    ['too many fields', '2,0.5,', 'votes.csv, line 4: 3 fields where the header has 2'],
  ])('%s', (_, line, sentence) =>
    expect(() => parseCsv(rows(line), 'votes.csv', () => undefined)).toThrow(new UserError(sentence)),
  );

  it('and what is well formed is read: a byte-order mark, quotes, line ends of three kinds, UTF-16', async () => {
    for (const end of ['\n', '\r\n', '\r']) {
      const votes = parseKaggle(`\ufeff${table(['"7"', '8'], ' , ', end)}`, 'votes.csv');
      expect([...votes.keys()]).toEqual(['7', '8']);
    }
    const dir = folder('7.jpg', { 'labels.csv': Buffer.from(`\ufeff${table(['7'])}`, 'utf16le') });
    expect((await readCatalogue(dir)).galaxies.map(({ id }) => id)).toEqual(['7']);
  });
});

describe('a table with another separator is called that', () => {
  it.each([
    [';', 'semicolons'],
    ['\t', 'tabs'],
    ['|', 'vertical bars'],
    [' ', 'spaces'],
    ['; ', 'semicolons'],
    ['";"', 'semicolons'],
  ])('%j', async (separator, plural) => {
    // Every field in quotes where the separator has them.
    const outside = separator.startsWith('"') ? '"' : '';
    const text = table(['7'], separator).replace(/^.+$/gm, (line) => `${outside}${line}${outside}`);
    for (const name of ['labels.csv', 'mine.csv'])
      expect(await refusal(folder('7.jpg', { [name]: text }))).toBe(
        `${name}: its fields are separated by ${plural}, where commas are needed; save it with the comma as separator`,
      );
  });

  it('not where a column is missing altogether', async () =>
    expect(await refusal(folder('7.jpg', { 'labels.csv': 'id;Class1.1\n7;1\n' }))).toBe(
      'labels.csv: column GalaxyID is missing',
    ));
});

describe('an empty table is called that', () => {
  it.each([
    ['no bytes', '', 'no line'],
    ['a byte-order mark', '\ufeff', 'no line'],
    ['blank lines', '\n\n\r\n', 'no line'],
    ['a header', table([]), 'a header and no rows'],
    ['a header without its line end', table([]).trimEnd(), 'a header and no rows'],
    ['a header and blank lines', `${table([])}\n\n`, 'a header and no rows'],
  ])('%s', async (_, text, has) =>
    expect(await refusal(folder('7.jpg', { 'labels.csv': text }))).toBe(
      `labels.csv is empty: it has ${has}; put the votes there, or take it away to go on without`,
    ),
  );

  it('of Galaxy Zoo 2 too', async () => {
    const mapping = 'objid,sample,asset_id\n';
    const hart = `${HART_COLUMNS.join(',')}\n`;
    const names = { 'gz2_filename_mapping.csv': mapping, 'gz2_hart16.csv': hart };
    expect(await refusal(folder('7.jpg', names))).toMatch(/^gz2_filename_mapping\.csv is empty/);
    names['gz2_filename_mapping.csv'] += '587722981742084096,original,7\n';
    expect(await refusal(folder('7.jpg', names))).toMatch(/^gz2_hart16\.csv is empty/);
  });
});

describe('ids that do not meet the images are shown beside one of their names', () => {
  const spreadsheet = 'a spreadsheet took the ids for numbers: keep that column as text, or take the original file';
  it.each([
    ['without its leading zeros', '100008', '00100008.jpg', spreadsheet],
    ['as a float', '100008.0', '100008.jpg', spreadsheet],
    ['as a float with two zeros', '100008.00', '100008.png', spreadsheet],
    ['with leading zeros', '00100008', '100008.jpg', spreadsheet],
    ['in scientific notation', '5.87723E+17', '587722981742084096.jpg', spreadsheet],
    ['in scientific notation, little of it left', '6e+17', '587722981742084096.jpg', spreadsheet],
    ['with their endings', '100008.jpg', '100008.jpg', 'images must be named by their id'],
    ['of other galaxies', '100009', '100008.jpg', 'images must be named by their id'],
    ['that are words', 'NGC 1300', 'NGC1300.jpg', 'images must be named by their id'],
  ])('%s', async (_, id, image, remedy) =>
    expect(await refusal(folder(image, { 'labels.csv': table([id]) }))).toBe(
      `none of the 1 images has votes: labels.csv has the id ${id}, and an image is called ${image}; ${remedy}`,
    ),
  );

  it('the one that is alike, where there are many', () => {
    const pair = nearestIds(['1', '2', '33.0'], ['004', '033', '5']);
    expect(pair).toEqual({ id: '33.0', other: '033', spoilt: true });
    expect(nearestIds(['a'], ['b', 'c'])).toEqual({ id: 'a', other: 'b', spoilt: false });
  });

  it('of Galaxy Zoo 2: images and the mapping, the mapping and the votes', async () => {
    const votes = (objid: string) => `${HART_COLUMNS.join(',')}\n${objid},0.5,0.5,0\n`;
    const mapping = (asset: string) => `objid,sample,asset_id\n587722981742084096,original,${asset}\n`;
    const dir = (asset: string, objid: string) =>
      folder('42.jpg', { 'gz2_filename_mapping.csv': mapping(asset), 'gz2_hart16.csv': votes(objid) });
    expect(await refusal(dir('42.0', '587722981742084096'))).toBe(
      `none of the 1 images has votes: gz2_filename_mapping.csv has the id 42.0, and an image is called 42.jpg; ${spreadsheet}`,
    );
    expect(await refusal(dir('42', '5.87723E+17'))).toBe(
      `none of the 1 images has votes: gz2_hart16.csv has the id 5.87723E+17, and gz2_filename_mapping.csv has 587722981742084096; ${spreadsheet}`,
    );
    expect((await readCatalogue(dir('42', '587722981742084096'))).galaxies).toHaveLength(1);
  });

  it('and predictions those of the truth', () => {
    const truth = new Truth('truth.csv');
    parseCsv(table(['00100008']), 'truth.csv', truth.sink);
    const score = (id: string) => parseCsv(table([id]), 'mine.csv', scoreTable('mine.csv', truth).sink);
    expect(() => score('100008')).toThrow(
      `mine.csv, line 2: GalaxyID 100008 is not in truth.csv, which has 00100008; ${spreadsheet}`,
    );
    expect(() => score('100009')).toThrow(/^mine\.csv, line 2: GalaxyID 100009 is not in truth\.csv$/);
  });
});

it('a field of a csv that is written comes back as it was', () => {
  for (const id of ['7', 'NGC 1300, core', 'the "eye"', 'two\nlines', '"', ',', ' a'.trim()]) {
    const rows: (readonly string[])[] = [];
    parseCsv(`id,x\n${csvField(id)},1\n`, 'f.csv', (fields) => rows.push(fields));
    expect(rows[1]).toEqual([id, '1']);
  }
});
