import { closeSync, fstatSync, ftruncateSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { bytesOf } from '../../models/formats/crc32.ts';
import { fileError } from '../../models/formats/file_error.node.ts';
import { UserError } from '../../engine/user_error.ts';
import { openKeyedFile } from './keyed_file.node.ts';

/** Changes with the layout of the file: one of another is begun anew. */
const FORMAT = 2;

/** The bytes of a record's checksum, which follows its numbers. */
const SUM = 4;

/**
 * Records of f32 numbers, all of one length, appended in order and read back by number: what a frozen front computed,
 * kept on disk so that it costs no memory and an interrupted run need not compute it again. Each is followed by its
 * CRC-32, which tells what a power cut or a full disk made of the file.
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
   * Opens a file, empty or with the records it holds already, as far as all of them are whole.
   * @param key what the records depend on: a file that was made for another key is begun anew
   */
  static async open(path: string, length: number, key: string): Promise<RecordFile> {
    try {
      const handle = await openKeyedFile(path, JSON.stringify({ format: FORMAT, length, key }));
      const file = new RecordFile(path, handle, length, Math.floor(fstatSync(handle).size / (length * 4 + SUM)));
      file.truncate(file.countWhole());
      return file;
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
    ftruncateSync(this.handle, this.written * this.stride);
  }

  append(values: Float32Array): void {
    const count = values.length / this.length;
    const bytes = new Uint8Array(count * this.stride);
    for (let i = 0; i < count; i++) {
      const record = bytesOf(values.subarray(i * this.length, (i + 1) * this.length));
      bytes.set(record, i * this.stride);
      new DataView(bytes.buffer).setUint32(i * this.stride + record.length, this.sumOf(record, this.written + i), true);
    }
    try {
      for (let done = 0; done < bytes.length; )
        done += writeSync(this.handle, bytes, done, bytes.length - done, this.written * this.stride + done);
    } catch (error) {
      throw fileError('write', this.path, error);
    }
    this.written += count;
  }

  /** Copies record `index` into `to` from `offset` on. @throws UserError where it was damaged since it was written */
  read(index: number, to: Float32Array, offset: number): void {
    if (index >= this.written)
      throw new UserError(
        `${this.path} holds ${this.written} records and record ${index} was asked for; delete the file and run again`,
      );
    const record = this.load(index);
    if (!record) throw new UserError(`${this.path}: record ${index} is damaged; delete the file and run again`);
    bytesOf(to).set(record, offset * 4);
  }

  /** The bytes of a record; undefined where they are not what was written. */
  private load(index: number): Uint8Array | undefined {
    const bytes = Buffer.allocUnsafe(this.stride);
    for (let done = 0; done < bytes.length; ) {
      const got = readSync(this.handle, bytes, done, bytes.length - done, index * this.stride + done);
      if (got === 0) return undefined;
      done += got;
    }
    const record = bytes.subarray(0, -SUM);
    return bytes.readUInt32LE(record.length) === this.sumOf(record, index) ? record : undefined;
  }

  /** How many records are whole before the first that is not. */
  private countWhole(): number {
    for (let index = 0; index < this.written; index++) if (!this.load(index)) return index;
    return this.written;
  }

  /** Begun with its number, so that a record in the place of another is noticed. */
  private sumOf(record: Uint8Array, index: number): number {
    return crc32(record, index);
  }

  private get stride(): number {
    return this.length * 4 + SUM;
  }

  close(): void {
    closeSync(this.handle);
  }
}
