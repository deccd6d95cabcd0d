import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RowFile } from '../../cli/row_file.node.ts';
import { PROGRAM, fail, succeed, tuningfork } from './cli.ts';
import { shape } from './shapes.ts';

const PLUG = fileURLToPath(new URL('../vision/plug.mjs', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-embed-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const named = (name: string) => readdirSync(folder).filter((each) => each.startsWith(name));

/** An .npy file by hand: its shape and its rows. */
function npy(path: string): { shape: number[]; rows: number[][] } {
  const bytes = readFileSync(path);
  expect(bytes.toString('latin1', 1, 6)).toBe('NUMPY');
  const start = 10 + bytes.readUInt16LE(8);
  expect(start % 64).toBe(0);
  const [, n, width] = /'shape': \((\d+), (\d+)\)/.exec(bytes.toString('latin1', 10, start))!.map(Number);
  expect(bytes.length).toBe(start + n * width * 4);
  const rows = Array.from({ length: n }, (_, i) =>
    Array.from({ length: width }, (_, k) => bytes.readFloatLE(start + (i * width + k) * 4)),
  );
  return { shape: [n, width], rows };
}
const idsOf = (path: string) => readFileSync(`${path}.ids.txt`, 'utf8').trimEnd().split('\n');

describe('a file of rows and its ids', () => {
  const origin = { model: 'm' };
  const open = (path: string) => RowFile.open(path, { origin, total: 3, header: 'head', hasIds: true });

  it('grow together, and get their names together', async () => {
    const path = at('both.npy');
    {
      await using rows = await open(path);
      await rows.append('AB', 2, 0, 'a\nb\n');
    }
    // What a kill leaves behind a batch, in one of them or in both.
    for (const [torn, ids] of [
      ['C', ''],
      ['C', 'c\n'],
    ]) {
      writeFileSync(`${path}.part`, `headAB${torn}`);
      writeFileSync(`${path}.ids.txt.part`, `a\nb\n${ids}`);
      await using rows = await open(path);
      expect(rows.rows).toBe(2);
    }
    {
      await using rows = await open(path);
      await rows.append('C', 1, 0, 'c\n');
      await rows.finish({ keepState: true, header: Buffer.from('HEAD') });
    }
    expect(readFileSync(path, 'utf8')).toBe('HEADABC');
    expect(readFileSync(`${path}.ids.txt`, 'utf8')).toBe('a\nb\nc\n');
    // Killed between the two names.
    renameSync(path, `${path}.part`);
    {
      await using rows = await open(path);
      expect(rows.rows).toBe(3);
      await rows.finish();
    }
    expect(named('both')).toEqual(['both.npy', 'both.npy.ids.txt']);
    expect(readFileSync(path, 'utf8')).toBe('HEADABC');
  });

  it('begin anew where the end of one is lost', async () => {
    const path = at('lost.npy');
    {
      await using rows = await open(path);
      await rows.append('AB', 2, 0, 'a\nb\n');
    }
    writeFileSync(`${path}.ids.txt.part`, 'a\n');
    await using rows = await open(path);
    expect(rows.rows).toBe(0);
  });
});

describe('features', () => {
  let [run, data, whole, table]: string[] = [];
  const embed = (out: string, ...args: string[]) => ['embed', run, '--data', data, '--out', out, ...args];
  /** Ends a command by a signal at a moment. */
  const stopped = (moment: object, args: string[]) =>
    new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      const words = ['--import', PLUG, PROGRAM, ...args, '--adapter', 'lavapipe'];
      spawn(process.execPath, words, { stdio: 'ignore', env: { ...process.env, PLUG: JSON.stringify(moment) } })
        .on('error', reject)
        .on('close', (code, signal) => resolve([code, signal]));
    });

  beforeAll(async () => {
    [run, data, whole, table] = [at('run'), at('pictures'), at('whole.npy'), at('whole.csv')];
    mkdirSync(data);
    for (let i = 0; i < 300; i++) writeFileSync(join(data, `${i}.png`), shape(i % 3, i));
    const small = '--data synthetic:60 --model vgg_small --width 0.25 --size 32 --batch 8 --epochs 1 --tta 1';
    await succeed('train', ...small.split(' '), '--out', run);
    await succeed(...embed(whole));
    await succeed(...embed(table));
    expect(npy(whole).shape[0]).toBe(300);
    expect(named('whole')).toEqual(['whole.csv', 'whole.npy', 'whole.npy.ids.txt']);
  });
  const same = (path: string) => {
    expect(readFileSync(path).equals(readFileSync(whole))).toBe(true);
    expect(idsOf(path)).toEqual(idsOf(whole));
  };

  it.each<[NodeJS.Signals, number | null, object, string]>([
    ['SIGKILL', null, { operation: 'rename', nth: 3 }, 'npy'],
    ['SIGTERM', 143, { operation: 'renamed', nth: 2 }, 'npy'],
    ['SIGKILL', null, { operation: 'renamed', nth: 3 }, 'csv'],
  ])('ended by %s (%s, %j) go on where they stopped, to the same .%s', async (signal, code, moment, kind) => {
    const out = at(`stopped-${signal}.${kind}`);
    const ended = await stopped({ file: `stopped.*state.json.*tmp$`, signal, ...moment }, embed(out));
    expect(ended).toEqual(code === null ? [null, signal] : [code, null]);
    expect(await fail(...embed(out, '--layer', 'classifier'))).toMatch(
      /was begun by another command \(--layer was \w+ and is now classifier; width was 16 and is now 2\)/,
    );
    const again = await tuningfork([...embed(out, '--json'), '--adapter', 'lavapipe']);
    expect([again.code, again.stderr]).toEqual([0, expect.stringMatching(/^(128|256) of 300 were embedded before$/m)]);
    expect(JSON.parse(again.stdout)).toEqual({ file: out, shape: [300, 16] });
    if (kind === 'npy') same(out);
    else expect(readFileSync(out, 'utf8')).toBe(readFileSync(table, 'utf8'));
    expect(named('stopped').filter((name) => /state|part|lock/.test(name))).toEqual([]);
    for (const name of named('stopped')) rmSync(at(name));
  });

  it('in parts are the same put together, as whatever is asked for', async () => {
    for (const format of ['npy', 'csv']) {
      const parts = at(`parts-${format}`);
      const args = format === 'npy' ? [] : ['--format', format];
      for (const k of [3, 1]) await succeed(...embed(parts, '--shard', `${k}/3`, ...args));
      expect(await fail('embed', 'merge', parts, '--out', at('m.npy'))).toMatch(/lacks part 2 of 3; .* --shard 2\/3/);
      await succeed(...embed(parts, '--shard', '2/3', ...args));
      expect(await succeed('embed', 'merge', parts, '--out', at('m.npy'))).toBe(
        `300 rows of 3 parts: ${at('m.npy')}\n`,
      );
      same(at('m.npy'));
      await succeed('embed', 'merge', parts, '--out', at('m.csv'));
      expect(readFileSync(at('m.csv'), 'utf8')).toBe(readFileSync(table, 'utf8'));
    }
    expect(npy(join(at('parts-npy'), 'shard-2-of-3.npy')).rows).toEqual(npy(whole).rows.slice(100, 200));
    expect(idsOf(join(at('parts-npy'), 'shard-2-of-3.npy'))).toEqual(idsOf(whole).slice(100, 200));
  });

  it('of a part are refused where one of its images was changed since, and of no other part', async () => {
    const parts = at('parts-npy');
    const picture = join(data, `${idsOf(whole)[150]}.png`);
    const bytes = readFileSync(picture);
    writeFileSync(picture, shape(2, 999));
    for (const k of [1, 3]) await succeed(...embed(parts, '--shard', `${k}/3`));
    expect(await fail(...embed(parts, '--shard', '2/3'))).toMatch(
      /shard-2-of-3\.npy has rows of images that were changed since; delete .*shard-2-of-3\.npy\.state\.json/,
    );
    writeFileSync(picture, bytes);
    await succeed(...embed(parts, '--shard', '2/3'));
  });

  it('are refused where parts were changed, are of another command, or no such file is written', async () => {
    const refused = (from: string, out = at('no.npy')) => fail('embed', 'merge', from, '--out', out);
    for (const name of ['shard-2-of-3.npy', 'shard-2-of-3.npy.ids.txt']) {
      const from = at('damaged');
      cpSync(at('parts-npy'), from, { recursive: true });
      const bytes = readFileSync(join(from, name));
      bytes[bytes.length - 3] ^= 1;
      writeFileSync(join(from, name), bytes);
      expect(await refused(from)).toMatch(/shard-2-of-3\.npy(\.ids\.txt)? was changed since it was written/);
      rmSync(from, { recursive: true });
    }
    expect(await refused(at('parts-npy'), at('no.txt'))).toMatch(/no\.txt: it must end with \.npy, \.csv or \.parquet/);
    expect(await fail('predict', 'merge', at('parts-csv'), '--out', at('no.csv'))).toMatch(
      /holds parts of features; join them by `tuningfork embed merge`/,
    );
    expect(await fail('embed', 'merge', at('parts-csv'))).toMatch(/embed merge needs a file to write: give --out/);
    expect(await fail('embed', run, '--data', data)).toMatch(/embed needs a file to write: give --out/);
    expect(await fail(...embed(at('no.npy'), '--format', 'csv'))).toMatch(/--format is for parts, with --shard/);
    expect(named('no.')).toEqual([]);
  });

  it('want a name of one line where ids have a file of their own', async () => {
    const broken = at('broken');
    mkdirSync(broken);
    for (const name of ['a', 'b\nc', 'd']) writeFileSync(join(broken, `${name}.png`), shape(1, 1));
    const asked = ['embed', run, '--data', broken, '--out'];
    expect(await fail(...asked, at('broken.npy'))).toMatch(
      /image "b\\nc": its name has a line break, which a file of ids cannot hold; rename it, or write \.csv or \.parquet/,
    );
    await succeed(...asked, at('broken.csv'));
    expect(readFileSync(at('broken.csv'), 'utf8')).toMatch(/^id,.*\na,.*\n"b\nc",.*\nd,.*\n$/);
    expect(named('broken').sort()).toEqual(['broken', 'broken.csv']);
  });

  it('leave out images that cannot be read, and say so in their header', async () => {
    const bad = ['0', '130', '299'];
    const some = at('some');
    cpSync(data, some, { recursive: true });
    for (const id of bad) writeFileSync(join(some, `${id}.png`), 'no image');
    const args = ['embed', run, '--data', some, '--skip-bad', '--adapter', 'lavapipe'];
    const { code, stdout, stderr } = await tuningfork([...args, '--out', at('some.npy')]);
    expect([code, stdout], stderr).toEqual([0, `${at('some.npy')}: 297 rows of 16\n`]);
    expect(stderr).toMatch(/^3 images were skipped$/m);
    const kept = idsOf(whole).flatMap((id, i) => (bad.includes(id) ? [] : [i]));
    expect(idsOf(at('some.npy'))).toEqual(kept.map((i) => idsOf(whole)[i]));
    const { shape: found, rows } = npy(at('some.npy'));
    expect(found).toEqual([297, 16]);
    expect(rows).toEqual(kept.map((i) => npy(whole).rows[i]));
    for (const shard of ['1/2', '2/2'])
      expect((await tuningfork([...args, '--shard', shard, '--out', at('bad-parts')])).code).toBe(0);
    await succeed('embed', 'merge', at('bad-parts'), '--out', at('bad.npy'));
    expect(readFileSync(at('bad.npy')).equals(readFileSync(at('some.npy')))).toBe(true);
  });
});
