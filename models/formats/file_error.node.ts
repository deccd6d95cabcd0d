import { UserError } from '../../engine/user_error.ts';

const REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file or folder; check the path'],
  ['EACCES', 'access is not allowed; check its permissions'],
  ['EPERM', 'access is not allowed; check its permissions'],
  ['EROFS', 'its disk is read-only; choose another folder'],
  ['EISDIR', 'it is a folder, where a file is needed'],
  ['ENOTDIR', 'a part of its path is a file, where a folder is needed'],
  ['ENOSPC', 'the disk is full; free some space and run the command again'],
  ['EDQUOT', 'your disk quota is used up; free some space and run the command again'],
  ['EFBIG', 'it would be larger than the disk allows'],
  ['ENAMETOOLONG', 'its name is too long'],
  ['ERR_FS_FILE_TOO_LARGE', 'it is larger than 2 GiB, which this reader cannot take'],
]);

/**
 * What to throw when the system refuses to `read` or `write` a file: a UserError for what a user can mend, the error
 * itself for all else.
 */
export function fileError(doing: 'read' | 'write', path: string, error: unknown): unknown {
  const reason = REASONS.get((error as NodeJS.ErrnoException)?.code ?? '');
  return reason ? new UserError(`Cannot ${doing} ${path}: ${reason}.`) : error;
}
