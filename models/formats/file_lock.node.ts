import {
  constants,
  copyFileSync,
  linkSync,
  readFileSync,
  rmSync,
  rmdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { UserError } from '../../engine/user_error.ts';
import { fileError } from './file_error.node.ts';

/** A process that holds a lock. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When it was started, as the system counts; null where it does not tell. A number may get another process. */
  readonly started: string | null;
}

/** A holder touches its lock so often, in milliseconds. */
const TOUCH = 15_000;
/** A lock of another host, whose processes cannot be asked for, is left when it was not touched for so long. */
const LEFT = 120_000;

const held = new Set<FileLock>();
// A signal ends the program by process.exit, which runs no `finally`.
process.on('exit', () => {
  for (const lock of held) lock[Symbol.dispose]();
});

/**
 * A file that says which process writes here, so that a second one is refused. It is removed when it is disposed and
 * when the process exits; what a killed process left is taken over. Folders that were made for it are removed with it
 * where nothing else is in them.
 */
export class FileLock implements Disposable {
  private readonly touching: NodeJS.Timeout;

  private constructor(
    private readonly path: string,
    private readonly made: readonly string[],
  ) {
    held.add(this);
    this.touching = setInterval(() => this.touch(), TOUCH).unref();
  }

  /**
   * @param path the lock's own file
   * @param what what is locked: a path, as sentences call it
   * @param made folders that were made for it, the innermost last
   * @throws UserError naming the process that holds it, and its host; and where the folder cannot be written
   */
  static take(path: string, what: string, made: readonly string[] = []): FileLock {
    const own = `${path}.${hostname()}.${process.pid}`;
    try {
      writeFileSync(own, OWN);
      while (!linked(own, path)) {
        const text = read(path);
        if (text === undefined) continue; // It was given back in the meantime.
        const holder = parse(text);
        if (holder && isThere(holder, age(path, own)))
          throw new UserError(
            `${what} is being written by process ${holder.pid} on ${holder.host}; wait until it ends, or give another --out (where that process is gone, delete ${path})`,
          );
        takeAway(path, text, own);
      }
      return new FileLock(path, made);
    } catch (error) {
      throw error instanceof UserError ? error : fileError('write', what, error);
    } finally {
      rmSync(own, { force: true });
      removeEmpty(made);
    }
  }

  private touch(): void {
    try {
      utimesSync(this.path, new Date(), new Date());
    } catch {
      // Someone deleted it by hand: nothing is there to keep.
    }
  }

  [Symbol.dispose](): void {
    if (!held.delete(this)) return;
    clearInterval(this.touching);
    if (read(this.path) === OWN) rmSync(this.path, { force: true });
    removeEmpty(this.made);
  }
}

/** When a process was started, by Linux: ticks since the boot, and which boot. Null elsewhere. */
function startOf(pid: number): string | null {
  try {
    // The name of the program, in brackets, may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ');
    return `${fields[19]} ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`;
  } catch {
    return null;
  }
}

const OWN = `${JSON.stringify({ pid: process.pid, host: hostname(), started: startOf(process.pid) } satisfies Holder)}\n`;

/** Gives a file a second name that nothing has yet, in one step; false where something has it. */
function linked(file: string, name: string): boolean {
  try {
    linkSync(file, name);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error;
  }
  // A disk without links, such as one for cameras.
  try {
    copyFileSync(file, name, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Undefined for what a power cut left of it. */
function parse(text: string): Holder | undefined {
  try {
    const { pid, host, started = null } = JSON.parse(text) as Partial<Holder>;
    return Number.isSafeInteger(pid) && pid! > 0 && typeof host === 'string' ? { pid: pid!, host, started } : undefined;
  } catch {
    return undefined;
  }
}

/** @param untouched milliseconds since the holder touched its lock, by the clock of the disk */
function isThere({ pid, host, started }: Holder, untouched: number): boolean {
  if (host !== hostname()) return untouched < LEFT;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process may not be signalled, and is there.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return started === null || started === startOf(pid);
}

/** Milliseconds between the last changes of two files, by the clock of their disk; 0 where one is gone. */
function age(old: string, young: string): number {
  try {
    return statSync(young).mtimeMs - statSync(old).mtimeMs;
  } catch {
    return 0;
  }
}

/**
 * Removes a lock whose holder is gone, if it is still as it was read. Of those who want to, one at a time may: another
 * may have taken the lock over in the meantime, and must not lose it.
 * @param own a file that says who this process is
 */
function takeAway(path: string, text: string, own: string): void {
  const right = `${path}.taking`;
  if (!linked(own, right)) {
    const other = read(right);
    const holder = other && parse(other);
    // Who died in the middle of it, or was cut off, takes nothing away any more.
    if (other !== undefined && !(holder && isThere(holder, age(right, own)))) rmSync(right, { force: true });
    return;
  }
  try {
    if (read(path) === text) rmSync(path, { force: true });
  } finally {
    rmSync(right, { force: true });
  }
}

/** The innermost last. */
function removeEmpty(folders: readonly string[]): void {
  for (const folder of [...folders].reverse()) {
    try {
      rmdirSync(folder);
    } catch {
      return; // Something is in it.
    }
  }
}
