import { statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { removeTemporaries, syncFolder, writeFileAtomic } from '../models/formats/atomic.node.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import { FileLock } from '../models/formats/file_lock.node.ts';
import { fileChecksums } from './checksum.node.ts';
import { GrowingFile, partPath } from './growing_file.node.ts';
import { NO_IMAGES, extendChain, type StampOf } from './image_chain.node.ts';
import { doneIn, earlierState, idsPath, statePath, type RowPlan, type RowState } from './row_state.node.ts';

/** The files that grow: rows, and their ids where these have a file of their own. */
interface Growing {
  readonly rows: GrowingFile;
  readonly ids?: GrowingFile;
}

export interface FinishOptions {
  /** Leaves what says where the rows are from, for `merge`. */
  readonly keepState?: boolean;
  /** What stands above the rows now that their number is known; as long as before. */
  readonly header?: Uint8Array;
  /** Makes what gets the name, at `to`, of the file of rows at `from`. */
  readonly convert?: (from: string, to: string) => Promise<void>;
}

/**
 * A file of rows that grows by whole batches as `<path>.part` and gets its name when it has all. After each batch a
 * small file beside it says how much is whole, so that the same command goes on after Ctrl-C, a kill or a power cut: a
 * batch is repeated at most, and no row is lost or there twice.
 */
export class RowFile implements AsyncDisposable {
  private finished = false;

  private constructor(
    private readonly path: string,
    private readonly growing: Growing | undefined,
    private state: RowState,
    private readonly lock: FileLock,
    private readonly stamp: StampOf | undefined,
  ) {}

  /**
   * Begins a file, or goes on with it.
   * @throws UserError where another command began it or another process is at it, images whose rows are written were
   * changed, the folder is missing or forbidden, or `path` is a folder
   */
  static async open(path: string, plan: RowPlan): Promise<RowFile> {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
      throw fileError('write', path, Object.assign(new Error(), { code: 'EISDIR' }));
    const lock = FileLock.take(`${path}.lock`, path);
    try {
      removeTemporaries(dirname(path), [basename(statePath(path)), basename(path)]);
      const { isWhole, ...earlier } = (await earlierState(path, plan)) ?? { isWhole: false, ...newState(plan) };
      if (isWhole) return new RowFile(path, undefined, earlier, lock, undefined);
      const isNew = earlier.bytes === 0;
      const rows = await GrowingFile.open(path, isNew ? undefined : earlier.bytes);
      const ids = plan.hasIds ? await GrowingFile.open(idsPath(path), earlier.ids?.bytes) : undefined;
      const file = new RowFile(path, { rows, ids }, earlier, lock, plan.stamp);
      if (isNew) await file.begin(plan.header);
      return file;
    } catch (error) {
      lock[Symbol.dispose]();
      throw error instanceof UserError ? error : fileError('write', path, error);
    }
  }

  /** Rows that are written. */
  get rows(): number {
    return this.state.rows;
  }

  /** Images that have none because they cannot be read. */
  get bad(): number {
    return this.state.bad;
  }

  private async begin(header: string | Uint8Array): Promise<void> {
    const { rows, ids } = this.growing!;
    await rows.append(header);
    await this.save({ ...this.state, bytes: rows.bytes, header: rows.bytes, ...(ids && { ids: { bytes: 0 } }) });
  }

  /**
   * Adds whole rows of the next images, of which `bad` have none.
   * @param lines the ids, where they have a file of their own
   */
  async append(data: string | Uint8Array, count: number, bad = 0, lines = ''): Promise<void> {
    const { state, stamp } = this;
    const { rows, ids } = this.growing!;
    await rows.append(data);
    await ids?.append(lines);
    const done = doneIn(state);
    // Their bytes are in the system's memory still, since they were decoded just now.
    const images = stamp ? await extendChain(state.images, stamp, [done, done + count + bad]) : state.images;
    await this.save({
      ...state,
      ...{ rows: state.rows + count, bad: state.bad + bad, bytes: rows.bytes, images },
      ...(ids && { ids: { bytes: ids.bytes } }),
    });
  }

  /** Gives the file its name. */
  async finish({ keepState = false, header, convert }: FinishOptions = {}): Promise<void> {
    try {
      if (this.growing) {
        if (header) await this.growing.rows.writeAt(0, header);
        await this.close();
        const part = partPath(this.path);
        if (convert) await this.converted(part, convert);
        else {
          const ids = this.state.ids && {
            ...this.state.ids,
            sha256: (await fileChecksums(partPath(idsPath(this.path)))).sha256,
          };
          await this.save({ ...this.state, sha256: (await fileChecksums(part)).sha256, ...(ids && { ids }) });
          await this.growing.ids?.giveName();
          await this.growing.rows.giveName();
        }
        this.finished = true;
        await syncFolder(dirname(this.path));
      }
      if (!keepState) await rm(statePath(this.path), { force: true });
    } catch (error) {
      throw fileError('write', this.path, error);
    } finally {
      this.lock[Symbol.dispose]();
    }
  }

  private async converted(part: string, convert: NonNullable<FinishOptions['convert']>): Promise<void> {
    // Such a name is taken away at the next start, where this one is killed.
    const temporary = join(dirname(this.path), `.${basename(this.path)}.${process.pid}.0.tmp`);
    try {
      await convert(part, temporary);
      await rename(temporary, this.path);
    } finally {
      await rm(temporary, { force: true });
    }
    await rm(part);
  }

  private async save(state: RowState): Promise<void> {
    this.state = state;
    await writeFileAtomic(statePath(this.path), `${JSON.stringify(state)}\n`);
  }

  private async close(): Promise<void> {
    await this.growing?.rows.close();
    await this.growing?.ids?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    // Nothing to go on with: the command was refused at its first image, say.
    if (this.growing && !this.finished && doneIn(this.state) === 0)
      for (const name of [partPath(this.path), partPath(idsPath(this.path)), statePath(this.path)])
        await rm(name, { force: true });
    this.lock[Symbol.dispose]();
  }
}

const newState = ({ origin, total }: RowPlan): RowState => ({
  ...{ origin, total, rows: 0, bad: 0, bytes: 0, header: 0 },
  images: NO_IMAGES,
});
