import { isImagePath } from './archive_paths.ts';
import { readFile, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../engine/user_error.ts';
import { counted } from './counted.ts';
import { labelled } from './labelled.ts';
import { labelsOfPaths } from './path_labels.ts';
import type { ImageSource } from './source.ts';

export interface FolderOptions {
  /** Leave out links that lead nowhere, instead of refusing the folder. */
  readonly skipBad?: boolean;
}

/**
 * Images in folders that are named by their class, at any depth below it, and those perhaps in `train/`, `val/` and
 * `test/`: what torchvision's ImageFolder reads. Links are followed. Null where there is no image.
 * @throws UserError for a link that leads nowhere, or back
 */
export async function openClassFolders(
  dir: string,
  { skipBad = false }: FolderOptions = {},
): Promise<ImageSource | null> {
  const found: Found = { images: [], others: [], lost: [] };
  await walk(dir, '', [await realpath(dir)], found);
  const { images: paths, lost } = found;
  if (lost.length > 0 && !skipBad)
    throw new UserError(
      `${join(dir, lost[0])} is a link to nothing; mend it or take it away, or --skip-bad leaves it out`,
    );
  if (paths.length === 0) return null;
  const { labelOf, notes } = labelsOfPaths(paths);
  const images = paths.map((id) => labelled(id, labelOf(id)));
  const fileOf = (index: number): string => join(dir, images[index].id);
  return {
    name: dir,
    images,
    notes: [
      ...notes,
      ...counted(found.others, `file of ${dir} is no image`, `files of ${dir} are no images`),
      ...counted(lost, 'link leads nowhere and is left out', 'links lead nowhere and are left out'),
    ],
    fileOf,
    bytes: (index) => readFile(fileOf(index)),
    close: async () => {},
  };
}

/** What lies below a folder, as paths from it. */
interface Found {
  readonly images: string[];
  readonly others: string[];
  /** Links that lead nowhere. */
  readonly lost: string[];
}

/** Adds what lies below a folder, sorted by name. `above` are the real paths that led here: no link leads back. */
async function walk(root: string, path: string, above: readonly string[], found: Found): Promise<void> {
  const entries = await readdir(join(root, path), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue;
    const child = path === '' ? entry.name : `${path}/${entry.name}`;
    const info = entry.isSymbolicLink() ? await stat(join(root, child)).catch(() => null) : entry;
    if (!info) found.lost.push(child);
    else if (info.isDirectory()) {
      const real = await realpath(join(root, child));
      if (above.includes(real)) throw new UserError(`${join(root, child)} is a link to a folder that it lies in`);
      await walk(root, child, [...above, real], found);
    } else if (info.isFile()) (isImagePath(entry.name) ? found.images : found.others).push(child);
  }
}
