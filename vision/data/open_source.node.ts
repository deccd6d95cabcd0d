import type { Dataset } from './dataset.ts';
import { decodeImage } from './decode.node.ts';
import { DecodePool } from './decode_pool.node.ts';
import { fileStamp } from './file_stamp.node.ts';
import type { Labelled } from './labelled.ts';
import type { ImageSource } from './source.ts';

/** Images of a source as a dataset: files are read and decoded by worker threads, other bytes in this one. */
export function openSource(source: ImageSource, threads?: number): Dataset<Labelled> {
  const { name, notes, images } = source;
  const pool = new DecodePool(threads);
  return {
    name,
    notes,
    examples: images.map(({ id, label, side }) => ({ id, label: label ?? null, side: side ?? null })),
    async load(index) {
      const { id, file } = images[index];
      return file === undefined ? decodeImage(await source.bytes(index), id) : pool.decode(file);
    },
    // Of an image in an archive: the archive's.
    stamp: (index) => fileStamp(images[index].file ?? name),
    async close() {
      await pool.close();
      await source.close();
    },
  };
}
