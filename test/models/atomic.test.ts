import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../engine/user_error.ts';
import { removeTemporaries, writeFileAtomic } from '../../models/formats/atomic.node.ts';
import { readSafetensorsFile, writeSafetensorsFile } from '../../models/formats/safetensors.node.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tuningfork-atomic-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('writeFileAtomic', () => {
  it('writes text and bytes, replacing what was there, and leaves nothing beside them', async () => {
    const path = join(folder, 'a.json');
    await writeFileAtomic(path, 'old');
    await writeFileAtomic(path, new Uint8Array([0x6e, 0x65, 0x77]));
    expect(await readFile(path, 'utf8')).toBe('new');
    expect(await readdir(folder)).toEqual(['a.json']);
  });

  it('has all bytes on the disk before they get their name', async () => {
    const path = join(folder, 'a.json');
    await writeFile(path, 'old');
    const done: string[] = [];
    const watched = async (temporary: string) => {
      const handle = await open(temporary, 'wx');
      const step = async (name: string, work: Promise<void>) => {
        await work;
        done.push(`${name}: ${await readFile(path, 'utf8')}`);
      };
      return {
        writeFile: (data: Uint8Array | string) => step('written', handle.writeFile(data)),
        sync: () => step('synced', handle.sync()),
        close: () => step('closed', handle.close()),
      };
    };
    await writeFileAtomic(path, 'new', watched as NonNullable<Parameters<typeof writeFileAtomic>[2]>);
    expect(done).toEqual(['written: old', 'synced: old', 'closed: old']);
    expect(await readFile(path, 'utf8')).toBe('new');
  });

  it.runIf(existsSync('/dev/full'))(
    'on a full disk says so, keeps the old file and removes the temporary',
    async () => {
      const path = join(folder, 'model.safetensors');
      await writeFile(path, 'old');
      // A temporary file that exists, and a handle to the device on which every write ends in ENOSPC.
      const full = async (temporary: string): Promise<Awaited<ReturnType<typeof open>>> => {
        await writeFile(temporary, '');
        expect(await readdir(folder)).toHaveLength(2);
        return open('/dev/full', 'w');
      };
      const failure = writeFileAtomic(path, 'new', full);
      await expect(failure).rejects.toThrow(UserError);
      await expect(failure).rejects.toThrow(`Cannot write ${path}: the disk is full`);
      expect(await readdir(folder)).toEqual(['model.safetensors']);
      expect(await readFile(path, 'utf8')).toBe('old');
    },
  );

  it('names a folder in the way, a missing folder, a file used as folder', async () => {
    await mkdir(join(folder, 'sub'));
    await writeFile(join(folder, 'plain'), '');
    await expect(writeFileAtomic(join(folder, 'sub'), 'x')).rejects.toThrow(/sub: it is a folder/);
    await expect(writeFileAtomic(join(folder, 'none/x'), 'x')).rejects.toThrow(/no such file or folder/);
    await expect(writeFileAtomic(join(folder, 'plain/x'), 'x')).rejects.toThrow(/where a folder is needed/);
    expect((await readdir(folder)).sort()).toEqual(['plain', 'sub']);
  });

  it('says when access is forbidden', async () => {
    const forbidden = (): Promise<never> => Promise.reject(Object.assign(new Error(), { code: 'EACCES' }));
    await expect(writeFileAtomic(join(folder, 'x'), 'x', forbidden)).rejects.toThrow(/access is not allowed/);
  });

  it('passes on an error that no user can mend', async () => {
    const bug = new TypeError('bug');
    await expect(writeFileAtomic(join(folder, 'x'), 'x', () => Promise.reject(bug))).rejects.toBe(bug);
  });
});

describe('removeTemporaries', () => {
  it('removes what killed processes were writing to files of these names, and nothing else', async () => {
    const left = ['.metrics.json.27106.1.tmp', '.metrics.json.3.0.tmp', '.report.html.1409.21.tmp'];
    const others = [
      'metrics.json',
      '.metrics.json',
      '.metrics.json.bak',
      '.metrics.json.1.tmp',
      'metrics.json.1.2.tmp',
    ];
    const ofOthers = ['.rows.csv.12.0.tmp', '.metrics.json.old.12.0.tmp', '.lock'];
    for (const name of [...left, ...others, ...ofOthers]) await writeFile(join(folder, name), '');
    removeTemporaries(folder, ['metrics.json', 'report.html']);
    expect((await readdir(folder)).sort()).toEqual([...others, ...ofOthers].sort());
  });
});

describe('safetensors files', () => {
  it('are read back as written, and refused by path', async () => {
    const path = join(folder, 'w.safetensors');
    await writeSafetensorsFile(path, new Map([['a', { dtype: 'f32', shape: [2], data: new Float32Array([1, 2]) }]]), {
      k: 'v',
    });
    const { tensors, metadata } = await readSafetensorsFile(path);
    expect(tensors.get('a')!.data).toEqual(new Float32Array([1, 2]));
    expect(metadata.k).toBe('v');
    await writeFile(path, 'no tensors here');
    await expect(readSafetensorsFile(path)).rejects.toThrow(path);
    await expect(readSafetensorsFile(folder)).rejects.toThrow(/Cannot read .* it is a folder/);
    await expect(readSafetensorsFile(join(folder, 'none'))).rejects.toThrow(/no such file/);
  });
});
