import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder } from '../models/formats/atomic.node.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import { FileLock } from '../models/formats/file_lock.node.ts';
import { onInterrupt } from './interrupt.ts';

/**
 * A file that is written piece by piece and appears under its name only when it is whole: until then it is
 * `<path>.part`, which `await using` and Ctrl-C remove where `finish` was not reached.
 */
export class PartFile implements AsyncDisposable {
  private open = true;
  private readonly forget: () => void;

  private constructor(
    private readonly path: string,
    private readonly part: string,
    private readonly file: FileHandle,
    private readonly lock: FileLock,
  ) {
    this.forget = onInterrupt(() => this[Symbol.asyncDispose]());
  }

  /** @throws UserError where the folder is missing or forbidden, `path` is a folder, or another process is at it */
  static async create(path: string): Promise<PartFile> {
    const part = `${path}.part`;
    let lock: FileLock | undefined;
    try {
      // Asked first, since rename would find it out only after all was written.
      if (
        await stat(path).then(
          (found) => found.isDirectory(),
          () => false,
        )
      )
        throw Object.assign(new Error(), { code: 'EISDIR' });
      lock = FileLock.take(`${path}.lock`, path);
      return new PartFile(path, part, await open(part, 'w'), lock);
    } catch (error) {
      lock?.[Symbol.dispose]();
      throw fileError('write', path, error);
    }
  }

  async write(data: string | Uint8Array): Promise<void> {
    try {
      await this.file.writeFile(data);
    } catch (error) {
      throw fileError('write', this.path, error);
    }
  }

  async finish(): Promise<void> {
    try {
      await this.file.sync();
      await this.close();
      await rename(this.part, this.path);
      await syncFolder(dirname(this.path));
    } catch (error) {
      await rm(this.part, { force: true });
      throw fileError('write', this.path, error);
    } finally {
      this.lock[Symbol.dispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.open) return;
    await this.close();
    await rm(this.part, { force: true });
    this.lock[Symbol.dispose]();
  }

  private async close(): Promise<void> {
    this.open = false;
    this.forget();
    await this.file.close();
  }
}
