import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { archiveStamps, fileStamp } from '../../../vision/data/file_stamp.node.ts';

const folder = mkdtempSync(join(tmpdir(), 'tuningfork-stamp-'));
afterAll(() => rmSync(folder, { recursive: true }));

const hash = async (path: string) => (await fileStamp(path)).bytes();

describe('the stamp of a file', () => {
  it('is empty for what is no file', async () => {
    for (const path of [folder, join(folder, 'none')]) {
      const { dated, bytes } = await fileStamp(path);
      expect([dated, await bytes()]).toEqual(['', '']);
    }
  });

  it.each([0, 1, 1 << 20, 64 << 20])('is a hash of all of %i bytes', async (size) => {
    const path = join(folder, `${size}.bin`);
    writeFileSync(path, Buffer.alloc(size, 7));
    const sum = execFileSync('bash', ['-c', `(echo ${size}; cat "$1") | sha256sum`, '-', path], { encoding: 'utf8' });
    expect(await hash(path)).toBe(sum.slice(0, 16));
  });

  it('tells a larger one by its size, its beginning and its end, and reads a part of it', async () => {
    const path = join(folder, 'large.bin');
    const size = 400 << 20;
    const write = (at: number) => {
      const file = openSync(path, 'w');
      ftruncateSync(file, size);
      writeSync(file, Buffer.of(1), 0, 1, at);
      closeSync(file);
    };
    const hashes = new Set<string>();
    for (const at of [0, (1 << 20) - 1, size - (1 << 20), size - 1]) {
      write(at);
      hashes.add(await hash(path));
    }
    expect(hashes.size).toBe(4);
    // Between the first two pieces.
    write(2 << 20);
    const before = await hash(path);
    write(3 << 20);
    expect(await hash(path)).toBe(before);
    appendFileSync(path, 'x');
    expect(await hash(path)).not.toBe(before);
  });

  it('is made once of an archive, however many images it holds', async () => {
    const path = join(folder, 'a.zip');
    writeFileSync(path, 'one');
    const stampOf = archiveStamps();
    const [first, second] = [await stampOf(path), await stampOf(path)];
    const read = await first.bytes();
    writeFileSync(path, 'two');
    expect(await second.bytes()).toBe(read);
    expect(await hash(path)).not.toBe(read);
  });
});
