import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileError } from './file_error.node.ts';

/**
 * Makes a folder and those it lies in, where they are not there yet. (Node's own recursive mkdir never returns where
 * the system says ENOENT for a folder in one that exists, as /proc does.)
 * @returns the folders that were made, the innermost last
 * @throws UserError where that is not allowed, or a file is in the way
 */
export function makeFolder(path: string): string[] {
  try {
    return make(path);
  } catch (error) {
    throw fileError('write', path, error);
  }
}

function make(path: string): string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory()) return [];
  const made = !found && dirname(path) !== path ? make(dirname(path)) : [];
  try {
    mkdirSync(path);
    return [...made, path];
  } catch (error) {
    // Another process may have made it in the meantime.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(path).isDirectory())
      throw found ? Object.assign(new Error(path), { code: 'ENOTDIR' }) : error;
    return made;
  }
}
