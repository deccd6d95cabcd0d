import type { Device } from '../../engine/device/device.ts';
import { UserError } from '../../engine/user_error.ts';
import type { Dataset, Example } from '../data/dataset.ts';
import { ViewMaker } from '../view/views.ts';
import { trainsWhole } from './cut.ts';
import { networkFile, networkOf } from './network_file.node.ts';
import type { TrainOptions } from './options.ts';
import { originOf } from './origin_file.node.ts';
import { RunFolder } from './run_folder.node.ts';
import type { Task } from './task.ts';
import { openPack } from './pack_file.node.ts';
import { geometryOf, type Run } from './train.node.ts';

/** Images that are decoded side by side. */
const CHUNK = 64;

/** How many of the images of a training lie decoded in its run directory, and how many were decoded for it now. */
export interface Packed {
  readonly images: number;
  readonly kept: number;
  readonly decoded: number;
}

/**
 * Decodes the images of a training of a whole network into its run directory, before it begins or while it is
 * interrupted, as its first epoch would. What lies there whole is not decoded again. As many are kept as `packBytes`
 * hold.
 * @throws UserError for a training with a frozen front: it keeps what that makes of images instead
 */
export async function packImages<E extends Example>(
  device: Device,
  dataset: Dataset<E>,
  task: Task<E>,
  options: TrainOptions,
  { folder, progress, packBytes, acceptChanges = false }: Run,
): Promise<Packed> {
  using run = RunFolder.open(device, folder, options, progress);
  const prepared = task.prepare(dataset, options);
  const network = networkFile(options, folder);
  const known = { network: network?.given, outputs: task.outputs, earlier: run.earlier };
  const origin = await originOf(device, prepared, options, known);
  await run.dependOn(origin, network?.bytes, acceptChanges, progress);
  const model = await networkOf(options, task.outputs.length, network);
  if (!trainsWhole(model, options.unfreeze))
    throw new UserError(
      'a training with a frozen front decodes its images once in any case; pack those of one from scratch, or with --unfreeze all',
    );
  const views = new ViewMaker(dataset, geometryOf(options, model), options.augmentation, options.seed);
  await run.begin();
  const pack = await openPack({ prepared, origin, options, side: views.side }, { folder, packBytes });
  try {
    let decoded = 0;
    views.store = {
      read: (example) => pack.read(example),
      write(example, square) {
        decoded++;
        pack.write(example, square);
      },
    };
    const examples = [...prepared.train, ...prepared.validation];
    progress.start('decoding images', examples.length);
    for (let start = 0; start < examples.length; start += CHUNK) {
      await views.feeds(examples.slice(start, start + CHUNK).map((example) => views.plain(example)));
      progress.tick(Math.min(start + CHUNK, examples.length));
    }
    progress.end();
    return { images: examples.length, kept: examples.filter((example) => pack.holds(example)).length, decoded };
  } finally {
    pack.close();
  }
}
