import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import type { Galaxies } from '../galaxies/galaxy.ts';
import { isCatalogue } from '../galaxies/catalogue.node.ts';
import { openDataset } from '../galaxies/open_dataset.node.ts';
import { parseSynthetic } from '../galaxies/synthetic.ts';
import { taskKind, type TaskChoice } from '../galaxies/tasks.ts';
import { holdsColumns } from '../vision/data/archive_paths.ts';
import { withoutBadImages } from '../vision/data/check_images.ts';
import { openClassFolders } from '../vision/data/class_folders.node.ts';
import type { Dataset, Example } from '../vision/data/dataset.ts';
import type { Labelled } from '../vision/data/labelled.ts';
import { limitExamples } from '../vision/data/limit.ts';
import { openArchive } from '../vision/data/open_archive.node.ts';
import { openSource } from '../vision/data/open_source.node.ts';
import { openTable, type TableColumns } from '../vision/data/table.node.ts';
import type { ImageSource } from '../vision/data/source.ts';
import { columnsOf, type Schema } from '../vision/votes/schema.ts';
import type { Stretch } from '../vision/data/stretch.ts';
import type { Progress } from '../vision/progress.ts';
import { defaultData } from './options.ts';

/** The flags that say where images are. */
export interface DataFlags {
  readonly data?: string;
  readonly table?: string;
  readonly imageColumn?: string;
  readonly labelColumn?: string;
  readonly targetColumns?: readonly string[];
  readonly schema?: Schema;
  readonly splitColumn?: string;
  readonly images?: string;
  readonly stretch?: Stretch;
}

/** Where images are: a folder, an archive, or drawn galaxies; or a table, and how it is read. */
export interface DataSpec {
  readonly data: string;
  readonly table?: Partial<TableColumns> & { readonly images?: string };
  readonly stretch?: Stretch;
}

/** What was opened: galaxies with votes, or images with classes or targets. */
export type OpenData =
  | { readonly kind: 'galaxies'; readonly dataset: Galaxies }
  | {
      readonly kind: 'images';
      readonly dataset: Dataset<Labelled>;
      /** What the classes are known by, as a phrase behind them. */
      readonly by: string;
      /** The columns of `values`. */
      readonly targets: readonly string[];
    };

const isParquet = (path: string): boolean => /\.parquet$/i.test(path);

/** What flags say of the data; undefined where they say nothing. Throws for flags that contradict each other. */
export function dataSpec(flags: DataFlags): DataSpec | undefined {
  const { data, table, imageColumn: image, labelColumn: label, schema } = flags;
  const targets = flags.targetColumns ?? (schema && columnsOf(schema));
  const { splitColumn: split, images, stretch } = flags;
  const learnt = [label && '--label-column', flags.targetColumns && '--target-columns', schema && '--schema'].filter(
    Boolean,
  );
  if (learnt.length > 1) throw new UserError(`${learnt.join(' and ')} are two things to learn; give one of them`);
  if (data !== undefined && table !== undefined)
    throw new UserError('--data and --table are two sources of images; give one of them');
  const given = <T extends object>(fields: T): T =>
    Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
  const refuse = (names: readonly (keyof DataFlags)[], what: string) => {
    const idle = names.find((name) => flags[name] !== undefined);
    if (idle)
      throw new UserError(`--${idle.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)} is for ${what}`);
  };
  const path = table ?? data;
  if (path !== undefined && holdsColumns(path)) {
    refuse(
      ['splitColumn', 'images'],
      'a csv or tsv of images, and parquet files and shards hold the images themselves',
    );
    if (!isParquet(path)) refuse(['imageColumn'], 'a table or parquet file: of shards the endings of names say it');
    const columns = given({ image, label, targets });
    return given({ data: path!, table: Object.keys(columns).length > 0 ? columns : undefined, stretch });
  }
  if (table !== undefined)
    return given({ data: table, table: given({ image: image ?? 'image', label, targets, split, images }), stretch });
  refuse(
    ['imageColumn', 'labelColumn', 'targetColumns', 'schema', 'splitColumn', 'images'],
    'a table of images; give that too, by --table',
  );
  return data === undefined ? undefined : given({ data, stretch });
}

/** The same for commands that must be told. */
export function requireData(flags: DataFlags): DataSpec {
  const spec = dataSpec(flags);
  if (!spec)
    throw new UserError('say which images: --data with a folder, an archive or synthetic:400, or --table FILE');
  return spec;
}

/** The same for commands that draw galaxies where nothing is said. */
export const dataSpecOrDrawn = (flags: DataFlags): DataSpec => dataSpec(flags) ?? { data: defaultData() };

export interface OpenOptions {
  /** Decode every image once and leave out those that cannot be. */
  readonly skipBad?: boolean;
  /** With `skipBad`: only files that a table names and that are missing are left out; others are when they are met. */
  readonly asMet?: boolean;
  /** Only so many of the labelled ones. */
  readonly limit?: number;
  /** What archives say of their images is neither read nor checked: they are only looked at. */
  readonly unlabelled?: boolean;
  /** A folder of images alone holds galaxies, known by their names without endings: a model of galaxies looks at it. */
  readonly galaxies?: boolean;
}

/** How images are opened that a model only looks at. */
export const lookedAtBy = ({ task }: { readonly task?: TaskChoice }): OpenOptions => ({
  unlabelled: true,
  galaxies: task !== undefined && taskKind(task.name).data === 'galaxies',
});

