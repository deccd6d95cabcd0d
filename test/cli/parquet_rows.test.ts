import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ParquetRows, csvToParquet } from '../../cli/parquet_rows.node.ts';
import { csvField } from '../../vision/data/csv.ts';
import { PROGRAM, fail, succeed, tuningfork } from './cli.ts';
import { shape } from './shapes.ts';

const PLUG = fileURLToPath(new URL('../vision/plug.mjs', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-parquet-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const named = (name: string) => readdirSync(folder).filter((each) => /^\./.test(each) || each.startsWith(name));
const bufferOf = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;
const rowsOf = (bytes: Uint8Array) => parquetReadObjects({ file: bufferOf(bytes), compressors });
const read = (path: string) => rowsOf(readFileSync(path));
/** Names and types of the columns. */
const columns = (bytes: Uint8Array) =>
  parquetSchema(parquetMetadata(bufferOf(bytes))).children.map(({ element: { name, type, converted_type } }) => [
    name,
    converted_type ?? type,
  ]);

/** A csv of ids without quotes, as objects. */
function csv(path: string, types: (text: string, column: string) => unknown): object[] {
  const [header, ...rows] = readFileSync(path, 'utf8').trim().split('\n');
  const names = header.split(',');
  return rows.map((row) => Object.fromEntries(row.split(',').map((field, k) => [names[k], types(field, names[k])])));
}

describe('rows as parquet', () => {
  const collect = () => {
    const pieces: Uint8Array[] = [];
    const write = async (bytes: Uint8Array) => void pieces.push(Uint8Array.from(bytes));
    return { write, pieces, whole: () => Buffer.concat(pieces) };
  };

  it('are written a group at a time', async () => {
    const { write, pieces, whole } = collect();
    const rows = await ParquetRows.create({ numbers: ['x', 'y'], type: 'DOUBLE', last: 'predicted' }, write);
    const wanted = Array.from({ length: 140_000 }, (_, i) => ({
      ...{ id: `image ${i}`, x: i / 3, y: (i % 7) / 8, predicted: i % 2 ? 'odd' : 'even' },
    }));
    for (const { id, x, y, predicted } of wanted) await rows.add(id, [x, y], predicted);
    // Before the end, what is full is written.
    expect(pieces).toHaveLength(2);
    await rows.finish();
    const { row_groups } = parquetMetadata(bufferOf(whole()));
    expect(row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([65_536, 65_536, 140_000 - 131_072]);
    expect(await rowsOf(whole())).toEqual(wanted);
  });

  it('are those of csv files, whose texts are as they were before these quoted them', async () => {
    const ids = ['a,b', 'two\nlines', '=1+1', ' blank ', '"quoted"', 'ä', "'=x", '007'];
    const lines = ids.map((id, i) => `${csvField(id)},${i / 4},${csvField(id)}\n`);
    const header = `id,${csvField('of\n"two" lines')},predicted\n`;
    writeFileSync(at('1.csv'), `${header}${lines.slice(0, 5).join('')}`);
    writeFileSync(at('2.csv'), header);
    writeFileSync(at('3.csv'), `${header}${lines.slice(5).join('')}`);
    const { write, whole } = collect();
    await csvToParquet(['1.csv', '2.csv', '3.csv'].map(at), { type: 'DOUBLE', endsWithText: true }, write);
    expect(await rowsOf(whole())).toEqual(ids.map((id, i) => ({ id, 'of\n"two" lines': i / 4, predicted: id })));
  });

  it('of none have columns all the same', async () => {
    writeFileSync(at('none.csv'), 'id,x\n');
    const { write, whole } = collect();
    await csvToParquet([at('none.csv')], { type: 'FLOAT', endsWithText: false }, write);
    expect(await rowsOf(whole())).toEqual([]);
    expect(columns(whole())).toEqual([
      ['id', 'UTF8'],
      ['x', 'FLOAT'],
    ]);
  });

  it('have columns of different names', async () => {
    const table = { numbers: ['cat', 'id'], type: 'DOUBLE' } as const;
    await expect(ParquetRows.create(table, async () => {})).rejects.toThrow(/two columns named "id"; write a csv/);
  });
});

describe('--out .parquet', () => {
  let [run, data]: string[] = [];
  const predict = (out: string, ...args: string[]) => ['predict', run, '--data', data, '--out', out, ...args];
  const shares = (text: string, column: string) => (column === 'id' || column === 'predicted' ? text : Number(text));
  const features = (text: string, column: string) => (column === 'id' ? text : Math.fround(Number(text)));

  beforeAll(async () => {
    [run, data] = [at('run'), at('pictures')];
    mkdirSync(data);
    for (let i = 0; i < 150; i++) writeFileSync(join(data, `${i}.png`), shape(i % 3, i));
    const small = '--data synthetic:60 --model vgg_small --width 0.25 --size 32 --batch 8 --epochs 1 --tta 1';
    await succeed('train', ...small.split(' '), '--out', run);
    await succeed(...predict(at('all.csv')));
    await succeed('embed', run, '--data', data, '--out', at('features.csv'));
  });

  it('of predict is what the csv is, in parts too', async () => {
    await succeed(...predict(at('all.parquet')));
    const bytes = readFileSync(at('all.parquet'));
    expect(columns(bytes)).toEqual([
      ['id', 'UTF8'],
      ['smooth', 'DOUBLE'],
      ['featured', 'DOUBLE'],
      ['predicted', 'UTF8'],
    ]);
    expect(await read(at('all.parquet'))).toEqual(csv(at('all.csv'), shares));
    for (const k of [1, 2, 3]) await succeed(...predict(at('parts'), '--shard', `${k}/3`));
    expect(await succeed('predict', 'merge', at('parts'), '--out', at('merged.parquet'))).toBe(
      `150 rows of 3 parts: ${at('merged.parquet')}\n`,
    );
    expect(readFileSync(at('merged.parquet')).equals(bytes)).toBe(true);
    expect(named('all')).toEqual(['all.csv', 'all.parquet']);
    const part = join(at('parts'), 'shard-2-of-3.csv');
    writeFileSync(part, readFileSync(part, 'utf8').replace('0.', '1.'));
    expect(await fail('predict', 'merge', at('parts'), '--out', at('no.parquet'))).toMatch(/2-of-3\.csv was changed/);
    expect(named('no.')).toEqual([]);
  });

  it('of embed is what the csv is, of parts of either kind', async () => {
    const embed = ['embed', run, '--data', data];
    await succeed(...embed, '--out', at('features.parquet'));
    const bytes = readFileSync(at('features.parquet'));
    expect(columns(bytes)).toEqual([['id', 'UTF8'], ...Array.from({ length: 16 }, (_, k) => [`f${k}`, 'FLOAT'])]);
    expect(await read(at('features.parquet'))).toEqual(csv(at('features.csv'), features));
    for (const format of ['npy', 'csv']) {
      const parts = at(`features-${format}`);
      for (const k of [1, 2]) await succeed(...embed, '--shard', `${k}/2`, '--out', parts, '--format', format);
      await succeed('embed', 'merge', parts, '--out', at('m.parquet'));
      expect(readFileSync(at('m.parquet')).equals(bytes)).toBe(true);
    }
    expect(named('features.')).toEqual(['features.csv', 'features.parquet']);
  });

  it.each([
    ['in the middle', { file: 'killed.*state.json.*tmp$', operation: 'renamed', nth: 2 }, 128],
    ['when all rows are there', { file: 'killed\\.parquet\\.\\d+\\.0\\.tmp$', operation: 'rename', nth: 1 }, 150],
  ])('killed %s goes on', async (_, moment, done) => {
    const out = at('killed.parquet');
    const words = ['--import', PLUG, PROGRAM, ...predict(out), '--adapter', 'lavapipe'];
    const env = { ...process.env, PLUG: JSON.stringify({ ...moment, signal: 'SIGKILL' }) };
    const child = spawn(process.execPath, words, { stdio: 'ignore', env });
    expect(await new Promise((resolve) => child.on('close', (_, signal) => resolve(signal)))).toBe('SIGKILL');
    expect(named('killed')).not.toContain('killed.parquet');
    const { code, stderr } = await tuningfork([...predict(out), '--adapter', 'lavapipe']);
    expect([code, stderr]).toEqual([0, expect.stringContaining(`${done} of 150 were predicted before\n`)]);
    expect(await read(out)).toEqual(csv(at('all.csv'), shares));
    expect(named('killed')).toEqual(['killed.parquet']);
    rmSync(out);
  });

  it('is refused where other text is asked for', async () => {
    expect(await fail(...predict(at('no.parquet'), '--json'))).toMatch(
      /--json says what text is written.*leave it out/,
    );
    expect(await fail(...predict(at('no.parquet'), '--format', 'kaggle'))).toMatch(/--format kaggle is for/);
    await succeed(...predict(at('lines'), '--shard', '1/1', '--json'));
    expect(await fail('predict', 'merge', at('lines'), '--out', at('no.parquet'))).toMatch(
      /holds parts of --format json, of which no parquet file is made/,
    );
    expect(named('no.')).toEqual([]);
  });
});
