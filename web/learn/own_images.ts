import { UserError } from '../../engine/user_error.ts';
import { make } from '../common/dom.ts';
import { COLOURS, HELD_OUT, PIXELS, SIDE, TRAINING, type Sky } from './sky.ts';

/** Classes that the page can show. */
const MOST_CLASSES = 10;
const MOST_IMAGES = TRAINING + HELD_OUT;

/** A file and the folders above it, as `pets/cats/tom.jpg`. */
export interface Found {
  readonly path: string;
  readonly file: File;
}

/** Which images are taken, in their order, by their place in the list of paths; the first `training` are trained on. */
export interface Sorted {
  readonly classes: readonly string[];
  readonly chosen: readonly { readonly at: number; readonly label: number }[];
  readonly training: number;
}

/**
 * Folders as classes: what lies below a folder, at any depth, is of its class; one folder around all of them is none.
 * At most MOST_IMAGES are taken, as many of each class as may be, and one in five is held out.
 * @throws UserError where there are not two classes, or more than the page can show
 */
export function sorted(paths: readonly string[]): Sorted {
  const parts = paths.map((path) => path.split('/').filter((part) => part !== ''));
  let depth = 0;
  while (parts.length > 0 && parts.every((own) => own.length > depth + 1 && own[depth] === parts[0][depth])) depth++;
  // A single folder that holds images is a class, not a folder around classes.
  const loose = parts.findIndex((own) => own.length < depth + 2);
  if (paths.length === 0)
    throw new UserError('there are no images: choose a folder that holds a folder for each class');
  if (loose >= 0)
    throw new UserError(
      `${paths[loose]} lies in no folder of a class: put the images into folders, one for each class`,
    );
  const classes = [...new Set(parts.map((own) => own[depth]))].sort();
  if (classes.length > MOST_CLASSES)
    throw new UserError(`there are ${classes.length} classes, and ${MOST_CLASSES} is the most that the page shows`);
  const ofClass = classes.map((name) => parts.flatMap((own, at) => (own[depth] === name ? [at] : [])));
  for (const all of ofClass) all.sort((a, b) => (paths[a] < paths[b] ? -1 : 1));
  // In turns, so that those that are held out are of all classes as well.
  const chosen = Array.from({ length: Math.max(...ofClass.map((all) => all.length)) }, (_, round) =>
    ofClass.flatMap((all, label) => (round < all.length ? [{ at: all[round], label }] : [])),
  )
    .flat()
    .slice(0, MOST_IMAGES);
  const heldOut = Math.max(1, Math.floor(chosen.length / 5));
  return { classes, chosen, training: chosen.length - heldOut };
}

/** A byte of an image as the network sees it: about −2 to 2. */
export const ownPixelValue = (byte: number): number => byte / 64 - 2;

/**
 * The images as the laboratory takes them: their middles, shrunk to its side. What cannot be read is left out.
 * @throws UserError as `sorted`, and where too few can be read
 */
export async function readOwn(files: readonly Found[]): Promise<{ sky: Sky; unread: readonly string[] }> {
  const images = files.filter(({ path }) => /\.(jpe?g|png|webp|gif|bmp|avif)$/i.test(path));
  const read = new Map<string, Uint8ClampedArray>();
  const unread: string[] = [];
  for (const { at } of sorted(images.map(({ path }) => path)).chosen) {
    const { path, file } = images[at];
    try {
      read.set(path, await shrunk(file));
    } catch {
      unread.push(path);
    }
  }
  const paths = [...read.keys()];
  if (paths.length === 0 && unread.length > 0) throw new UserError(`no image could be read; the first is ${unread[0]}`);
  const { classes, chosen, training } = sorted(paths);
  const bytes = new Uint8Array(chosen.length * PIXELS);
  chosen.forEach(({ at }, i) => {
    const pixels = read.get(paths[at])!;
    for (let k = 0; k < SIDE * SIDE; k++)
      for (let c = 0; c < COLOURS; c++) bytes[i * PIXELS + k * COLOURS + c] = pixels[4 * k + c];
  });
  const labels = Uint8Array.from(chosen, ({ label }) => label);
  return { sky: { bytes, x: Float32Array.from(bytes, ownPixelValue), labels, classes, training, isOwn: true }, unread };
}

/** The middle of an image, SIDE x SIDE, R, G, B, A; on white where it is transparent. */
async function shrunk(file: File): Promise<Uint8ClampedArray> {
  const bitmap = await createImageBitmap(file);
  const side = Math.min(bitmap.width, bitmap.height);
  const canvas = make('canvas', { width: SIDE, height: SIDE });
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  context.fillStyle = '#fff';
  context.fillRect(0, 0, SIDE, SIDE);
  context.imageSmoothingQuality = 'high';
  const [left, top] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
  context.drawImage(bitmap, left, top, side, side, 0, 0, SIDE, SIDE);
  bitmap.close();
  return context.getImageData(0, 0, SIDE, SIDE).data;
}

/** The files of what was dropped, folders and all. */
export async function filesOf(dropped: DataTransfer): Promise<Found[]> {
  const entries = [...dropped.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return (await Promise.all(entries.map(walk))).flat();
}

async function walk(entry: FileSystemEntry): Promise<Found[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path: entry.fullPath.replace(/^\//, ''), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Found[] = [];
  // A reader gives what it has in parts, and nothing at the end.
  for (;;) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return found;
    for (const each of entries) found.push(...(await walk(each)));
  }
}

/** The controls: a folder to choose, a place to drop folders on, and the way back to the galaxies. */
export function ownImages(take: (files: readonly Found[] | undefined) => void): HTMLElement {
  const input = make('input', { type: 'file', id: 'own-folder', multiple: true, webkitdirectory: true });
  input.onchange = () => {
    const files = [...(input.files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
    // The same folder can be chosen again.
    input.value = '';
    take(files);
  };
  const back = make('button', { type: 'button', id: 'own-back', onclick: () => take(undefined) }, 'Galaxies again');
  const place = make(
    'div',
    { className: 'own-images', id: 'own-images' },
    make(
      'p',
      {},
      `Train on your own images: a folder with a folder for each class. ${MOST_IMAGES} are taken at most, their middles, shrunk to ${SIDE} × ${SIDE} pixels. Nothing leaves this page.`,
    ),
    make('div', { className: 'controls' }, make('label', {}, 'Folder of images ', input), back),
    make('p', { className: 'faint' }, 'Or drop folders here, one for each class.'),
  );
  place.ondragover = (event) => event.preventDefault();
  place.ondrop = (event) => {
    event.preventDefault();
    if (event.dataTransfer) void filesOf(event.dataTransfer).then(take);
  };
  return place;
}