/**
 * Opens images for a command: a table, a folder, an archive or a pattern of archives. A folder with a csv of votes
 * holds galaxies; any other one holds images, perhaps in folders by class.
 */
export async function openData(spec: DataSpec, progress: Progress, options: OpenOptions = {}): Promise<OpenData> {
  const opened = await open(spec, options);
  return opened.kind === 'galaxies'
    ? { kind: 'galaxies', dataset: await prepare(opened.dataset, ({ votes }) => votes !== null, options, progress) }
    : {
        ...opened,
        dataset: await prepare(
          opened.dataset,
          ({ label, values }) => label !== null || values !== null,
          options,
          progress,
        ),
      };
}

/** Tells what was left out, and what classes were found. */
export function tellData(opened: OpenData, spec: DataSpec, progress: Progress): void {
  for (const note of opened.dataset.notes) progress.line(note);
  if (opened.kind === 'images') progress.line(described(opened, spec));
}

async function open(spec: DataSpec, { skipBad = false, unlabelled, galaxies }: OpenOptions): Promise<OpenData> {
  const { data, table, stretch } = spec;
  const images = (source: ImageSource, by: string): OpenData => ({
    kind: 'images',
    dataset: openSource(source, { stretch }),
    by,
    targets: table?.targets ?? [],
  });
  const byColumn = table?.label === undefined ? '' : ` by its column ${table.label}`;
  if (table && !holdsColumns(data)) {
    const { images: root, image, ...columns } = table;
    const packed = root !== undefined && ((await stat(root).catch(() => null))?.isFile() ?? isPattern(root));
    const archive = packed ? await openArchive(root) : undefined;
    try {
      const source = await openTable(data, { columns: { image: image!, ...columns }, images: root, archive, skipBad });
      return images(source, byColumn);
    } catch (error) {
      await archive?.close();
      throw error;
    }
  }
  let notes: readonly string[] = [];
  if (!parseSynthetic(data)) {
    const info = await stat(data).catch(() => null);
    if (info?.isFile() && /\.[ct]sv(\.gz)?$/i.test(data))
      throw new UserError(`${data} is a table: give it by --table, with --image-column and --label-column`);
    if (info?.isFile() || (!info && isPattern(data)))
      return images(await openArchive(data, { ...table, unlabelled }), byColumn);
    if (info?.isDirectory() && !(await isCatalogue(data))) {
      const source = await openFolder(data, skipBad);
      const isFlat = source.images.every(({ id }) => /^(images\/)?[^/]+$/.test(id));
      if (!galaxies || !isFlat) return images(source, ' by folder');
      notes = source.notes;
    }
  }
  const dataset = await openDataset(data, { stretch });
  return { kind: 'galaxies', dataset: { ...dataset, notes: [...notes, ...dataset.notes] } };
}

/** The images of a folder without votes. A table in it is told of, since it may be what was meant. */
async function openFolder(dir: string, skipBad: boolean): Promise<ImageSource> {
  const source = await openClassFolders(dir, { skipBad });
  const names = await readdir(dir);
  if (!source)
    throw new UserError(
      `${dir} holds no image (JPEG, PNG, WebP, TIFF, FITS)${names.length === 0 ? ': it is empty' : ', nor does any folder in it'}`,
    );
  const tables = names.filter((name) => /\.[ct]sv(\.gz)?$/i.test(name));
  const note = `${tables.map((name) => join(dir, name)).join(', ')}: a table is read when it is given by --table`;
  return tables.length === 0 ? source : { ...source, notes: [...source.notes, note] };
}

/** Whether a path names many files, as shards of an archive do: see `shardNames`. */
const isPattern = (path: string): boolean => /\{\d+\.\.\d+\}/.test(path) || basename(path).includes('*');

/**
 * A dataset as a command asked for it: with `skipBad` every image is decoded once and those that cannot be are left
 * out, with `limit` only so many of those that are `labelled` are taken.
 */
export async function prepare<E extends Example>(
  opened: Dataset<E>,
  labelled: (example: E) => boolean,
  { skipBad, asMet, limit }: OpenOptions,
  progress: Progress,
): Promise<Dataset<E>> {
  const dataset = limit === undefined ? opened : limitExamples(opened, limit, labelled);
  if (!skipBad || asMet) return dataset;
  try {
    progress.start('checking images', dataset.examples.length);
    const checked = await withoutBadImages(dataset, (done) => progress.tick(done));
    progress.end();
    return checked;
  } catch (error) {
    await dataset.close();
    throw error;
  }
}

const SHOWN = 5;

/** What was found, in a line. */
function described(opened: Extract<OpenData, { kind: 'images' }>, { data }: DataSpec): string {
  const {
    dataset: { examples },
    by,
    targets,
  } = opened;
  const names = [...new Set(examples.flatMap(({ label }) => label ?? []))].sort();
  const valued = examples.filter(({ values }) => values !== null).length;
  const classes =
    targets.length > 0
      ? `${valued} with ${targets.join(', ')}`
      : names.length === 0
        ? 'no labels'
        : `${names.length} ${names.length === 1 ? 'class' : 'classes'} (${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ', …' : ''})`;
  const sides = new Set(examples.flatMap(({ side }) => side ?? []));
  return `${data}: ${examples.length} images, ${classes}${names.length === 0 ? '' : by}${sides.size > 0 ? `, divided into ${[...sides].join(', ')}` : ''}`;
}

/** A file's name for an image that is known by a path. */
export const fileName = (id: string): string => join('.', id.replace(/[\\/]+/g, '__'));
