import { open, rename, type FileHandle } from 'node:fs/promises';
import { fileError } from '../models/formats/file_error.node.ts';

/** A file that grows at its end as `<path>.part`; what is behind its whole part is written over. */
export class GrowingFile {
  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
    /** Bytes that are whole. */
    private size: number,
  ) {}

  get bytes(): number {
    return this.size;
  }

  /** @param bytes that are whole, of a file that is there; undefined: begins it anew */
  static async open(path: string, bytes?: number): Promise<GrowingFile> {
    const file = await open(partPath(path), bytes === undefined ? 'w' : 'r+');
    await file.truncate(bytes ?? 0);
    return new GrowingFile(path, file, bytes ?? 0);
  }

  /** Adds to the end what is on the disk when this resolves. */
  async append(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    await this.writeAt(this.size, bytes);
    this.size += bytes.length;
  }

  /** Writes over what is there. */
  async writeAt(at: number, bytes: Uint8Array): Promise<void> {
    try {
      let written = 0;
      while (written < bytes.length)
        written += (await this.file.write(bytes, written, bytes.length - written, at + written)).bytesWritten;
      await this.file.sync();
    } catch (error) {
      throw fileError('write', this.path, error);
    }
  }

  close(): Promise<void> {
    return this.file.close();
  }

  /** Gives a closed file its name. */
  giveName(): Promise<void> {
    return rename(partPath(this.path), this.path);
  }
}

export const partPath = (path: string): string => `${path}.part`;
