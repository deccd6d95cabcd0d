import { UserError } from '../../engine/user_error.ts';
import { inArchive, isImagePath, MAX_FILE_BYTES, MAX_IMAGES } from './archive_paths.ts';
import { labelled } from './labelled.ts';
import { labelsOfPaths } from './path_labels.ts';
import { FileWindow } from './file_window.node.ts';
import { counted } from './counted.ts';
import { shardNames, shortNames } from './shard_names.node.ts';
import type { ImageSource } from './source.ts';
import { valuesOf } from './table.node.ts';
import { tarFiles, type TarFile } from './tar_index.node.ts';

/** Bytes of the largest label beside an image. */
const MAX_LABEL_BYTES = 2 ** 20;

/** Which fields of a sample's JSON are read. */
export interface TarColumns {
  /** The class; absent: `label`, `class` or `cls`, where there is no `.cls` file. */
  readonly label?: string;
  /** Numbers, instead of a class. */
  readonly targets?: readonly string[];
  /** Nothing that is said of the images is read or checked. */
  readonly unlabelled?: boolean;
}

/** What files beside an image say of it. */
interface Said {
  readonly label: string | null;
  readonly values: readonly number[] | null;
}

/** An archive and its images, column by column: an object for each of millions would fill the memory. */
interface Shard {
  readonly file: FileWindow;
  readonly paths: readonly string[];
  readonly starts: readonly number[];
  readonly sizes: readonly number[];
  readonly said: readonly Said[];
  /** Whether any file beside an image says what is asked for: then folders say nothing. */
  readonly hasLabels: boolean;
  /** Files that are neither images nor labels. */
  readonly others: number;
  /** Images beside another of their sample. */
  readonly second: readonly string[];
  /** Images that are links to what the archive does not hold. */
  readonly lost: readonly string[];
}

/**
 * The images of one tar archive or of many, read in place: `shards-{000..012}.tar` or `shards-*.tar`. As WebDataset
 * writes them, files that share their path up to the first dot of the name are one sample: an image, and its class in
 * `.cls`, else as `label`, `class` or `cls` of `.json`, or the fields of it that are asked for. Of several images in a
 * sample the first is taken, one with a plain ending before those with two: `001.jpg` before `001.depth.png`. Where no
 * archive has such files, every image is one by itself, and folders are classes. Links within an archive are followed.
 * @throws UserError for archives that are damaged, cut off, compressed or without images, for a field that no sample
 * has, and for a target that is no number
 */
export async function openTar(pattern: string, columns: TarColumns = {}): Promise<ImageSource> {
  const paths = await shardNames(pattern);
  const files: FileWindow[] = [];
  const close = async (): Promise<void> => void (await Promise.all(files.map((file) => file.close())));
  try {
    const shards: Shard[] = [];
    let count = 0;
    for (const path of paths) {
      files.push(await FileWindow.open(path));
      shards.push(await readShard(files[files.length - 1], columns));
      count += shards[shards.length - 1].paths.length;
      if (count > MAX_IMAGES) throw new UserError(`${pattern} has more than ${MAX_IMAGES} images`);
    }
    if (count === 0) throw new UserError(`${pattern} holds no images`);
    const asked = columns.targets ?? (columns.label === undefined ? [] : [columns.label]);
    if (asked.length > 0 && !shards.some(({ hasLabels }) => hasLabels))
      throw new UserError(
        `${pattern} has no JSON file with ${asked.join(', ')} beside an image, such as 001.json beside 001.jpg`,
      );
    return sourceOf(pattern, shards, close);
  } catch (error) {
    await close();
    throw error;
  }
}

function sourceOf(pattern: string, shards: readonly Shard[], close: () => Promise<void>): ImageSource {
  const hasLabels = shards.some((shard) => shard.hasLabels);
  const folders = hasLabels ? undefined : labelsOfPaths(shards.flatMap(({ paths }) => paths));
  const names = shortNames(shards.map(({ file }) => file.path));
  const images = shards.flatMap(({ file, paths, said }) => {
    requireUnique(paths, file.path);
    return paths.map((path, i) => {
      const id = shards.length === 1 ? path : `${names.get(file.path)}/${path}`;
      return labelled(id, folders?.labelOf(path) ?? said[i]);
    });
  });
  const others = shards.reduce((sum, shard) => sum + shard.others, 0);
  const noted = (found: (shard: Shard) => readonly string[], one: string, several: string): string[] =>
    counted(shards.flatMap(found), `image of ${pattern} ${one}`, `images of ${pattern} ${several}`);
  const notes = [
    ...(others === 0 ? [] : [neither(others, pattern)]),
    ...noted(({ second }) => second, 'lies beside another of its sample', 'lie beside another of their sample'),
    ...noted(({ lost }) => lost, 'is a link to nothing in it', 'are links to nothing in it'),
    ...(folders?.notes ?? []),
  ];
  return { name: pattern, images, notes, ...bytesOf(shards), close };
}

