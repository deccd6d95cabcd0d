import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TrainOptions } from './options.ts';
import { frontOrigin, type Origin } from './origin_file.node.ts';
import { RUN_FILES } from './run_files.ts';
import { SquareFile } from './square_file.node.ts';
import type { Prepared } from './task.ts';

const packPath = (folder: string): string => join(folder, RUN_FILES.cache, 'squares.u8');

/** Whether a run directory has a file of decoded images. */
export const hasPack = (folder: string): boolean => existsSync(packPath(folder));

/** What decoded images in a run directory depend on. */
interface PackSource {
  readonly prepared: Prepared;
  readonly origin: Origin;
  readonly options: TrainOptions;
  /** Of their squares, in pixels. */
  readonly side: number;
}

/** Opens the decoded images of a run. */
export const openPack = (
  { prepared, origin, options, side }: PackSource,
  { folder, packBytes = 0 }: { readonly folder: string; readonly packBytes?: number },
): Promise<SquareFile> =>
  SquareFile.open(packPath(folder), {
    side,
    key: frontKey(prepared, origin, options),
    most: packBytes,
    examples: [...prepared.train, ...prepared.validation],
  });

/** All that the activations of the frozen front depend on, and their order. */
export function frontKey({ dataset }: Prepared, origin: Origin, options: TrainOptions, network?: string): string {
  const { model, width, size, crop, shortSide, stretch, views, seed, augmentation, unfreeze } = options;
  const { preprocessing, layout } = options;
  return JSON.stringify([
    dataset.name,
    frontOrigin(origin),
    model,
    width,
    size,
    crop,
    views,
    seed,
    augmentation,
    unfreeze,
    ...(shortSide === undefined ? [] : [shortSide]),
    ...(stretch === undefined ? [] : [stretch]),
    ...(network === undefined ? [] : [network, preprocessing, layout]),
  ]);
}
