import { readCatalogue } from './catalogue.node.ts';
import type { Galaxies } from './galaxy.ts';
import { inArchive } from '../vision/data/archive_paths.ts';
import { DecodePool } from '../vision/data/decode_pool.node.ts';
import { archiveStamps, fileStamp } from '../vision/data/file_stamp.node.ts';
import type { Stretch } from '../vision/data/stretch.ts';
import { parseSynthetic, syntheticDataset } from './synthetic.ts';

export interface OpenOptions {
  /** Threads that decode; see `DecodePool`. */
  readonly threads?: number;
  /** How samples of more than 8 bits become 8. */
  readonly stretch?: Stretch;
  /** Side of synthetic images in pixels, 424 unless given. */
  readonly size?: number;
}

/**
 * Opens galaxies from a folder (see `readCatalogue` for the layouts) or draws them: `synthetic:400`, or
 * `synthetic:400:7` with seed 7. Throws UserError for what it cannot read.
 */
export async function openDataset(spec: string, options: OpenOptions = {}): Promise<Galaxies> {
  const synthetic = parseSynthetic(spec);
  if (synthetic) return syntheticDataset(synthetic.count, synthetic.seed, { size: options.size });
  const { galaxies: examples, files, notes, archive } = await readCatalogue(spec);
  const pool = new DecodePool(options);
  const archiveStamp = archiveStamps();
  const place = new Map(archive?.images.map(({ id }, i) => [id, i]));
  return {
    name: spec,
    examples,
    notes,
    load: async (index) =>
      archive
        ? pool.decode(inArchive(files[index], archive.name), await archive.bytes(place.get(files[index])!))
        : pool.decode(files[index]),
    stamp: (index) => (archive ? archiveStamp(archive.name) : fileStamp(files[index])),
    async close() {
      await pool.close();
      await archive?.close();
    },
  };
}
