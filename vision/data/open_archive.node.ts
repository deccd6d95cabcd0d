import { UserError } from '../../engine/user_error.ts';
import { isImagePath } from './archive_paths.ts';
import { FileWindow } from './file_window.node.ts';
import type { ParquetChoice } from './parquet_columns.ts';
import { shardNames } from './shard_names.node.ts';
import type { ImageSource } from './source.ts';

/**
 * The images of an archive, read in place: a zip file, or tar or parquet files by a name or a pattern such as
 * `train-{00..12}.tar`. What the first file is, its first bytes say.
 * @param columns the columns of parquet files, where they are not plain, or fields of the JSON in tar files
 * @throws UserError for what is damaged, unsafe, without images, or none of these
 */
export async function openArchive(pattern: string, columns: ParquetChoice = {}): Promise<ImageSource> {
  const [first, ...others] = await shardNames(pattern);
  if (isImagePath(first)) throw new UserError(`${first} is one image; give the folder that it lies in`);
  const file = await FileWindow.open(first);
  const start = await file.read(0, Math.min(4, file.size)).finally(() => file.close());
  const magic = String.fromCharCode(...start);
  if (magic === 'PAR1') return (await import('./parquet.node.ts')).openParquet(pattern, columns);
  // An empty zip file begins with its end.
  if (magic === 'PK\x03\x04' || magic === 'PK\x05\x06') {
    if (others.length > 0)
      throw new UserError(`${pattern} names ${others.length + 1} zip files, and one is read: name it`);
    return (await import('./zip.node.ts')).openZip(first);
  }
  return (await import('./tar.node.ts')).openTar(pattern, columns);
}
