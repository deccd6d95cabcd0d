import { basename } from 'node:path';
import type { FileMetaData } from 'hyparquet';
import { UserError } from '../../engine/user_error.ts';
import { librarySays } from '../../models/formats/library_says.ts';
import { inArchive, MAX_FILE_BYTES, MAX_IMAGES } from './archive_paths.ts';
import { sideOf } from './path_labels.ts';
import { FileWindow } from './file_window.node.ts';
import { type ParquetChoice, parquetColumns, type ParquetColumns } from './parquet_columns.ts';
import { MAX_GROUP_BYTES, readColumn, readFooter } from './parquet_group.node.ts';
import { valuesOf } from './table.node.ts';
import { shardNames, shortNames } from './shard_names.node.ts';
import { labelled, type Labelled } from './labelled.ts';
import type { ImageSource } from './source.ts';

/** A row group, and how its rows are found. */
interface Group {
  readonly file: FileWindow;
  readonly metadata: FileMetaData;
  readonly columns: ParquetColumns;
  readonly group: number;
  /** The number of its first row within the file. */
  readonly first: number;
  readonly bytes: number;
}

/** Where an image lies: its row within a group. */
interface Place {
  readonly group: Group;
  readonly row: number;
}

/**
 * The images of parquet files as the hubs store them, read in place: a column of bytes, or of structs {bytes, path},
 * and one of labels. A name or a pattern as for tar shards; `train-00000-of-00002.parquet` is of the side `train`. An
 * image's id is its file and row. An empty label is none, and so is NaN. A row group is unpacked at once, and the last
 * ones are kept in 384 MiB: images are read fastest in their order.
 * @throws UserError for files that are damaged, without images, or with row groups larger than that
 */
