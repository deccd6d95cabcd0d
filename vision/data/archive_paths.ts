import { IMAGE_ENDINGS } from './image_kind.ts';

/** Bytes of the largest encoded image that is taken out of an archive. */
export const MAX_FILE_BYTES = 2 ** 28;

/** Images that one archive, or one set of shards, may hold: a Set takes 2^24. */
export const MAX_IMAGES = 16_000_000;

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

/** Whether files of this name, or pattern of names, hold images and what is known of them: its columns can be named. */
export const holdsColumns = (path: string): boolean => /\.(parquet|tar)$/i.test(path);
