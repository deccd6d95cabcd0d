import type { Side } from './labelled.ts';

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

/** What the folders of an image say of it. */
interface PathLabel {
  readonly label: string | null;
  readonly side: Side | null;
}

/** What folders say of images. */
export interface PathLabels {
  /** Of one of the paths that were given. */
  labelOf(path: string): PathLabel;
  /** What a person might not expect, a sentence each. */
  readonly notes: readonly string[];
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);

/**
 * Class and side of each path: below the folders that all share, a folder `train`, `val` or `test` is a side, and the
 * next one a class, as torchvision's ImageFolder has it. Null without such folders. A folder of such a name is a class
 * where other folders lie beside it, unless it is one of several sides with classes in them: a train is a vehicle too.
 */
export function labelsOfPaths(paths: readonly string[]): PathLabels {
  // Of millions of images there are some thousands of folders.
  const folders = new Map<string, readonly string[]>();
  for (const path of paths) {
    const folder = folderOf(path);
    if (!folders.has(folder)) folders.set(folder, folder.split('/').slice(0, -1));
  }
  const all = [...folders.values()];
  const shared = sharedFolders(all);
  const below = all.filter((parts) => parts.length > shared);
  const sides = below.filter((parts) => sideOf(parts[shared]) !== null);
  const named = new Set(sides.map((parts) => parts[shared]));
  const areSides =
    sides.length === below.length || (named.size > 1 && sides.every((parts) => parts.length > shared + 1));
  const labels = new Map<string, PathLabel>();
  for (const [folder, parts] of folders) {
    const side = areSides && parts.length > shared ? sideOf(parts[shared]) : null;
    labels.set(folder, { label: parts[shared + (side ? 1 : 0)] ?? null, side });
  }
  const labelOf = (path: string): PathLabel => labels.get(folderOf(path))!;
  const taken = areSides
    ? []
    : [...named].map((name) => `the folder ${name} is taken for a class, since others lie beside it`);
  return { labelOf, notes: [...taken, ...strays(paths, labelOf)] };
}

/** Tells of images in no class's folder, where others are in one. */
function strays(paths: readonly string[], labelOf: PathLabels['labelOf']): string[] {
  const count = paths.reduce((sum, path) => sum + Number(labelOf(path).label === null), 0);
  if (count === 0 || count === paths.length) return [];
  const first = paths.find((path) => labelOf(path).label === null);
  return [`${count} ${count === 1 ? 'image lies' : 'images lie'} in no class's folder: ${first}`];
}

/** How many folders all paths share, those that name sides aside. */
function sharedFolders(folders: readonly (readonly string[])[]): number {
  const first = folders[0] ?? [];
  let shared = 0;
  while (
    shared < first.length &&
    sideOf(first[shared]) === null &&
    folders.every((parts) => parts[shared] === first[shared])
  )
    shared++;
  return shared;
}
