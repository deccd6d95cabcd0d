import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { FileLock } from '../../models/formats/file_lock.node.ts';
import { makeFolder } from '../../models/formats/make_folder.node.ts';

const scratch = mkdtempSync(join(tmpdir(), 'tuningfork-lock-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const folder = join(scratch, 'run');
const path = join(folder, '.lock');
const take = () => FileLock.take(path, 'runs/a');
const names = () => readdirSync(folder);
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
});

/** What another process leaves. */
const leave = (holder: object) => writeFileSync(path, `${JSON.stringify(holder)}\n`);

const living: ChildProcess[] = [];
afterAll(() => living.forEach((child) => child.kill('SIGKILL')));
function alive(): number {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  living.push(child);
  return child.pid!;
}
/** Of a process that has ended. */
const dead = (): number => spawnSync(process.execPath, ['-e', '']).pid;

describe('a lock', () => {
  it('says who holds it, and is gone when it is given back', () => {
    const lock = take();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() });
    expect(names()).toEqual(['.lock']);
    lock[Symbol.dispose]();
    expect(names()).toEqual([]);
    take()[Symbol.dispose]();
  });

  it('refuses a second one, in this process too, by process and host', () => {
    using _lock = take();
    expect(take).toThrow(UserError);
    expect(take).toThrow(`runs/a is being written by process ${process.pid} on ${hostname()}; wait until it ends`);
    expect(names()).toEqual(['.lock']);
  });

  it('of a living process is kept', () => {
    const pid = alive();
    leave({ pid, host: hostname(), started: null });
    expect(take).toThrow(`process ${pid} on ${hostname()}`);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid });
  });

  it.each<[string, () => void]>([
    ['of a dead process', () => leave({ pid: dead(), host: hostname(), started: null })],
    [
      'of a process whose number another one has now',
      () => leave({ pid: alive(), host: hostname(), started: '1 boot' }),
    ],
    ['that a power cut emptied', () => writeFileSync(path, '')],
    ['that is cut', () => writeFileSync(path, '{"pid": 1')],
    ['that is none', () => leave({ pid: 'x' })],
    [
      'of another host that was not touched for long',
      () => {
        leave({ pid: 1, host: 'elsewhere', started: null });
        const before = new Date(Date.now() - 121_000);
        utimesSync(path, before, before);
      },
    ],
  ])('%s is taken over', (_, leaveIt) => {
    leaveIt();
    const lock = take();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid });
    lock[Symbol.dispose]();
    expect(names()).toEqual([]);
  });

  it('of another host that was touched lately is kept, whatever runs here', () => {
    leave({ pid: dead(), host: 'elsewhere', started: null });
    expect(take).toThrow(/process \d+ on elsewhere/);
  });

  it('that another process took over is not removed', () => {
    const lock = take();
    leave({ pid: 1, host: 'elsewhere', started: null });
    lock[Symbol.dispose]();
    expect(names()).toEqual(['.lock']);
  });

  it('removes the folders that were made for it, unless something is in them', () => {
    const deep = join(folder, 'made', 'deep');
    const locked = () => FileLock.take(join(deep, '.lock'), deep, makeFolder(deep));
    locked()[Symbol.dispose]();
    expect(names()).toEqual([]);
    const lock = locked();
    writeFileSync(join(deep, 'kept'), '');
    lock[Symbol.dispose]();
    expect(readdirSync(deep)).toEqual(['kept']);
  });

  it('is refused where it cannot be written', () => {
    expect(() => FileLock.take(join(folder, 'missing', '.lock'), 'x/y')).toThrow('Cannot write x/y: there is no such');
  });

  it('is given to one of many who want it at once', async () => {
    const program = `import { FileLock } from ${JSON.stringify(fileURLToPath(new URL('../../models/formats/file_lock.node.ts', import.meta.url)))};
try { FileLock.take(${JSON.stringify(path)}, 'x'); console.log('mine'); } catch (error) { console.log(error.message); }
process.stdin.resume();`;
    const entry = join(scratch, 'taker.ts');
    writeFileSync(entry, program);
    const { buildSync } = await import('esbuild');
    const built = join(scratch, 'taker.mjs');
    buildSync({ entryPoints: [entry], outfile: built, bundle: true, platform: 'node', format: 'esm' });
    leave({ pid: dead(), host: hostname(), started: null });
    // Each holds what it got until all have said what that is.
    const children = Array.from({ length: 8 }, () =>
      spawn(process.execPath, [built], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    const ends = children.map((child) => new Promise((resolve) => child.on('close', resolve)));
    const outputs = await Promise.all(
      children.map((child) => new Promise<string>((resolve) => child.stdout.setEncoding('utf8').once('data', resolve))),
    );
    for (const child of children) child.stdin.end();
    await Promise.all(ends);
    expect(outputs.filter((text) => text === 'mine\n')).toHaveLength(1);
    expect(outputs.filter((text) => text.startsWith('x is being written by process'))).toHaveLength(7);
    expect(existsSync(path), 'left at the end').toBe(false);
  });
});
