import { isImagePath } from './archive_paths.ts';
import { readFile, readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../engine/user_error.ts';
import { labelsOfPaths } from './path_labels.ts';
import type { ImageSource } from './source.ts';

/**
 * Images in folders that are named by their class, at any depth below it, and those perhaps in `train/`, `val/` and
 * `test/`: what torchvision's ImageFolder reads. Links are followed. Null where there is no image.
 * @throws UserError for a link that leads nowhere, or back
 */
export async function openClassFolders(dir: string): Promise<ImageSource | null> {
  const paths: string[] = [];
  await walk(dir, '', [await realpath(dir)], paths);
  if (paths.length === 0) return null;
  const labels = labelsOfPaths(paths);
  const stray = labels.flatMap(({ label }, i) => (label === null ? [paths[i]] : []));
  return {
    name: dir,
    images: paths.map((path, i) => ({ id: path, ...labels[i], file: join(dir, path) })),
    notes:
      stray.length === 0 || stray.length === paths.length
        ? []
        : [`${stray.length} ${stray.length === 1 ? 'image lies' : 'images lie'} in no class's folder: ${stray[0]}`],
    bytes: (index) => readFile(join(dir, paths[index])),
    close: async () => {},
  };
}

/** Adds the images below a folder, sorted by name. `above` are the real paths that led here: no link leads back. */
async function walk(root: string, path: string, above: readonly string[], found: string[]): Promise<void> {
  const entries = await readdir(join(root, path), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name.startsWith('.')) continue;
    const child = path === '' ? entry.name : `${path}/${entry.name}`;
    const info = entry.isSymbolicLink() ? await stat(join(root, child)).catch(() => null) : entry;
    if (!info) throw new UserError(`${join(root, child)} is a link to nothing; mend it or take it away`);
    if (info.isDirectory()) {
      const real = await realpath(join(root, child));
      if (above.includes(real)) throw new UserError(`${join(root, child)} is a link to a folder that it lies in`);
      await walk(root, child, [...above, real], found);
    } else if (info.isFile() && isImagePath(entry.name)) found.push(child);
  }
}
