import { readdir, stat } from 'node:fs/promises';
import { basename, join, parse } from 'node:path';
import { UserError } from '../engine/user_error.ts';
import { assetTable, hartTable, kaggleTable } from './catalogue.ts';
import { ID_COLUMN } from './columns.ts';
import { isImagePath } from '../vision/data/archive_paths.ts';
import { requireCommas, type RowSink } from '../vision/data/csv.ts';
import { firstLine, readCsv, readHeader } from '../vision/data/csv_file.node.ts';
import { openZip } from '../vision/data/zip.node.ts';
import type { ImageSource } from '../vision/data/source.ts';
import type { Galaxy, Votes } from './galaxy.ts';
import { KEEP_AS_TEXT, nearestIds } from '../vision/data/ids.ts';

/**
 * What a folder holds, images not yet decoded. `files[i]` is the image of `galaxies[i]`: a path, or the name of an
 * entry of `archive`.
 */
export interface Catalogue {
  readonly galaxies: readonly Galaxy[];
  readonly files: readonly string[];
  /** The zip file that the images lie in, open; absent where they are files. */
  readonly archive?: ImageSource;
  /** What was left out and why, with counts. */
  readonly notes: readonly string[];
}

const MAPPING = 'gz2_filename_mapping.csv';
const HART = ['gz2_hart16.csv', 'gz2_hart16.csv.gz'];
const KAGGLE = ['labels.csv', 'training_solutions_rev1.csv'];

/**
 * Reads a folder in one of three layouts, told apart by the csv files in it:
 * - Galaxy Zoo 2: `images/<asset_id>.jpg`, `gz2_filename_mapping.csv`, `gz2_hart16.csv` or `.csv.gz`;
 * - Kaggle: `images/<GalaxyID>.jpg` and `labels.csv`, `training_solutions_rev1.csv` or one csv with a GalaxyID column;
 * - no csv: images alone, in the folder or its `images/`, all without votes.
 * Images may be in a zip file beside the csv where there is no `images/`: it is read in place, whatever folders are in
 * it. Galaxies come sorted by id, numbers by value.
 * @throws UserError for a table that is empty, divided by another separator than commas or not well formed, and where
 * no image has votes: it then shows an id of the table beside an image's name
 */
export async function readCatalogue(dir: string): Promise<Catalogue> {
  const names = await list(dir);
  const notes: string[] = [];
  const zip = findZip(dir, names);
  if (zip === undefined) return readVotes(dir, names, await findImages(dir, names, notes), notes);
  const archive = await openZip(zip);
  try {
    notes.push(...archive.notes);
    const paths = archive.images.map(({ id }) => id);
    return { ...(await readVotes(dir, names, imagesById(paths, zip, notes), notes)), archive };
  } catch (error) {
    await archive.close();
    throw error;
  }
}

async function readVotes(
  dir: string,
  names: string[],
  images: Map<string, string>,
  notes: string[],
): Promise<Catalogue> {
  const hart = HART.find((name) => names.includes(name));
  const mapped = names.includes(MAPPING);
  if (mapped !== (hart !== undefined)) {
    throw new UserError(
      `${dir} has ${mapped ? MAPPING : hart} but no ${mapped ? HART.join(' or ') : MAPPING}; Galaxy Zoo 2 needs both`,
    );
  }
  if (hart) return galaxyZoo2(join(dir, MAPPING), join(dir, hart), images, notes);
  const csv = await findKaggleCsv(dir, names, notes);
  return csv ? kaggle(join(dir, csv), images, notes) : assemble(images, null, notes, []);
}

/** Whether a folder holds votes on galaxies: Galaxy Zoo 2's tables, or a csv with a column of GalaxyIDs. */
export async function isCatalogue(dir: string): Promise<boolean> {
  const names = await list(dir);
  if (names.some((name) => name === MAPPING || HART.includes(name))) return true;
  for (const name of names.filter((n) => n.toLowerCase().endsWith('.csv'))) {
    // By whatever its columns are divided: who meant votes is told then. What cannot be read says nothing.
    const line = await firstLine(join(dir, name)).catch(() => ' ');
    if (line.includes(ID_COLUMN) || (line === '' && KAGGLE.includes(name))) return true;
  }
  return false;
}

async function list(dir: string): Promise<string[]> {
  const info = await stat(dir).catch(() => null);
  if (!info) throw new UserError(`${dir} does not exist; name a folder of images, or synthetic:400`);
  if (!info.isDirectory()) throw new UserError(`${dir} is not a folder; name a folder of images, or synthetic:400`);
  return (await readdir(dir)).sort();
}

/** The zip file that holds the images, where the folder itself holds none. */
function findZip(dir: string, names: readonly string[]): string | undefined {
  if (names.includes('images') || names.some(isImagePath)) return undefined;
  const found = names.filter((name) => /\.zip$/i.test(name) && !name.startsWith('.'));
  if (found.length > 1)
    throw new UserError(
      `${dir} has no images/ and several zip files (${found.join(', ')}); keep the one with the images of the table`,
    );
  return found.length === 1 ? join(dir, found[0]) : undefined;
}

async function findImages(dir: string, names: string[], notes: string[]): Promise<Map<string, string>> {
  const folder = names.includes('images') ? join(dir, 'images') : dir;
  const files = folder === dir ? names : await list(folder);
  return imagesById(
    files.map((name) => join(folder, name)),
    folder,
    notes,
  );
}

