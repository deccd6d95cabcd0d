import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TuningTable } from '../../engine/tuning.ts';
import type { TuningReport } from '../../cli/show_tuning.ts';
import { tuningFile } from '../../cli/tuning_file.node.ts';
import { tuningfork as start } from './cli.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-tune-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** As a user who has set nothing but where caches go. */
const tuningfork = (...args: string[]) => start(args, { TUNINGFORK_TUNING: undefined, XDG_CACHE_HOME: folder });
const TINY = ['vgg_small', '--size', '32', '--batch', '1', '--adapter', 'lavapipe'];
const own = () => join(folder, 'tuningfork', 'tuning.json');

describe('the place of the file', () => {
  const place = (env: Record<string, string | undefined>, option?: string) => {
    const before = { ...process.env };
    try {
      for (const name of ['TUNINGFORK_TUNING', 'XDG_CACHE_HOME', 'HOME']) delete process.env[name];
      for (const [name, value] of Object.entries(env)) process.env[name] = value;
      return tuningFile(option);
    } finally {
      process.env = before;
    }
  };
  it("is the user's cache folder, unless another is named", () => {
    expect(place({ HOME: '/home/u' })).toEqual({ path: '/home/u/.cache/tuningfork/tuning.json', named: false });
    expect(place({ HOME: '/home/u', XDG_CACHE_HOME: '/c' })).toEqual({
      path: '/c/tuningfork/tuning.json',
      named: false,
    });
    expect(place({ HOME: '/home/u', XDG_CACHE_HOME: 'c' })).toEqual({
      path: '/home/u/.cache/tuningfork/tuning.json',
      named: false,
    });
    expect(place({ XDG_CACHE_HOME: '/c', TUNINGFORK_TUNING: '/t.json' })).toEqual({ path: '/t.json', named: true });
    expect(place({ TUNINGFORK_TUNING: '/t.json' }, 'u.json')).toEqual({ path: 'u.json', named: true });
    expect(place({ XDG_CACHE_HOME: '/c' }, 'none')).toEqual({ path: null, named: true });
  });
});

describe('tune', () => {
  it('does nothing in no time, and then goes on: measures, keeps, lists and forgets', async () => {
    const none = await tuningfork('tune', ...TINY, '--budget', '0');
    expect(none.code, none.stderr).toBe(0);
    expect(none.stdout).toMatch(/^0 of \d+ kinds of work are measured: give the same command again/m);
    expect(existsSync(own())).toBe(false);

    const { code, stdout, stderr } = await tuningfork('tune', ...TINY, '--json');
    expect(code, stderr).toBe(0);
    const report = JSON.parse(stdout) as TuningReport;
    expect(report).toMatchObject({ model: 'vgg_small', mode: 'forward', batch: 1, size: 32, file: own(), refused: [] });
    expect(report.tuned.length).toBe(report.tasks);
    for (const { before, after } of report.tuned) expect(after).toBeLessThanOrEqual(before);
    const table = TuningTable.parse(readFileSync(own(), 'utf8'), own());
    expect(table.size).toBe(report.tasks);

    const again = await tuningfork('tune', ...TINY);
    expect(again.stdout).toContain(`all ${report.tasks} kinds of work are measured`);
    expect(String(TuningTable.parse(readFileSync(own(), 'utf8'), own()))).toBe(String(table));

    const list = await tuningfork('tune', '--list');
    expect(list.stdout.match(/^(conv2d|matmul|batch_norm_apply|pointwise) /gm)?.length).toBe(report.tasks);
    expect(JSON.parse((await tuningfork('tune', '--list', '--json')).stdout)).toHaveLength(report.tasks);
    expect((await tuningfork('tune', '--clear')).code).toBe(0);
    expect(existsSync(own())).toBe(false);
    expect((await tuningfork('tune', '--list')).stdout).toMatch(/nothing is tuned yet/);
  });

  it('passes a damaged file of its own over with a note, and refuses one that was named', async () => {
    const damaged = join(folder, 'damaged.json');
    writeFileSync(damaged, '{"format": "tuningfork tuning 1", "adap');
    const named = await tuningfork('inspect', ...TINY, '--tuning', damaged);
    expect(named.code).toBe(2);
    expect(named.stderr).toMatch(/damaged\.json holds no tuning: .*JSON/);
    expect((await tuningfork('inspect', ...TINY, '--tuning', join(folder, 'nowhere.json'))).stderr).toMatch(
      /nowhere\.json: there is no such file/,
    );

    mkdirSync(join(folder, 'tuningfork'), { recursive: true });
    writeFileSync(own(), 'no tuning');
    const { code, stderr } = await tuningfork('inspect', ...TINY);
    expect(code).toBe(0);
    expect(stderr).toMatch(/tuning\.json holds no tuning: .*; going on without it/);
  });

  it('forgets a tuning, and deletes nothing else', async () => {
    const clear = (path: string) => tuningfork('tune', '--clear', '--tuning', path);
    const [notes, kept, other] = ['notes.txt', 'kept.json', 'other.json'].map((name) => join(folder, name));
    writeFileSync(notes, 'what I thought');
    writeFileSync(other, '{"lr": 0.1}');
    for (const path of [notes, other]) {
      expect(await clear(path)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^tuningfork: .* holds no tuning/),
      });
      expect(existsSync(path)).toBe(true);
    }
    expect(await clear(folder)).toMatchObject({ code: 2, stderr: expect.stringMatching(/it is a folder/) });
    writeFileSync(kept, String(new TuningTable()));
    for (const _ of [1, 2]) {
      expect((await clear(kept)).code).toBe(0);
      expect(existsSync(kept)).toBe(false);
    }
    // The file of its own, which no one else writes to, may be damaged.
    mkdirSync(join(folder, 'tuningfork'), { recursive: true });
    writeFileSync(own(), 'no tuning');
    expect((await tuningfork('tune', '--clear')).code).toBe(0);
    expect(existsSync(own())).toBe(false);
    // Nor a folder in its place.
    mkdirSync(own());
    expect(await tuningfork('tune', '--clear')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/it is a folder/),
    });
    rmSync(own(), { recursive: true });
  });

  it('has no file to write to where there is to be none', async () => {
    const { code, stderr } = await tuningfork('tune', ...TINY, '--tuning', 'none');
    expect(code).toBe(2);
    expect(stderr).toMatch(/`none` is no file/);
  });
});
