import { jsonText } from '../vision/json_text.ts';
import { packImages } from '../vision/train/pack.node.ts';
import { terminalProgress } from './progress.node.ts';
import { openSession } from './session.node.ts';
import { openTraining, type TrainFlags } from './train.node.ts';

/** Decodes the images of a training into its run directory; the same command goes on where it was interrupted. */
export async function dataPack(flags: TrainFlags): Promise<void> {
  const progress = terminalProgress();
  const { dataset, options, task } = await openTraining(flags, progress);
  try {
    using device = await openSession(flags);
    const run = {
      folder: flags.out,
      progress,
      packBytes: flags.pack * 2 ** 30,
      acceptChanges: flags.acceptChanges,
    };
    const packed = await packImages(device, dataset, task, options, run);
    const { images, kept, decoded } = packed;
    if (flags.json) console.log(jsonText({ folder: flags.out, ...packed }));
    else
      console.log(
        `${flags.out} holds ${kept} of ${images} images decoded, ${decoded} of them by this command${kept < images ? '; --pack leaves no room for the others' : ''}`,
      );
  } finally {
    progress.end();
    await dataset.close();
  }
}
