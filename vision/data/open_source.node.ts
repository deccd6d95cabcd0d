import { inArchive } from './archive_paths.ts';
import type { Dataset } from './dataset.ts';
import { DecodePool, type PoolOptions } from './decode_pool.node.ts';
import { archiveStamps, fileStamp } from './file_stamp.node.ts';
import type { Labelled } from './labelled.ts';
import type { ImageSource } from './source.ts';

/** Images of a source as a dataset: worker threads decode them, and read those that are files of their own. */
export function openSource(source: ImageSource, options: PoolOptions = {}): Dataset<Labelled> {
  const { name, notes, images } = source;
  const pool = new DecodePool(options);
  const archiveStamp = archiveStamps();
  const archiveOf = (index: number): string => source.archiveOf?.(index) ?? name;
  return {
    name,
    notes,
    examples: images.map(({ id, label = null, values = null, side = null }) => ({ id, label, values, side })),
    async load(index) {
      const { id, file } = images[index];
      if (file !== undefined) return pool.decode(file);
      return pool.decode(inArchive(id, archiveOf(index)), await source.bytes(index));
    },
    // Of an image in an archive: the archive's.
    stamp(index) {
      const { file } = images[index];
      return file === undefined ? archiveStamp(archiveOf(index)) : fileStamp(file);
    },
    async close() {
      await pool.close();
      await source.close();
    },
  };
}
