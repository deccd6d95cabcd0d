import { spawn } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StampOf } from '../../cli/image_chain.node.ts';
import { RowFile } from '../../cli/row_file.node.ts';
import { mergePredictions } from '../../cli/prediction_rows.node.ts';
import { parseShard, shardName, shardRange } from '../../cli/shards.ts';
import { PROGRAM, fail, succeed, tuningfork } from './cli.ts';
import { shape } from './shapes.ts';

const PLUG = fileURLToPath(new URL('../vision/plug.mjs', import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-shards-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('shards', () => {
  it.each([
    [0, 3],
    [5, 1],
    [7, 3],
    [60, 10],
    [4, 9],
    [1000, 7],
  ])('of %i are %i that follow one another, as long as each other or longer by one', (n, of) => {
    const ranges = Array.from({ length: of }, (_, i) => shardRange(n, { index: i + 1, of }));
    expect(ranges.flatMap(([start, end]) => Array.from({ length: end - start }, (_, i) => start + i))).toEqual([
      ...Array(n).keys(),
    ]);
    const lengths = ranges.map(([start, end]) => end - start);
    expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
  });

  it('are written as 3/100, in files that sort', () => {
    expect(parseShard('3/100')).toEqual({ index: 3, of: 100 });
    for (const text of ['0/3', '4/3', '3', '1/0', '-1/3', '1/3/3', 'a/b', '1/100001'])
      expect(() => parseShard(text), text).toThrow(/such as 3\/100/);
    expect(shardName({ index: 3, of: 100 }, 'csv')).toBe('shard-003-of-100.csv');
    expect(shardName({ index: 3, of: 9 }, 'jsonl')).toBe('shard-3-of-9.jsonl');
  });
});

describe('a file of rows', () => {
  const NOTHING = { total: 6, rows: 0, bad: 0, bytes: 5, header: 5, images: { dated: '', bytes: '' } };
  const ORIGIN = { model: 'm', '--tta': 1 };
  const open = (path: string, origin = ORIGIN, total = 6, stamp?: StampOf) =>
    RowFile.open(path, { origin, total, header: 'head\n', stamp });

  it('goes on with whole batches, whatever a kill left behind them', async () => {
    const path = join(folder, 'rows.csv');
    {
      await using rows = await open(path);
      await rows.append('a\nb\n', 2);
    }
    expect(existsSync(path)).toBe(false);
    for (const torn of ['', 'c', 'c\nd\ne', '\0\0\0\0']) {
      appendFileSync(`${path}.part`, torn);
      await using rows = await open(path);
      expect(rows.rows).toBe(2);
      expect(readFileSync(`${path}.part`, 'utf8')).toBe('head\na\nb\n');
    }
    await using rows = await open(path);
    await rows.append('c\nd\n', 2);
    await rows.append('e\nf\n', 2);
    await rows.finish({ keepState: true });
    expect(readFileSync(path, 'utf8')).toBe('head\na\nb\nc\nd\ne\nf\n');
    await using again = await open(path);
    expect(again.rows).toBe(6);
    await again.finish();
    expect(readdirSync(folder).filter((name) => name.startsWith('rows'))).toEqual(['rows.csv']);
  });

  it('begins anew where its end is lost', async () => {
    const path = join(folder, 'lost.csv');
    {
      await using rows = await open(path);
      await rows.append('a\nb\n', 2);
    }
    writeFileSync(`${path}.part`, 'head\na\n');
    await using rows = await open(path);
    expect(rows.rows).toBe(0);
    expect(readFileSync(`${path}.part`, 'utf8')).toBe('head\n');
  });

  it('is of images that are what they were, by their dates, or by their bytes where a date is another', async () => {
    const path = join(folder, 'images.csv');
    const [dates, contents] = [
      ['d0', 'd1', 'd2', 'd3', 'd4', 'd5'],
      ['b0', 'b1', 'b2', 'b3', 'b4', 'b5'],
    ];
    let read: number[] = [];
    const bytesOf = async (i: number) => {
      read.push(i);
      return contents[i];
    };
    const stamp: StampOf = async (i) => ({ dated: dates[i], bytes: () => bytesOf(i) });
    const again = async (...rows: [string, number][]) => {
      read = [];
      await using file = await open(path, ORIGIN, 6, stamp);
      const found = [...read];
      for (const [text, count] of rows) await file.append(text, count);
      return found;
    };
    await again(['a\n', 1], ['b\nc\n', 2]);
    expect(await again(['d\n', 1])).toEqual([]);
    // An image whose row is not written may change.
    [dates[4], contents[4]] = ['new', 'new'];
    expect(await again()).toEqual([]);
    // A copy.
    dates.fill('copied');
    expect(await again(['e\n', 1])).toEqual([0, 1, 2, 3]);
    expect(await again()).toEqual([]);
    dates[1] = 'other';
    contents[1] = 'other';
    await expect(again()).rejects.toThrow(
      `${path} has rows of images that were changed since; delete ${path}.state.json to begin anew`,
    );
    contents[1] = 'b1';
    [contents[2], contents[3]] = ['b3', 'b2'];
    await expect(again()).rejects.toThrow(/were changed since/);
    [contents[2], contents[3]] = ['b2', 'b3'];
    {
      await using file = await open(path, ORIGIN, 6, stamp);
      await file.append('f\n', 1);
      await file.finish({ keepState: true });
    }
    // What is finished too.
    dates[5] = 'late';
    expect(await again()).toEqual([0, 1, 2, 3, 4, 5]);
    contents[5] = 'late';
    await expect(again()).rejects.toThrow(/were changed since/);
  });

  it('leaves nothing where no row was made, and another command may begin', async () => {
    const path = join(folder, 'none.csv');
    await (await open(path))[Symbol.asyncDispose]();
    expect(readdirSync(folder).filter((name) => name.startsWith('none'))).toEqual([]);
    // A kill leaves more.
    writeFileSync(`${path}.part`, 'head\n');
    writeFileSync(`${path}.state.json`, JSON.stringify({ origin: ORIGIN, ...NOTHING }));
    await using rows = await open(path, { ...ORIGIN, '--tta': 2 });
    expect(rows.rows).toBe(0);
  });

  it('is written by one process', async () => {
    const path = join(folder, 'two.csv');
    await using _first = await open(path);
    await expect(open(path)).rejects.toThrow(`two.csv is being written by process ${process.pid} on `);
  });

  it('is of one command', async () => {
    const path = join(folder, 'one.csv');
    {
      await using rows = await open(path);
      await rows.append('a\n', 1);
    }
    await expect(open(path, { ...ORIGIN, '--tta': 2 })).rejects.toThrow(
      /one\.csv was begun by another command \(--tta was 1 and is now 2\); give the same one to go on/,
    );
    await expect(open(path, ORIGIN, 7)).rejects.toThrow(/\(total was 6 and is now 7\)/);
    writeFileSync(`${path}.state.json`, '{"rows":');
    await expect(open(path)).rejects.toThrow(/one\.csv\.state\.json is damaged/);
  });
});

describe('parts', () => {
  it('are put together behind one header, which may have two lines', async () => {
    const out = join(folder, 'two-lines');
    mkdirSync(out);
    for (const index of [1, 2]) {
      const path = join(out, shardName({ index, of: 2 }, 'csv'));
      await using rows = await RowFile.open(path, { origin: { images: 3 }, total: index, header: 'id,"a\nb"\n' });
      await rows.append('x,0.5\n'.repeat(index), index);
      await rows.finish({ keepState: true });
    }
    await mergePredictions(out, join(out, 'all.csv'));
    expect(readFileSync(join(out, 'all.csv'), 'utf8')).toBe('id,"a\nb"\nx,0.5\nx,0.5\nx,0.5\n');
  });
});

describe('a prediction', () => {
  // More than two batches of 128: small pictures, which are read at once.
  let DATA: string;
  let run: string;
  let whole: string;
  const csv = (path: string) => readFileSync(path, 'utf8');
  const shard = (out: string, k: number, ...args: string[]) =>
    succeed('predict', run, '--data', DATA, '--shard', `${k}/3`, '--out', out, ...args);
  /** Ends a prediction by a signal at a moment. */
  const stopped = (moment: object, ...args: string[]) =>
    new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      const words = ['--import', PLUG, PROGRAM, 'predict', run, '--data', DATA, '--adapter', 'lavapipe', ...args];
      spawn(process.execPath, words, { stdio: 'ignore', env: { ...process.env, PLUG: JSON.stringify(moment) } })
        .on('error', reject)
        .on('close', (code, signal) => resolve([code, signal]));
    });

  beforeAll(async () => {
    [run, DATA] = [join(folder, 'run'), join(folder, 'pictures')];
    mkdirSync(DATA);
    for (let i = 0; i < 300; i++) writeFileSync(join(DATA, `${i}.png`), shape(i % 3, i));
    const small = '--data synthetic:60 --model vgg_small --width 0.25 --size 32 --batch 8 --epochs 1 --tta 1';
    await succeed('train', ...small.split(' '), '--out', run);
    const path = join(folder, 'whole.csv');
    await succeed('predict', run, '--data', DATA, '--out', path);
    whole = csv(path);
    expect(readdirSync(folder).filter((name) => name.startsWith('whole'))).toEqual(['whole.csv']);
  });

  it.each<[NodeJS.Signals, number | null, object]>([
    ['SIGKILL', null, { operation: 'rename', nth: 3 }],
    ['SIGINT', 130, { operation: 'renamed', nth: 2 }],
    ['SIGTERM', 143, { operation: 'renamed', nth: 2 }],
  ])('ended by %s goes on where it stopped, to the same rows', async (signal, code, moment) => {
    const out = join(folder, `${signal}.csv`);
    // The state is written for the header and after each batch.
    const ended = await stopped({ file: `${signal}.*state.json.*tmp$`, signal, ...moment }, '--out', out);
    expect(ended).toEqual(code === null ? [null, signal] : [code, null]);
    expect(existsSync(out)).toBe(false);
    expect(await fail('predict', run, '--data', DATA, '--tta', '2', '--out', out)).toMatch(
      /was begun by another command \(--tta was 1 and is now 2\)/,
    );
    const again = await tuningfork(['predict', run, '--data', DATA, '--out', out, '--adapter', 'lavapipe']);
    expect([again.code, again.stderr]).toEqual([0, expect.stringMatching(/^(128|256) of 300 were predicted before$/m)]);
    expect(csv(out)).toBe(whole);
    expect(readdirSync(folder).filter((name) => name.startsWith(signal))).toEqual([`${signal}.csv`]);
  });

  it('goes on with copies of its images, and not with others of the same names', async () => {
    const [out, copy] = [join(folder, 'changed.csv'), join(folder, 'copy')];
    cpSync(DATA, copy, { recursive: true });
    const args = ['predict', run, '--data', copy, '--out', out];
    const moment = { file: 'changed.*state.json.*tmp$', signal: 'SIGKILL', operation: 'renamed', nth: 2 };
    expect(await stopped(moment, '--data', copy, '--out', out)).toEqual([null, 'SIGKILL']);
    const [first] = csv(`${out}.part`).split('\n')[1].split(',');
    const picture = join(copy, `${first}.png`);
    const bytes = readFileSync(picture);
    writeFileSync(picture, shape(1, 77));
    expect(await fail(...args)).toMatch(
      /changed\.csv has rows of images that were changed since; delete .*state\.json/,
    );
    writeFileSync(picture, bytes);
    utimesSync(picture, 1, 1);
    await succeed(...args);
    expect(csv(out)).toBe(whole);
  });

  it('in parts is the same put together; parts that are missing, of others or changed are refused', async () => {
    const [out, merged] = [join(folder, 'parts'), join(folder, 'merged.csv')];
    const refused = (from: string) => fail('predict', 'merge', from, '--out', merged);
    for (const k of [3, 1]) await shard(out, k);
    expect(await refused(out)).toMatch(/parts lacks part 2 of 3; .* --shard 2\/3/);
    await shard(out, 2);
    expect(await succeed('predict', 'merge', out, '--out', merged)).toBe(`300 rows of 3 parts: ${merged}\n`);
    expect(csv(merged)).toBe(whole);
    // A part that is there is not predicted again.
    const twice = await tuningfork([
      'predict',
      run,
      '--data',
      DATA,
      '--shard',
      '2/3',
      '--out',
      out,
      '--adapter',
      'lavapipe',
    ]);
    expect([twice.code, twice.stderr]).toEqual([0, expect.stringMatching(/^100 of 100 were predicted before$/m)]);

    const state = (from: string) => join(from, 'shard-2-of-3.csv.state.json');
    const damaged = async (change: (from: string) => void) => {
      const from = join(folder, 'damaged');
      cpSync(out, from, { recursive: true });
      change(from);
      const sentence = await refused(from);
      rmSync(from, { recursive: true });
      return sentence;
    };
    const edit = (path: string, from: string | RegExp, to: string) => writeFileSync(path, csv(path).replace(from, to));
    expect(await damaged((from) => edit(join(from, 'shard-2-of-3.csv'), /0\.\d/, '0.9'))).toMatch(
      /2-of-3\.csv was changed since/,
    );
    expect(await damaged((from) => edit(state(from), /"model":"\w{4}/, '"model":"0000'))).toMatch(
      /parts of different predictions: shard-1-of-3\.csv and shard-2-of-3\.csv \(model was \w+ and is now 0000/,
    );
    expect(await damaged((from) => rmSync(state(from)))).toMatch(/lacks shard-2-of-3\.csv\.state\.json/);
    expect(await damaged((from) => writeFileSync(join(from, 'shard-1-of-2.csv'), ''))).toMatch(
      /one of 2 as csv and one of 3 as csv/,
    );
    expect(await refused(run)).toMatch(/holds no parts of predictions/);
    expect(await fail('predict', 'merge', out)).toMatch(/give --out/);
    expect(await fail('predict', run, '--data', DATA, '--shard', '1/3')).toMatch(/--shard needs a folder/);
  });

  it('in parts of JSON lines is the same put together', async () => {
    const [out, merged] = [join(folder, 'lines'), join(folder, 'merged.jsonl')];
    for (const k of [1, 2, 3]) await shard(out, k, '--json');
    await succeed('predict', 'merge', out, '--out', merged);
    expect(csv(merged)).toBe(await succeed('predict', run, '--data', DATA, '--json'));
  });
});
