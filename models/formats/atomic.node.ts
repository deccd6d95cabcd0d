import { open as openFile, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileError } from './file_error.node.ts';

type Writable = Pick<FileHandle, 'writeFile' | 'sync' | 'close'>;

let written = 0;

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