/** How images are read. Nothing else is kept of the shards. */
function bytesOf(shards: readonly Shard[]): Pick<ImageSource, 'archiveOf' | 'bytes'> {
  const files = shards.map(({ file }) => file);
  const shardOf = shards.flatMap(({ paths }, shard) => paths.map(() => shard));
  const starts = shards.flatMap((shard) => shard.starts);
  const sizes = shards.flatMap((shard) => shard.sizes);
  return {
    archiveOf: (index) => files[shardOf[index]].path,
    bytes: (index) => files[shardOf[index]].read(starts[index], sizes[index]),
  };
}

const neither = (others: number, pattern: string): string =>
  others === 1
    ? `1 file of ${pattern} is no image and no label`
    : `${others} files of ${pattern} are no images and no labels`;

function requireUnique(paths: readonly string[], archive: string): void {
  const known = new Set<string>();
  for (const path of paths) {
    if (known.has(path)) throw new UserError(`${archive} has two images named ${path}`);
    known.add(path);
  }
}

async function readShard(file: FileWindow, columns: TarColumns): Promise<Shard> {
  const byKey = new Map<string, TarFile[]>();
  const said = { cls: new Map<string, Said>(), json: new Map<string, Said>() };
  const lost: string[] = [];
  let others = 0;
  for await (const entry of tarFiles(file, lost)) {
    const [key, ending] = splitKey(entry.path);
    if (isImagePath(entry.path)) {
      if (entry.size > MAX_FILE_BYTES) {
        const name = inArchive(entry.path, file.path);
        throw new UserError(`${name} has ${entry.size} bytes; an image may have ${MAX_FILE_BYTES}`);
      }
      const found = byKey.get(key);
      if (found) found.push(entry);
      else byKey.set(key, [entry]);
      continue;
    }
    const read = ending === 'cls' || ending === 'json' ? await readSaid(file, entry, ending, columns) : null;
    if (read === null) others++;
    else said[ending as 'cls' | 'json'].set(key, read);
  }
  const hasLabels = [said.cls, said.json].some((labels) => [...labels.keys()].some((key) => byKey.has(key)));
  const nothing: Said = { label: null, values: null };
  const samples = { paths: [] as string[], starts: [] as number[], sizes: [] as number[], said: [] as Said[] };
  const second: string[] = [];
  for (const [key, images] of byKey) {
    // Beside a label there is one image: others of its key are masks and the like.
    const first = images.find(({ path }) => !splitKey(path)[1].includes('.')) ?? images[0];
    if (hasLabels) second.push(...images.flatMap((image) => (image === first ? [] : [image.path])));
    for (const { path, start, size } of hasLabels ? [first] : images) {
      samples.paths.push(path);
      samples.starts.push(start);
      samples.sizes.push(size);
      samples.said.push(said.cls.get(key) ?? said.json.get(key) ?? nothing);
    }
  }
  return { file, ...samples, hasLabels, others, second, lost: lost.filter(isImagePath) };
}

/** WebDataset's key and ending: the name is divided at its first dot. */
function splitKey(path: string): [key: string, ending: string] {
  const dot = path.indexOf('.', path.lastIndexOf('/') + 1);
  return dot < 0 ? [path, ''] : [path.slice(0, dot), path.slice(dot + 1).toLowerCase()];
}

const JSON_NAMES = ['label', 'class', 'cls'];

/** What a small file beside an image says; null where it says nothing of what is asked for. */
async function readSaid(
  file: FileWindow,
  entry: TarFile,
  ending: 'cls' | 'json',
  { label: field, targets, unlabelled }: TarColumns,
): Promise<Said | null> {
  if (unlabelled) return { label: null, values: null };
  if (ending === 'cls' && (field ?? targets) !== undefined) return null;
  const name = inArchive(entry.path, file.path);
  if (entry.size > MAX_LABEL_BYTES) throw new UserError(`${name} has ${entry.size} bytes, which is no label`);
  const text = new TextDecoder().decode(await file.peek(entry.start, entry.size, entry.size)).trim();
  if (ending === 'cls') {
    if (text === '' || text.includes('\n')) throw new UserError(`${name} is no label: one line of text is expected`);
    return { label: text, values: null };
  }
  const fields = fieldsOf(text, name);
  if (targets) {
    if (!targets.some((target) => Object.hasOwn(fields, target))) return null;
    const written = targets.map((target) => writtenOf(Object.hasOwn(fields, target) ? fields[target] : null));
    return { label: null, values: valuesOf(written, (k) => `${name}, field ${targets[k]}`) };
  }
  for (const key of field === undefined ? JSON_NAMES : [field]) {
    const label = Object.hasOwn(fields, key) ? fields[key] : null;
    if (typeof label === 'number' || (typeof label === 'string' && label !== ''))
      return { label: String(label), values: null };
  }
  return null;
}

/** The fields of an object that is written as JSON; none of another value. */
function fieldsOf(text: string, name: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    throw new UserError(`${name} is not JSON`);
  }
}

/** A value as a field of a table would have it. */
const writtenOf = (value: unknown): string =>
  value === null ? '' : typeof value === 'string' || typeof value === 'number' ? String(value) : JSON.stringify(value);
