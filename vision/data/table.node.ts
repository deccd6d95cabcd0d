import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, posix } from 'node:path';
import { UserError } from '../../engine/user_error.ts';
import { inArchive } from './archive_paths.ts';
import { findColumns } from './csv.ts';
import { readCsv } from './csv_file.node.ts';
import { labelled, type Labelled } from './labelled.ts';
import { sideOf } from './path_labels.ts';
import type { ImageSource } from './source.ts';

/** Which columns of a table say what. */
export interface TableColumns {
  /** The file of the image. */
  readonly image: string;
  /** Its class; absent: images to be predicted. */
  readonly label?: string;
  /** Its numbers. */
  readonly targets?: readonly string[];
  /** Its side of the split: train, val or test, or nothing. */
  readonly split?: string;
}

export interface TableOptions {
  readonly columns: TableColumns;
  /** The folder that paths begin at; the table's own when absent. */
  readonly images?: string;
  /** Instead: what holds the images, known by the paths of the table. It is closed with the table. */
  readonly archive?: ImageSource;
  /** Leave out rows whose file is missing, instead of refusing the table. */
  readonly skipBad?: boolean;
}

const NAMED = 3;

/**
 * Images that a table lists, a row each: csv, or tab separated where its name ends in .tsv (.gz after either). An image
 * is known by its path as the table has it; an empty label is none, and so are numbers of which one is empty.
 * @throws UserError for columns that are missing, for a target that is no number, for a path that comes twice, for a
 * side that is none, and for files that are missing: the first three are named
 */
export async function openTable(path: string, options: TableOptions): Promise<ImageSource> {
  const { columns, archive, skipBad = false } = options;
  const placeOf = placesIn(path, options);
  const rows = await readRows(path, columns, placeOf.file);
  const there = archive
    ? rows.images.map(({ id }) => placeOf.archive(id) !== undefined)
    : await allThere(rows.images, placeOf.file);
  const missing = rows.images.flatMap((_, i) => (there[i] ? [] : [i]));
  const named = (i: number): string => {
    const { id } = rows.images[i];
    return `${archive ? inArchive(id, archive.name) : placeOf.file(id)} (line ${rows.lines[i]})`;
  };
  const told = `${path} names ${missing.length === 1 ? 'a file that is' : `${missing.length} files that are`} missing: ${missing
    .slice(0, NAMED)
    .map(named)
    .join(', ')}${missing.length > NAMED ? ` and ${missing.length - NAMED} more` : ''}`;
  if (missing.length > 0 && (!skipBad || missing.length === there.length))
    throw new UserError(
      `${told}; give the folder that the paths begin at${archive ? ', or an archive with these paths,' : ''} by --images${skipBad ? '' : ', or leave them out by --skip-bad'}`,
    );
  const images = missing.length === 0 ? rows.images : rows.images.filter((_, i) => there[i]);
  const source = { name: path, images, notes: missing.length > 0 ? [`${told}: left out`] : [] };
  if (archive) {
    const place = (index: number): number => placeOf.archive(images[index].id)!;
    return {
      ...source,
      bytes: (index) => archive.bytes(place(index)),
      archiveOf: (index) => archive.archiveOf?.(place(index)) ?? archive.name,
      close: () => archive.close(),
    };
  }
  const fileOf = (index: number): string => placeOf.file(images[index].id);
  return { ...source, fileOf, bytes: (index) => readFile(fileOf(index)), close: async () => {} };
}

/** Where the image of an id lies: its file, or its number in the archive, undefined where that has none. */
function placesIn(table: string, { images: root = dirname(table), archive }: TableOptions) {
  const places = new Map(archive?.images.map(({ id }, index) => [posix.normalize(id), index]));
  return {
    file: (id: string): string => (isAbsolute(id) ? id : join(root, id)),
    archive: (id: string): number | undefined => places.get(posix.normalize(id)),
  };
}

/** The rows of a table, and the line of each. */
interface Rows {
  readonly images: Labelled[];
  readonly lines: number[];
}

async function readRows(path: string, columns: TableColumns, fileOf: (id: string) => string): Promise<Rows> {
  const rows: Rows = { images: [], lines: [] };
  const known = new Map<string, number>();
  let fieldsOf: { image: number; label?: number; split?: number; targets: readonly number[] } | undefined;
  const find = (header: readonly string[], name: string | undefined) =>
    name === undefined ? undefined : findColumns(header, [name], path)[0];
  await readCsv(
    path,
    (fields, line) => {
      if (!fieldsOf) {
        fieldsOf = {
          image: find(fields, columns.image)!,
          label: find(fields, columns.label),
          split: find(fields, columns.split),
          targets: findColumns(fields, columns.targets ?? [], path),
        };
        return;
      }
      const id = fields[fieldsOf.image];
      if (id === '')
        throw new UserError(`${path}, line ${line}, column ${columns.image}: empty, where a file is named`);
      const file = fileOf(id);
      const before = known.get(file);
      if (before !== undefined) throw new UserError(`${path}, line ${line}: ${id} is there already, in line ${before}`);
      known.set(file, line);
      const said = fieldsOf.split === undefined ? '' : fields[fieldsOf.split];
      const side = sideOf(said);
      if (said !== '' && side === null)
        throw new UserError(
          `${path}, line ${line}, column ${columns.split}: "${said}" is no side; it must be train, val, test or empty`,
        );
      const label = fieldsOf.label === undefined ? null : fields[fieldsOf.label] || null;
      const values = valuesOf(
        fieldsOf.targets.map((place) => fields[place]),
        (k) => `${path}, line ${line}, column ${columns.targets![k]}`,
      );
      rows.images.push(labelled(id, { label, values, side }));
      rows.lines.push(line);
    },
    /\.tsv(\.gz)?$/i.test(path) ? '\t' : ',',
  );
  if (rows.images.length === 0)
    throw new UserError(`${path} lists no images; it needs a header and a row for each image`);
  return rows;
}

/**
 * The numbers of a row; null where there are none, or one of them is missing: empty, or nan as programs write it.
 * @param where a place in the table, by the number of the column
 * @throws UserError for what is no number
 */
export function valuesOf(fields: readonly string[], where: (column: number) => string): number[] | null {
  const values = fields.map((field, k) => {
    const text = field.trim();
    if (text === '' || text.toLowerCase() === 'nan') return Number.NaN;
    const value = Number(text);
    if (!Number.isFinite(value)) throw new UserError(`${where(k)}: "${field}" is no number`);
    return value;
  });
  return values.length === 0 || values.some(Number.isNaN) ? null : values;
}

/** Whether each is a file, asked for some hundreds at a time. */
async function allThere(images: readonly Labelled[], fileOf: (id: string) => string): Promise<boolean[]> {
  const found: boolean[] = [];
  for (let start = 0; start < images.length; start += 256) {
    const some = images
      .slice(start, start + 256)
      .map(async ({ id }) => (await stat(fileOf(id)).catch(() => null))?.isFile());
    found.push(...(await Promise.all(some)).map((is) => is === true));
  }
  return found;
}
