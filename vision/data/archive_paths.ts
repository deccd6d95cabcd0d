import { IMAGE_ENDINGS } from './image_kind.ts';
import type { Side } from './source.ts';

/** Bytes of the largest encoded image that is taken out of an archive. */
export const MAX_FILE_BYTES = 2 ** 28;

/** Images that one archive, or one set of shards, may hold. */
export const MAX_IMAGES = 2_000_000;

/** A sentence's name of an entry. */
export const inArchive = (entry: string, archive: string): string => `${entry} in ${archive}`;

/** Whether an entry is meant to be an image: by its ending, and not one of the copies that macOS packs beside it. */
export function isImagePath(path: string): boolean {
  const parts = path.split('/');
  const name = parts[parts.length - 1];
  if (name.startsWith('.') || parts[0] === '__MACOSX') return false;
  return IMAGE_ENDINGS.includes(name.slice(name.lastIndexOf('.') + 1).toLowerCase());
}

/** Why a path must not be in an archive, as the end of a sentence; null where all is well. */
export function badPath(path: string): string | null {
  if (path === '' || path.includes('\0')) return 'has an entry without a proper name';
  if (path.startsWith('/') || /^[a-z]:/i.test(path)) return `has an entry with an absolute path, ${path}`;
  if (path.split('/').includes('..')) return `has an entry that leads out of it, ${path}`;
  return null;
}

const SIDES: ReadonlyMap<string, Side> = new Map([
  ['train', 'train'],
  ['training', 'train'],
  ['val', 'validation'],
  ['valid', 'validation'],
  ['validation', 'validation'],
  ['test', 'test'],
  ['testing', 'test'],
]);

/** The side that a folder's or a file's name means; null where it means none. */
export const sideOf = (name: string): Side | null => SIDES.get(name.toLowerCase()) ?? null;

/**
 * Class and side of each path: below the folders that all share, a folder `train`, `val` or `test` is a side, and the
 * next one a class. Null without such folders.
 */
export function labelsOfPaths(paths: readonly string[]): { label: string | null; side: Side | null }[] {
  const folders = paths.map((path) => path.split('/').slice(0, -1));
  const first = folders[0] ?? [];
  let shared = 0;
  while (
    shared < first.length &&
    sideOf(first[shared]) === null &&
    folders.every((parts) => parts[shared] === first[shared])
  ) {
    shared++;
  }
  return folders.map((parts) => {
    const side = parts.length > shared ? sideOf(parts[shared]) : null;
    return { side, label: parts[shared + (side ? 1 : 0)] ?? null };
  });
}
