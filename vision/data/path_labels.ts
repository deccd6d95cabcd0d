import type { Side } from './source.ts';

const SIDES: ReadonlyMap<string, Side> = new Map([
  ['train', 'train'],
  ['training', 'train'],
  ['val', 'validation'],
  ['valid', 'validation'],
  ['validation', 'validation'],
  ['test', 'test'],
  ['testing', 'test'],
]);

/** The side that a folder's name or a field of a table means; null where it means none. */
export const sideOf = (name: string): Side | null => SIDES.get(name.toLowerCase()) ?? null;

/**
 * Class and side of each path: below the folders that all share, a folder `train`, `val` or `test` is a side, and the
 * next one a class, as torchvision's ImageFolder has it. Null without such folders.
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
