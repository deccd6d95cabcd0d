import { existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeFileAtomic } from '../../models/formats/atomic.node.ts';
import { makeFolder } from '../../models/formats/make_folder.node.ts';

/**
 * Opens a file to be read and written, with what it holds already, or empty. What it holds depends on `key`, which is
 * kept beside it: a file that was made for another key is begun anew.
 * @returns its handle
 */
export async function openKeyedFile(path: string, key: string): Promise<number> {
  const keyPath = `${path}.key`;
  makeFolder(dirname(path));
  if (!existsSync(keyPath) || readFileSync(keyPath, 'utf8') !== key) {
    rmSync(path, { force: true });
    await writeFileAtomic(keyPath, key);
  }
  return openSync(path, existsSync(path) ? 'r+' : 'w+');
}
