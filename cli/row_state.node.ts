import { existsSync, renameSync, statSync } from 'node:fs';
import * as v from 'valibot';
import { UserError } from '../engine/user_error.ts';
import { count, fields, finite, words } from '../vision/checked_json.ts';
import { readJsonFile } from '../vision/json_file.node.ts';
import { partPath } from './growing_file.node.ts';
import { IMAGE_CHAIN, sameChain, type StampOf } from './image_chain.node.ts';

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
  /** The file of ids beside it, where there is one. */
  ids: v.optional(fields({ bytes: count, sha256: v.optional(words) })),
});

export type RowState = Readonly<v.InferOutput<typeof STATE>>;

/** What a file of rows is to hold. */
export interface RowPlan {
  readonly origin: Origin;
  /** Images asked for. */
  readonly total: number;
  /** What stands above the rows. */
  readonly header: string | Uint8Array;
  /** Whether ids have a file of their own, as rows without text need. */
  readonly hasIds?: boolean;
  /** Of the images asked for, by their place among them; absent where none can change. */
  readonly stamp?: StampOf;
}

/** Images that need not be asked for again. */
export const doneIn = ({ rows, bad }: RowState): number => rows + bad;

export const statePath = (path: string): string => `${path}.state.json`;

/** The file of ids beside rows without text. */
export const idsPath = (path: string): string => `${path}.ids.txt`;

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

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? -1;

/**
 * The state to go on from; undefined where the file begins anew.
 * @throws UserError where another command is at it, or images are no longer those whose rows are written
 */
export async function earlierState(
  path: string,
  { origin, total, stamp }: RowPlan,
): Promise<(RowState & { readonly isWhole: boolean }) | undefined> {
  const earlier = readState(path);
  if (!earlier) return undefined;
  const difference = differenceOf({ ...earlier.origin, total: earlier.total }, { ...origin, total });
  const part = partPath(path);
  const isWhole = earlier.sha256 !== undefined && existsSync(path) && !existsSync(part);
  if (difference !== undefined) {
    // What is finished is replaced, as any output is, and what has no row yet; what another command is at is not.
    if (isWhole || doneIn(earlier) === 0) return undefined;
    throw new UserError(
      `${path} was begun by another command (${difference}); give the same one to go on, another --out, or delete ${statePath(path)}`,
    );
  }
  if (!isWhole) {
    const ids = idsPath(path);
    // Ended between the two names: that of the ids is given again.
    if (earlier.ids?.sha256 && existsSync(part) && !existsSync(partPath(ids)) && existsSync(ids))
      renameSync(ids, partPath(ids));
    // What a machine lost that went down is missing at the end of a file.
    if (sizeOf(part) < earlier.bytes || sizeOf(partPath(ids)) < (earlier.ids?.bytes ?? -1)) return undefined;
  }
  const images = stamp ? await sameChain(earlier.images, stamp, doneIn(earlier)) : earlier.images;
  if (!images)
    throw new UserError(
      `${path} has rows of images that were changed since; delete ${statePath(path)} to begin anew, or give another --out`,
    );
  return { ...earlier, images, isWhole };
}
