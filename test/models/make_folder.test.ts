import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { makeFolder } from '../../models/formats/make_folder.node.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tuningfork-folder-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('makes a folder with those above it, and lets one be that is there', () => {
  makeFolder(join(folder, 'a/b/c'));
  makeFolder(join(folder, 'a/b'));
  expect(statSync(join(folder, 'a/b/c')).isDirectory()).toBe(true);
});

it('says so when a file is in the way, at the end or above', () => {
  writeFileSync(join(folder, 'file'), '');
  for (const path of [join(folder, 'file'), join(folder, 'file/a/b')]) {
    expect(() => makeFolder(path)).toThrow(UserError);
    expect(() => makeFolder(path)).toThrow(/Cannot write .*file.*a part of its path is a file/);
  }
});

it.runIf(existsSync('/proc/self'))('ends where the system makes no folders at all', () => {
  expect(() => makeFolder('/proc/tuningfork/run')).toThrow(
    /Cannot write \/proc\/tuningfork\/run: there is no such file or folder/,
  );
});
