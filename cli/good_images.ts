import type { UserError } from '../engine/user_error.ts';
import type { Progress } from '../vision/progress.ts';

/** Images answered for and written at a time: what bounds the memory, and what an interruption costs. */
export const CHUNK = 128;
/** Images that the views must keep: a chunk, and the next one, which is decoded while the network is at the first. */
export const KEPT_CHUNKS = 2 * CHUNK;
/** Images decoded at a time: the encoded bytes of more would be in memory. */
const WINDOW = 32;
/** Bad images that are named. */
const NAMED = 5;

/** What images are asked of: a ViewMaker, say, which keeps them decoded. */
interface Examined {
  /** What is wrong with one; undefined where nothing is. Throws where it is no fault of the image. */
  fault(image: number): Promise<UserError | undefined>;
}

/** Some images, one after another, without those that cannot be read. */
export interface Chunk {
  /** Images before it, of those asked for. */
  readonly before: number;
  readonly examples: readonly number[];
  readonly bad: number;
}

interface Asked {
  /** What is done, for a bar. */
  readonly title: string;
  /** The first image that is asked for, and the one behind the last. */
  readonly range: readonly [number, number];
  /** Images at the beginning that were done before. */
  readonly done: number;
  readonly skipBad?: boolean;
  /** Images at a time, where not CHUNK. */
  readonly chunk?: number;
}

/**
 * The images of a range in chunks, each decoded once: the views keep them. Those that cannot be read are left out and
 * told.
 * @throws UserError for the first of them, unless they are to be skipped
 */
export async function* goodImages(
  images: Examined,
  { title, range: [first, end], done, skipBad = false, chunk = CHUNK }: Asked,
  progress: Progress,
): AsyncGenerator<Chunk> {
  let bad = 0;
  const next = (start: number) => examine(images, start, Math.min(start + chunk, end));
  let coming = next(first + done);
  progress.start(title, end - first, done);
  for (let start = first + done; start < end; start += chunk) {
    const faults = await coming;
    coming = next(start + chunk);
    const found = faults.filter((fault) => fault !== undefined);
    if (found.length > 0 && !skipBad) throw found[0];
    for (const { message } of found.slice(0, Math.max(0, NAMED - bad))) progress.line(`skipped: ${message}`);
    if (bad < NAMED && bad + found.length > NAMED) progress.line('more images are skipped, and counted at the end');
    // A line ends the bar.
    if (found.length > 0) progress.start(title, end - first, start - first);
    bad += found.length;
    const examples = faults.flatMap((fault, i) => (fault === undefined ? [start + i] : []));
    yield { before: start - first, examples, bad: found.length };
  }
  progress.end();
}

/** What is wrong with each image of a chunk, which are decoded. A failure is thrown where it is awaited. */
function examine(images: Examined, start: number, end: number): Promise<(UserError | undefined)[]> {
  const run = async () => {
    const faults: (UserError | undefined)[] = [];
    for (let at = start; at < end; at += WINDOW) {
      const some = Array.from({ length: Math.min(WINDOW, end - at) }, (_, i) => at + i);
      faults.push(...(await Promise.all(some.map((image) => images.fault(image)))));
    }
    return faults;
  };
  const faults = run();
  faults.catch(() => undefined);
  return faults;
}

/** How many images were skipped, as a phrase. */
export const skipped = (count: number): string => `${count} ${count === 1 ? 'image was' : 'images were'} skipped`;
