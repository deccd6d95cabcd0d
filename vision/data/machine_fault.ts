import { UserError } from '../../engine/user_error.ts';

/** A fault of the machine or its disk while an image was read, and none of the image: it may be read another time. */
export class MachineFault extends UserError {}

/** Whether an error says that an image itself cannot be read. */
export const isBadImage = (error: unknown): error is UserError =>
  error instanceof UserError && !(error instanceof MachineFault);

/** What the system says of a path that names no file, or none that one may read. */
const OF_THE_PATH = new Set(
  'ENOENT ENOTDIR EISDIR ELOOP ENAMETOOLONG EACCES EPERM ENXIO ERR_FS_FILE_TOO_LARGE'.split(' '),
);

/** What to throw when the system refuses to read an image's file. */
export function readFault(file: string, { code, message }: Error & { readonly code?: string }): UserError {
  const what = `${file} cannot be read (${code ?? message})`;
  return OF_THE_PATH.has(code ?? '')
    ? new UserError(what)
    : new MachineFault(`${what}; this is no fault of the image: give the command again when the disk is well`);
}