export async function openParquet(pattern: string, choice: ParquetChoice = {}): Promise<ImageSource> {
  const files: FileWindow[] = [];
  const close = async (): Promise<void> => void (await Promise.all(files.map((file) => file.close())));
  try {
    const images: Labelled[] = [];
    const groups: { group: Group; begin: number }[] = [];
    const groupOf: number[] = [];
    const paths = await shardNames(pattern);
    const names = shortNames(paths);
    for (const path of paths) {
      const file = await FileWindow.open(path);
      files.push(file);
      for (const group of await groupsOf(file, choice)) {
        const labels = await labelsOf(group);
        const values = await targetsOf(group);
        const side = sideOf(basename(path).split(/[-_.]/)[0]);
        groups.push({ group, begin: images.length });
        for (const [row, label] of labels.entries()) {
          images.push(labelled(`${names.get(path)}/${group.first + row}`, { label, values: values?.[row], side }));
          groupOf.push(groups.length - 1);
        }
        if (images.length > MAX_IMAGES) throw new UserError(`${pattern} has more than ${MAX_IMAGES} images`);
      }
    }
    if (images.length === 0) throw new UserError(`${pattern} holds no images`);
    const cache = new GroupCache();
    const placeOf = (index: number): Place => {
      const { group, begin } = groups[groupOf[index]];
      return { group, row: index - begin };
    };
    return {
      name: pattern,
      images,
      notes: [],
      archiveOf: (index) => placeOf(index).group.file.path,
      async bytes(index) {
        const place = placeOf(index);
        return imageOf(await cache.read(place.group), place);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What a library says of a damaged file becomes a sentence that names it. */
async function naming<T>(file: FileWindow, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${file.path} is damaged${librarySays(error, 'its reader')}; get the file anew`);
  }
}

const groupsOf = (file: FileWindow, choice: ParquetChoice): Promise<Group[]> =>
  naming(file, async () => {
    const { parquetSchema } = await import('hyparquet');
    const metadata = await readFooter(file);
    const columns = parquetColumns(metadata, parquetSchema(metadata), choice, file.path);
    let first = 0;
    return metadata.row_groups.map((about, group) => {
      const rows = Number(about.num_rows);
      if (!(rows >= 0 && rows <= MAX_IMAGES)) throw new UserError(`${file.path} has a row group of ${rows} rows`);
      const chunks = about.columns.filter(({ meta_data }) => meta_data?.path_in_schema[0] === columns.image);
      const bytes = chunks.reduce((sum, { meta_data }) => sum + Number(meta_data!.total_uncompressed_size), 0);
      const here = { file, metadata, columns, group, first, bytes };
      first += rows;
      return here;
    });
  });

const labelsOf = ({ file, metadata, columns, group, first }: Group): Promise<(string | null)[]> =>
  naming(file, async () => {
    const { label: column, classNames } = columns;
    if (column === null) return new Array(Number(metadata.row_groups[group].num_rows)).fill(null);
    const values = await readColumn(file, metadata, { group, first, column });
    return values.map((value, row) => labelOf(value, classNames, `row ${first + row} of ${file.path}`));
  });

/** The numbers of each row, null of those that lack one; null where no columns are asked for. */
async function targetsOf({ file, metadata, columns, group, first }: Group): Promise<(number[] | null)[] | null> {
  const { targets } = columns;
  if (targets.length === 0) return null;
  const read = (column: string) => naming(file, () => readColumn(file, metadata, { group, first, column }));
  const found: (readonly unknown[])[] = [];
  for (const column of targets) found.push(await read(column));
  return found[0].map((_, row) => {
    const where = (k: number) => `row ${first + row} of ${file.path}, column ${targets[k]}`;
    return valuesOf(
      found.map((column) => String(column[row] ?? '')),
      where,
    );
  });
}

function labelOf(value: unknown, names: readonly string[] | null, where: string): string | null {
  if (value === null || value === undefined || value === '' || Number.isNaN(value)) return null;
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  if (!isNumber && typeof value !== 'string' && typeof value !== 'boolean') {
    throw new UserError(`${where} has a label that is neither a number nor text`);
  }
  if (!isNumber || !names) return String(value);
  // The hub's own mark of what has no label.
  if (Number(value) === -1) return null;
  const name = names[Number(value)];
  if (typeof name !== 'string')
    throw new UserError(`${where} has the label ${value}, and there are ${names.length} classes`);
  return name;
}

function imageOf(values: readonly unknown[], { group, row }: Place): Uint8Array {
  const { file, columns, first } = group;
  const where = inArchive(`row ${first + row}`, file.path);
  const value = values[row] as { bytes?: unknown } | null | undefined;
  const bytes = columns.isStruct ? value?.bytes : value;
  if (!(bytes instanceof Uint8Array)) throw new UserError(`${where} has no bytes of an image`);
  if (bytes.length > MAX_FILE_BYTES) {
    throw new UserError(`${where} has ${bytes.length} bytes; an image may have ${MAX_FILE_BYTES}`);
  }
  return bytes.slice();
}

/** The row groups that were read last, as many as MAX_GROUP_BYTES hold. One is read at a time. */
class GroupCache {
  readonly #held = new Map<Group, unknown[]>();
  #last: Promise<unknown> = Promise.resolve();

  read(group: Group): Promise<unknown[]> {
    const values = this.#last.then(() => this.#take(group));
    this.#last = values.catch(() => {});
    return values;
  }

  async #take(group: Group): Promise<unknown[]> {
    let values = this.#held.get(group);
    this.#held.delete(group);
    if (!values) {
      let held = group.bytes;
      for (const other of this.#held.keys()) held += other.bytes;
      for (const oldest of [...this.#held.keys()]) {
        if (held <= MAX_GROUP_BYTES) break;
        this.#held.delete(oldest);
        held -= oldest.bytes;
      }
      const { file, metadata, columns, group: number, first } = group;
      values = await naming(file, () => readColumn(file, metadata, { group: number, first, column: columns.image }));
    }
    this.#held.set(group, values);
    return values;
  }
}
