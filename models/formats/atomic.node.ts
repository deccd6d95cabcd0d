import { readdirSync, rmSync } from 'node:fs';
import { open as openFile, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileError } from './file_error.node.ts';

type Writable = Pick<FileHandle, 'writeFile' | 'sync' | 'close'>;

let written = 0;
/** What follows a file's name in the name of its temporary. */
const OF_A_PROCESS = /^\d+\.\d+\.tmp$/;

/**
 * Writes a file so that under `path` there is at every moment, power cuts included, either what was there before or all
 * of `data`: a temporary file in the same folder, fsync, rename, fsync of the folder. The temporary is removed on
 * failure.
 * @throws UserError when the disk is full, the folder is missing or forbidden, or `path` is a folder.
 */
export async function writeFileAtomic(
  path: string,
  data: Uint8Array | string,
  open: (path: string) => Promise<Writable> = (name) => openFile(name, 'wx'),
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${written++}.tmp`);
  try {
    // Asked first, since rename would find it out only after all bytes were written.
    if (await isFolder(path)) throw Object.assign(new Error(), { code: 'EISDIR' });
    const file = await open(temporary);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to tell
    throw fileError('write', path, error);
  }
}

/**
 * Removes what killed processes were writing in a folder to files of these names. The caller holds the lock that keeps
 * other writers of them out; temporaries of all other files stay.
 */
export function removeTemporaries(folder: string, names: readonly string[]): void {
  for (const found of readdirSync(folder))
    if (names.some((name) => found.startsWith(`.${name}.`) && OF_A_PROCESS.test(found.slice(name.length + 2))))
      rmSync(join(folder, found), { force: true });
}

/** Makes the renames within a folder survive a power cut. Windows has no such call and refuses to open a folder. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await openFile(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
