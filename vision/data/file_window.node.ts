import { open, type FileHandle } from 'node:fs/promises';
import { fileError } from '../../models/formats/file_error.node.ts';
import { UserError } from '../../engine/user_error.ts';
import { readFault } from './machine_fault.ts';

/** A file read by offset. Small reads come out of a window of bytes that is read ahead. */
export class FileWindow {
  readonly path: string;
  /** Bytes in the file. */
  readonly size: number;
  readonly #handle: FileHandle;
  #start = 0;
  #window = new Uint8Array(0);

  private constructor(path: string, handle: FileHandle, size: number) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
  }

  /** Opens a file. Throws a UserError where there is no such file. */
  static async open(path: string): Promise<FileWindow> {
    try {
      const handle = await open(path);
      const about = await handle.stat();
      if (about.isFile()) return new FileWindow(path, handle, about.size);
      await handle.close();
    } catch (error) {
      throw fileError('read', path, error);
    }
    throw new UserError(`Cannot read ${path}: it is no file.`);
  }

  /**
   * `length` bytes from `at` on, a copy.
   * @throws UserError where the file ends before
   */
  async read(at: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    if (at < 0 || at + length > this.size) throw new UserError(`${this.path} is cut off: it ends at byte ${this.size}`);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.#handle
        .read(bytes, done, length - done, at + done)
        .catch((error: NodeJS.ErrnoException) => {
          throw readFault(this.path, error);
        });
      if (bytesRead === 0) throw new UserError(`${this.path} became shorter while it was read`);
      done += bytesRead;
    }
    return bytes;
  }

  /** As `read`, for small pieces one behind the other: reads `ahead` bytes at once. Do not write into what it gives. */
  async peek(at: number, length: number, ahead: number): Promise<Uint8Array> {
    if (at < this.#start || at + length > this.#start + this.#window.length) {
      this.#window = await this.read(at, Math.max(length, Math.min(ahead, this.size - at)));
      this.#start = at;
    }
    return this.#window.subarray(at - this.#start, at - this.#start + length);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
