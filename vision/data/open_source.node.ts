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
    examples: images,
    async load(index) {
      if (source.fileOf) return pool.decode(source.fileOf(index));
      return pool.decode(inArchive(images[index].id, archiveOf(index)), await source.bytes(index));
    },
    // Of an image in an archive: the archive's.
    stamp: (index) => (source.fileOf ? fileStamp(source.fileOf(index)) : archiveStamp(archiveOf(index))),
    async close() {
      await pool.close();
      await source.close();
    },
  };
}