/** Images by id, which is the file's name without its folder and ending. */
function imagesById(paths: readonly string[], place: string, notes: string[]): Map<string, string> {
  const images = new Map<string, string>();
  let repeated = 0;
  for (const path of paths) {
    if (!isImagePath(basename(path))) continue;
    const id = parse(path).name;
    if (images.has(id)) repeated++;
    else images.set(id, path);
  }
  if (images.size === 0) throw new UserError(`${place} holds no image (JPEG, PNG, WebP, TIFF, FITS)`);
  count(notes, repeated, 'image', 'left out: another image has the same name but for its ending or folder');
  return images;
}

async function findKaggleCsv(dir: string, names: string[], notes: string[]): Promise<string | null> {
  const known = KAGGLE.find((name) => names.includes(name));
  if (known) return known;
  const found: string[] = [];
  for (const name of names.filter((n) => n.toLowerCase().endsWith('.csv'))) {
    const header = await readHeader(join(dir, name));
    if (header.includes(ID_COLUMN)) found.push(name);
    else {
      requireCommas(header, ID_COLUMN, join(dir, name));
      notes.push(`${name} was not read: it has no column ${ID_COLUMN}`);
    }
  }
  if (found.length > 1) {
    throw new UserError(`${dir} has several tables of votes (${found.join(', ')}); keep one, or name it labels.csv`);
  }
  return found[0] ?? null;
}

async function kaggle(csv: string, images: Map<string, string>, notes: string[]): Promise<Catalogue> {
  const { sink, votes } = kaggleTable(csv);
  await readTable(csv, sink);
  let withoutImage = 0;
  for (const id of votes.keys()) if (!images.has(id)) withoutImage++;
  count(notes, withoutImage, 'galaxy', `of ${basename(csv)} left out: no image`);
  return assemble(images, votes, notes, [{ file: csv, ids: votes.keys() }]);
}

/** Reads a csv that must have rows. */
async function readTable(path: string, sink: RowSink): Promise<void> {
  const rows = await readCsv(path, sink);
  if (rows < 2)
    throw new UserError(
      `${path} is empty: it has ${rows === 0 ? 'no line' : 'a header and no rows'}; put the votes there, or take it away to go on without`,
    );
}

async function galaxyZoo2(
  mapping: string,
  hart: string,
  images: Map<string, string>,
  notes: string[],
): Promise<Catalogue> {
  const assets = assetTable(mapping, (assetId) => images.has(assetId));
  await readTable(mapping, assets.sink);
  const table = hartTable(hart, (objid) => assets.assetOf.has(objid));
  await readTable(hart, table.sink);
  const votes = new Map<string, Votes>();
  for (const [objid, assetId] of assets.assetOf) {
    const found = table.votes.get(objid);
    if (found) votes.set(assetId, found);
  }
  count(notes, assets.counts.withoutImage, 'row', `of ${basename(mapping)} left out: no image`);
  count(notes, assets.counts.repeated, 'image', 'left out: another image shows the same object');
  count(notes, table.counts.empty, 'row', `of ${basename(hart)} left out: a vote fraction is empty`);
  count(notes, table.counts.repeated, 'row', `of ${basename(hart)} left out: the object is there already`);
  // Rows that meet and are empty are told of above; nothing is wrong with the ids then.
  const unmet =
    table.counts.empty > 0
      ? []
      : [
          { file: mapping, ids: assets.unmet },
          { file: hart, ids: table.unmet, of: mapping, wanted: assets.assetOf.keys() },
        ];
  return assemble(images, votes, notes, unmet);
}

/** Ids of a table that met nothing, and what they were held against: those of another table, or the images. */
interface Unmet {
  readonly file: string;
  readonly ids: Iterable<string>;
  readonly of?: string;
  readonly wanted?: Iterable<string>;
}

/** Why no image has votes, as far as ids show it: the first table whose ids met nothing is the one to tell of. */
function whyNone(images: ReadonlyMap<string, string>, tables: readonly Unmet[]): string {
  for (const { file, ids, of, wanted } of tables.toReversed()) {
    const [have, want] = [[...ids], [...(wanted ?? images.keys())]];
    if (have.length === 0 || want.length === 0) continue;
    const { id, other, spoilt } = nearestIds(have, want);
    const there = of === undefined ? `an image is called ${basename(images.get(other)!)}` : `${of} has ${other}`;
    return `${file} has the id ${id}, and ${there}; ${spoilt ? KEEP_AS_TEXT : 'images must be named by their id'}`;
  }
  return 'are they named by their id?';
}

/** `votes` null: no table, every image is kept, unlabelled. Otherwise images without votes are left out. */
function assemble(
  images: Map<string, string>,
  votes: Map<string, Votes> | null,
  notes: string[],
  tables: readonly Unmet[],
): Catalogue {
  const ids = [...images.keys()].filter((id) => !votes || votes.has(id)).sort(byNumber);
  count(notes, images.size - ids.length, 'image', 'left out: no votes');
  if (ids.length === 0) throw new UserError(`none of the ${images.size} images has votes: ${whyNone(images, tables)}`);
  return {
    galaxies: ids.map((id) => ({ id, votes: votes?.get(id) ?? null })),
    files: ids.map((id) => images.get(id)!),
    notes,
  };
}

/** Whole numbers by value and before all other names, without losing digits; names by code unit. */
function byNumber(a: string, b: string): number {
  const [m, n] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (m !== n) return m ? -1 : 1;
  return (m ? a.length - b.length : 0) || (a < b ? -1 : 1);
}

function count(notes: string[], n: number, noun: string, what: string): void {
  const plural = noun === 'galaxy' ? 'galaxies' : `${noun}s`;
  if (n > 0) notes.push(`${n.toLocaleString('en-US')} ${n === 1 ? noun : plural} ${what}`);
}
