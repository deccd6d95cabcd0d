import { createWriteStream } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { mebibytes } from '../engine/device/mebibytes.ts';
import { RandomStream, permutation } from '../engine/random.ts';
import { SUBMISSION_HEADER, submissionRow } from '../galaxies/challenge/submission.ts';
import type { Progress } from '../vision/progress.ts';
import { openDataset } from '../galaxies/open_dataset.node.ts';
import { toJpeg } from '../vision/report/encode.node.ts';
import { split } from '../vision/data/split.ts';
import { syntheticDataset } from '../galaxies/synthetic.ts';
import { drawGalaxy } from '../galaxies/synthetic_galaxy.ts';
import { castVotes } from '../galaxies/synthetic_votes.ts';
import { DEFAULT_AUGMENTATION } from '../vision/view/view.ts';
import { ViewMaker } from '../vision/view/views.ts';
import { onInterrupt } from '../cli/interrupt.ts';

export interface CatalogueOptions {
  readonly galaxies: number;
  /** Different images among them: each has many names, as hard links where the disk has those. */
  readonly images: number;
  /** Side of an image in pixels. */
  readonly side: number;
  readonly batch: number;
}

/** Memory of this process in bytes, after so many galaxies of the epoch. */
export interface CataloguePoint {
  readonly galaxies: number;
  readonly resident: number;
  /** Of JavaScript's heap and of buffers outside of it. */
  readonly heap: number;
  readonly buffers: number;
}

export interface CatalogueResult extends CatalogueOptions {
  readonly train: number;
  readonly validation: number;
  readonly seconds: { readonly open: number; readonly epoch: number };
  /**
   * Bytes resident: with the catalogue made and not yet opened, opened and divided, and the most at any time until the
   * end.
   */
  readonly memory: { readonly before: number; readonly opened: number; readonly peak: number };
  /** Up to ten, evenly spread over the epoch. */
  readonly points: readonly CataloguePoint[];
}

const POINTS = 10;
const FIRST_ID = 100_008;

/**
 * Makes a catalogue in the challenge's layout in a temporary folder, opens and divides it, and lets every image pass
 * once through the decoding threads and the maker of views, batches of training and then of validation galaxies as an
 * epoch takes them; the feeds are made and let go. Nothing is computed on a GPU. How much memory that takes must depend
 * on the batch, and on the number of galaxies only by their ids and votes.
 */
export async function benchCatalogue(options: CatalogueOptions, progress: Progress): Promise<CatalogueResult> {
  const folder = await mkdtemp(join(tmpdir(), 'tuningfork-catalogue-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  const forget = onInterrupt(remove);
  try {
    progress.line(`making ${options.galaxies} galaxies in ${folder}`);
    await makeCatalogue(folder, options);
    return await measure(folder, options, progress);
  } finally {
    progress.end();
    await remove();
    forget();
  }
}

/** `images/<id>.jpg` and `labels.csv`, written row by row. */
async function makeCatalogue(folder: string, { galaxies, images, side }: CatalogueOptions): Promise<void> {
  await mkdir(join(folder, 'images'));
  const sky = syntheticDataset(images, 0, { size: side });
  const nameOf = (index: number) => join(folder, 'images', `${FIRST_ID + index}.jpg`);
  for (let index = 0; index < galaxies; index++) {
    if (index < images) await writeFile(nameOf(index), toJpeg(await sky.load(index)));
    else await link(nameOf(index % images), nameOf(index)).catch(() => copyFile(nameOf(index % images), nameOf(index)));
  }
  const rows = function* () {
    yield SUBMISSION_HEADER;
    for (let index = 0; index < galaxies; index++)
      yield submissionRow(String(FIRST_ID + index), castVotes(drawGalaxy(0, index), 0, index).all!);
  };
  await pipeline(Readable.from(rows()), createWriteStream(join(folder, 'labels.csv')));
}

async function measure(folder: string, options: CatalogueOptions, progress: Progress): Promise<CatalogueResult> {
  const { batch, galaxies } = options;
  const before = process.memoryUsage.rss();
  let start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const dataset = await openDataset(folder);
  try {
    const { train, validation } = split(
      dataset.examples.map(({ id }) => id),
      dataset.examples.map(() => 'voted'),
      { valFraction: 0.2 },
    );
    const open = seconds();
    const opened = process.memoryUsage.rss();

    const crop = Math.min(212, options.side / 2);
    const maker = new ViewMaker(
      dataset,
      { size: 224, crop, normalisation: { mean: [0, 0, 0], std: [1, 1, 1] } },
      DEFAULT_AUGMENTATION,
      1,
    );
    const order = permutation(train.length, new RandomStream(1));
    const views = (at: number) =>
      Array.from({ length: Math.min(batch, galaxies - at) }, (_, i) =>
        at + i < train.length ? maker.random(train[order[at + i]], 0) : maker.plain(validation[at + i - train.length]),
      );
    const points: CataloguePoint[] = [];
    start = performance.now();
    progress.start('streaming', galaxies);
    for (let at = 0; at < galaxies; at += batch) {
      if (at + batch < galaxies) maker.prefetch(views(at + batch));
      const feeds = await maker.feeds(views(at));
      const done = Math.min(at + batch, galaxies);
      if ((feeds.images as Uint32Array).length !== (done - at) * maker.side ** 2)
        throw new Error(`the feeds of galaxies ${at} to ${done} have another size than they should`);
      progress.tick(done);
      if (Math.floor((done * POINTS) / galaxies) > points.length) {
        const { rss, heapUsed, external } = process.memoryUsage();
        points.push({ galaxies: done, resident: rss, heap: heapUsed, buffers: external });
      }
    }
    // The peak is the kernel's own figure, in kB; making the catalogue is part of it.
    return {
      ...options,
      train: train.length,
      validation: validation.length,
      seconds: { open, epoch: seconds() },
      memory: { before, opened, peak: process.resourceUsage().maxRSS * 1024 },
      points,
    };
  } finally {
    await dataset.close();
  }
}

/** The result as a person reads it. */
export function showCatalogue({
  galaxies,
  images,
  side,
  batch,
  train,
  validation,
  seconds,
  memory,
  points,
}: CatalogueResult): string {
  return [
    `${galaxies} galaxies, ${images} different images of ${side} x ${side} pixels, batches of ${batch}`,
    `opened and divided into ${train} and ${validation} in ${seconds.open.toFixed(1)} s; every image decoded and made into a view in ${seconds.epoch.toFixed(0)} s`,
    `resident memory: ${mebibytes(memory.before)} before, ${mebibytes(memory.opened)} once opened, ${mebibytes(memory.peak)} at the peak`,
    '',
    ...points.map(
      (point) =>
        `after ${String(point.galaxies).padStart(8)}: ${mebibytes(point.resident).padStart(9)} resident, ${mebibytes(point.heap).padStart(9)} heap, ${mebibytes(point.buffers).padStart(9)} buffers`,
    ),
  ].join('\n');
}
