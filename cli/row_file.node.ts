import { existsSync, statSync } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import * as v from 'valibot';
import { UserError } from '../engine/user_error.ts';
import { removeTemporaries, syncFolder, writeFileAtomic } from '../models/formats/atomic.node.ts';
import { fileError } from '../models/formats/file_error.node.ts';
import { FileLock } from '../models/formats/file_lock.node.ts';
import { count, fields, finite, words } from '../vision/checked_json.ts';
import { readJsonFile } from '../vision/json_file.node.ts';
import { fileChecksums } from './checksum.node.ts';
import { IMAGE_CHAIN, NO_IMAGES, extendChain, sameChain, type StampOf } from './image_chain.node.ts';

/** What rows depend on, by name: only the same command goes on with a file. */
export type Origin = Readonly<Record<string, string | number>>;

/** What lies beside rows: their origin, and how much of the file is whole. */
const STATE = fields({
  origin: v.record(v.string(), v.union([words, finite], 'a text or a number'), 'an object'),
  /** Images asked for, rows that are written, and images that have none because they cannot be read. */
  total: count,
  rows: count,
  bad: count,
  /** Of the file, and of what stands in it above the rows. */
  bytes: count,
  header: count,
  /** The images that are done. */
  images: IMAGE_CHAIN,
  /** Of the file when it has all of them. */
  sha256: v.optional(words),
});

export type RowState = Readonly<v.InferOutput<typeof STATE>>;

/** Images that need not be asked for again. */
const doneIn = ({ rows, bad }: RowState): number => rows + bad;

export const statePath = (path: string): string => `${path}.state.json`;

/** The state beside a file of rows; undefined where there is none. @throws UserError where it is damaged */
export function readState(path: string): RowState | undefined {
  const file = statePath(path);
  if (!existsSync(file)) return undefined;
  return readJsonFile(file, STATE, `delete it to begin ${path} anew`);
}

const HASH = /^[0-9a-f]{64}$/;

/** How two origins differ, as a phrase; undefined where they do not. */
export function differenceOf(earlier: Origin, now: Origin): string | undefined {
  const names = [...new Set([...Object.keys(earlier), ...Object.keys(now)])].filter(
    (name) => earlier[name] !== now[name],
  );
  if (names.length === 0) return undefined;
  const show = (value: string | number | undefined) =>
    String(value ?? 'absent').replace(HASH, (hash) => hash.slice(0, 12));
  return names.map((name) => `${name} was ${show(earlier[name])} and is now ${show(now[name])}`).join('; ');
}

/** What a file of rows is to hold. */
export interface RowPlan {
  readonly origin: Origin;
  /** Images asked for. */
  readonly total: number;
  /** What stands above the rows. */
  readonly header: string;
  /** Of the images asked for, by their place among them; absent where none can change. */
  readonly stamp?: StampOf;
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
    private readonly file: FileHandle | undefined,
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
    const part = `${path}.part`;
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
      throw fileError('write', path, Object.assign(new Error(), { code: 'EISDIR' }));
    const lock = FileLock.take(`${path}.lock`, path);
    try {
      removeTemporaries(dirname(path), [basename(statePath(path))]);
      const earlier = await earlierState(path, plan);
      if (earlier?.sha256 !== undefined && !existsSync(part))
        return new RowFile(path, undefined, earlier, lock, undefined);
      const file = await open(part, earlier ? 'r+' : 'w');
      const begun = { origin: plan.origin, total: plan.total, rows: 0, bad: 0, bytes: 0, header: 0, images: NO_IMAGES };
      const rows = new RowFile(path, file, earlier ?? begun, lock, plan.stamp);
      await file.truncate(rows.state.bytes);
      if (!earlier) await rows.begin(plan.header);
      return rows;
    } catch (error) {
      lock[Symbol.dispose]();
      throw error instanceof UserError ? error : fileError('write', path, error);
    }
  }

  /** Rows that are written. */
  get rows(): number {
    return this.state.rows;
  }

  private async begin(header: string): Promise<void> {
    const bytes = await this.write(header);
    await this.save({ ...this.state, bytes, header: bytes });
  }

  /** Images that have none because they cannot be read. */
  get bad(): number {
    return this.state.bad;
  }

  /** Adds whole lines of the next images, of which `bad` have none. */
  async append(text: string, rows: number, bad = 0): Promise<void> {
    const { state, stamp } = this;
    const bytes = state.bytes + (await this.write(text));
    const done = doneIn(state);
    // Their bytes are in the system's memory still, since they were decoded just now.
    const images = stamp ? await extendChain(state.images, stamp, [done, done + rows + bad]) : state.images;
    await this.save({ ...state, rows: state.rows + rows, bad: state.bad + bad, bytes, images });
  }

  /** Writes behind what is whole, and tells how many bytes. */
  private async write(text: string): Promise<number> {
    const data = Buffer.from(text);
    try {
      let written = 0;
      while (written < data.length)
        written += (await this.file!.write(data, written, data.length - written, this.state.bytes + written))
          .bytesWritten;
      await this.file!.sync();
    } catch (error) {
      throw fileError('write', this.path, error);
    }
    return data.length;
  }

  /** Gives the file its name. @param keepState leaves what says where the rows are from, for `merge` */
  async finish(keepState: boolean): Promise<void> {
    try {
      if (this.file) {
        const part = `${this.path}.part`;
        await this.file.close();
        await this.save({ ...this.state, sha256: (await fileChecksums(part)).sha256 });
        await rename(part, this.path);
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

  private async save(state: RowState): Promise<void> {
    this.state = state;
    await writeFileAtomic(statePath(this.path), `${JSON.stringify(state)}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.file?.close();
    // Nothing to go on with: the command was refused at its first image, say.
    if (this.file && !this.finished && doneIn(this.state) === 0)
      for (const name of [`${this.path}.part`, statePath(this.path)]) await rm(name, { force: true });
    this.lock[Symbol.dispose]();
  }
}

/**
 * The state to go on from; undefined where the file begins anew.
 * @throws UserError where another command is at it, or images are no longer those whose rows are written
 */
async function earlierState(path: string, { origin, total, stamp }: RowPlan): Promise<RowState | undefined> {
  const earlier = readState(path);
  if (!earlier) return undefined;
  const difference = differenceOf({ ...earlier.origin, total: earlier.total }, { ...origin, total });
  const found = statSync(`${path}.part`, { throwIfNoEntry: false })?.size;
  const isWhole = earlier.sha256 !== undefined && existsSync(path) && found === undefined;
  if (difference !== undefined) {
    // What is finished is replaced, as any output is, and what has no row yet; what another command is at is not.
    if (isWhole || doneIn(earlier) === 0) return undefined;
    throw new UserError(
      `${path} was begun by another command (${difference}); give the same one to go on, another --out, or delete ${statePath(path)}`,
    );
  }
  // What a machine lost that went down is missing at the end of the file.
  if (!isWhole && (found ?? -1) < earlier.bytes) return undefined;
  const images = stamp ? await sameChain(earlier.images, stamp, doneIn(earlier)) : earlier.images;
  if (!images)
    throw new UserError(
      `${path} has rows of images that were changed since; delete ${statePath(path)} to begin anew, or give another --out`,
    );
  return { ...earlier, images };
}
