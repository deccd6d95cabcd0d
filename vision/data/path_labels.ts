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

/** What folders say of images. */
export interface PathLabels {
  /** Of each path. */
  readonly labels: readonly { readonly label: string | null; readonly side: Side | null }[];
  /** What a person might not expect, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * Class and side of each path: below the folders that all share, a folder `train`, `val` or `test` is a side, and the
 * next one a class, as torchvision's ImageFolder has it. Null without such folders. A folder of such a name is a class
 * where other folders lie beside it, unless it is one of several sides with classes in them: a train is a vehicle too.
 */
export function labelsOfPaths(paths: readonly string[]): PathLabels {
  const folders = paths.map((path) => path.split('/').slice(0, -1));
  const shared = sharedFolders(folders);
  const below = folders.filter((parts) => parts.length > shared);
  const sides = below.filter((parts) => sideOf(parts[shared]) !== null);
  const named = new Set(sides.map((parts) => parts[shared]));
  const areSides =
    sides.length === below.length || (named.size > 1 && sides.every((parts) => parts.length > shared + 1));
  const labels = folders.map((parts) => {
    const side = areSides && parts.length > shared ? sideOf(parts[shared]) : null;
    return { side, label: parts[shared + (side ? 1 : 0)] ?? null };
  });
  const taken = areSides
    ? []
    : [...named].map((name) => `the folder ${name} is taken for a class, since others lie beside it`);
  const stray = labels.flatMap(({ label }, i) => (label === null ? [paths[i]] : []));
  const strays =
    stray.length === 0 || stray.length === paths.length
      ? []
      : [`${stray.length} ${stray.length === 1 ? 'image lies' : 'images lie'} in no class's folder: ${stray[0]}`];
  return { labels, notes: [...taken, ...strays] };
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
