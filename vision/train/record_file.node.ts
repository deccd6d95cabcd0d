import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { writeFileAtomic } from '../../models/formats/atomic.node.ts';
import { fileError } from '../../models/formats/file_error.node.ts';
import { makeFolder } from '../../models/formats/make_folder.node.ts';
import { UserError } from '../../engine/user_error.ts';

/**
 * Records of f32 numbers, all of one length, appended in order and read back by number: what a frozen front computed,
 * kept on disk so that it costs no memory and an interrupted run need not compute it again.
 */
export class RecordFile {
  private constructor(
    private readonly path: string,
    private readonly handle: number,
    /** Numbers in a record. */
    readonly length: number,
    private written: number,
  ) {}

  /**
   * Opens a file, empty or with the whole records it holds already.
   * @param key what the records depend on: a file that was made for another key is begun anew
   */
  static async open(path: string, length: number, key: string): Promise<RecordFile> {
    const keyPath = `${path}.key`;
    const wanted = JSON.stringify({ length, key });
    makeFolder(dirname(path));
    try {
      if (!existsSync(keyPath) || readFileSync(keyPath, 'utf8') !== wanted) {
        rmSync(path, { force: true });
        await writeFileAtomic(keyPath, wanted);
      }
      const handle = openSync(path, existsSync(path) ? 'r+' : 'w+');
      return new RecordFile(path, handle, length, Math.floor(fstatSync(handle).size / (length * 4)));
    } catch (error) {
      throw fileError('write', path, error);
    }
  }

  get count(): number {
    return this.written;
  }

  /** Forgets all records after the first `count`. */
  truncate(count: number): void {
    this.written = Math.min(this.written, count);
    ftruncateSync(this.handle, this.written * this.length * 4);
  }

  append(values: Float32Array): void {
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    try {
      for (let done = 0; done < bytes.length; )
        done += writeSync(this.handle, bytes, done, bytes.length - done, this.written * this.length * 4 + done);
    } catch (error) {
      throw fileError('write', this.path, error);
    }
    this.written += values.length / this.length;
  }

  /** Copies record `index` into `to` from `offset` on. */
  read(index: number, to: Float32Array, offset: number): void {
    if (index >= this.written)
      throw new UserError(
        `${this.path} holds ${this.written} records and record ${index} was asked for; delete the file and run again`,
      );
    const bytes = new Uint8Array(to.buffer, to.byteOffset + offset * 4, this.length * 4);
    for (let done = 0; done < bytes.length; ) {
      const got = readSync(this.handle, bytes, done, bytes.length - done, index * this.length * 4 + done);
      if (got === 0) throw new UserError(`${this.path} ends within record ${index}; delete the file and run again`);
      done += got;
    }
  }

  close(): void {
    closeSync(this.handle);
  }
}
