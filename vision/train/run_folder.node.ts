import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Device } from '../../engine/device/device.ts';
import { TuningTable } from '../../engine/tuning.ts';
import { UserError } from '../../engine/user_error.ts';
import { removeTemporaries, writeFileAtomic } from '../../models/formats/atomic.node.ts';
import { FileLock } from '../../models/formats/file_lock.node.ts';
import { makeFolder } from '../../models/formats/make_folder.node.ts';
import { readText } from '../json_file.node.ts';
import type { Progress } from '../progress.ts';
import type { TrainOptions } from './options.ts';
import { readOptions } from './options_file.node.ts';
import { RUN_FILES } from './run_files.ts';
import { originChanges, originText, readOrigin, type Origin } from './origin_file.node.ts';

/**
 * Takes the lock of a run directory, for `train` and `evaluate`, and removes what a killed one was writing there.
 * Makes the folder where there is none.
 * @throws UserError where another process writes there, or the folder cannot be made
 */
export function lockRunFolder(path: string): FileLock {
  const lock = FileLock.take(join(path, RUN_FILES.lock), path, makeFolder(path));
  removeTemporaries(path, Object.values(RUN_FILES));
  return lock;
}

/** Throws where a run was begun with other options than these, and names them. */
export function requireOptions(
  folder: string,
  earlier: Readonly<Record<string, unknown>>,
  options: TrainOptions,
): void {
  const now = JSON.parse(JSON.stringify(options)) as Record<string, unknown>;
  const changed = [...new Set([...Object.keys(earlier), ...Object.keys(now)])].filter(
    (key) => JSON.stringify(earlier[key]) !== JSON.stringify(now[key]),
  );
  if (changed.length === 0) return;
  const list = changed
    .map((key) => `${key} was ${JSON.stringify(earlier[key])} and is now ${JSON.stringify(now[key])}`)
    .join('; ');
  throw new UserError(
    `${folder} holds a run with other options (${list}); give the same ones to resume it, or another --out`,
  );
}

/**
 * A run directory that a training writes, and no other process meanwhile. It becomes a run when there is something to
 * keep in it; one that never does is gone when it is disposed.
 */
export class RunFolder implements Disposable {
  private origin?: Origin;
  /** The ONNX file that the network is read from, which the run keeps a copy of. */
  private network?: Uint8Array;

  private constructor(
    private readonly path: string,
    private readonly lock: FileLock,
    private begun: boolean,
    /** What the run was begun with; undefined for a new one, and for one of a version that did not keep it. */
    readonly earlier: Origin | undefined,
    /** What `begin` writes. */
    private readonly texts: { readonly config: string; readonly tuning: string },
  ) {}

  /**
   * Goes on with a run that was begun earlier, which must have the same options, or prepares a new one. Another choice
   * among kernels gives other last bits, so a run keeps those that it begins with, whatever is tuned later.
   * @throws UserError where another process writes there, the run has other options, or its files are damaged
   */
  static open(device: Device, path: string, options: TrainOptions, progress: Progress): RunFolder {
    const config = join(path, RUN_FILES.config);
    const lock = lockRunFolder(path);
    const tuning = String(device.tuning.only(device.identity));
    const begun = existsSync(config);
    const origin = join(path, RUN_FILES.origin);
    let earlier: Origin | undefined;
    try {
      if (begun) {
        requireOptions(path, readOptions(config), options);
        keepTuning(device, join(path, RUN_FILES.tuning), tuning, progress);
        if (existsSync(origin)) earlier = readOrigin(origin);
      }
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
    return new RunFolder(path, lock, begun, earlier, { config: `${JSON.stringify(options, null, 2)}\n`, tuning });
  }

  /**
   * Takes what the training depends on now, which must be what the run was begun with.
   * @param network the ONNX file that the network is read from, where there is one
   * @param accept go on where it is not, and remember that
   * @returns what had changed when someone went on all the same, a sentence each time
   * @throws UserError naming what has changed; accepted or not, where the outputs stand for something else
   */
  async dependOn(
    now: Origin,
    network: Uint8Array | undefined,
    accept: boolean,
    progress: Progress,
  ): Promise<readonly string[]> {
    this.origin = now;
    this.network = network;
    if (!this.begun) return [];
    const earlier = this.earlier ?? now;
    requireOutputs(this.path, earlier.outputs, now.outputs);
    const changes = originChanges(earlier, now).join('; ');
    if (changes !== '' && !accept)
      throw new UserError(
        `${this.path} depends on what has changed since it was begun: ${changes}; give back what there was, begin anew in another --out, or go on all the same by --accept-changes`,
      );
    const accepted = changes === '' ? earlier.accepted : [...earlier.accepted, changes];
    if (changes !== '')
      progress.line(`going on all the same, with what has changed since the run was begun: ${changes}`);
    const text = originText({ ...now, network: earlier.network, accepted });
    if (this.earlier === undefined || text !== originText(this.earlier))
      await writeFileAtomic(join(this.path, RUN_FILES.origin), text);
    return accepted;
  }

  /** Makes the folder a run: to be called before something is kept in it, as often as one likes. */
  async begin(): Promise<void> {
    if (this.begun) return;
    await writeFileAtomic(join(this.path, RUN_FILES.tuning), this.texts.tuning);
    if (this.network) await writeFileAtomic(join(this.path, RUN_FILES.network), this.network);
    if (this.origin) await writeFileAtomic(join(this.path, RUN_FILES.origin), originText(this.origin));
    // The options come last: their file makes the folder a run.
    await writeFileAtomic(join(this.path, RUN_FILES.config), this.texts.config);
    this.begun = true;
  }

  [Symbol.dispose](): void {
    if (!this.begun) rmSync(join(this.path, RUN_FILES.cache), { recursive: true, force: true });
    this.lock[Symbol.dispose]();
  }
}

/** How many outputs are named in a sentence. */
const NAMED = 5;

/** Throws where the outputs of a network no longer stand for what it learnt them for. */
function requireOutputs(
  path: string,
  earlier: readonly string[] | undefined,
  now: readonly string[] | undefined,
): void {
  if (!earlier || !now || earlier.join('\n') === now.join('\n')) return;
  const show = (names: readonly string[]) =>
    `${names.slice(0, NAMED).join(', ')}${names.length > NAMED ? `, … (${names.length})` : ''}`;
  throw new UserError(
    `${path} was begun for ${show(earlier)}, and the data now have ${show(now)}: its outputs would stand for others; give back the names that there were, or begin anew in another --out`,
  );
}

function keepTuning(device: Device, path: string, tuned: string, progress: Progress): void {
  // A run of a version that did not tune has none: it goes on with the defaults that it began with.
  device.tuning = existsSync(path)
    ? TuningTable.parse(readText(path), `${path}, which says what kernels the run goes on with,`)
    : new TuningTable();
  if (String(device.tuning.only(device.identity)) !== tuned)
    progress.line(`resuming with the kernels that the run began with (${path}), not with those tuned since`);
}
