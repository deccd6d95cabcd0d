import { Option, type Command } from 'commander';
import type { PredictFlags } from '../predict.node.ts';
import { UserError } from '../../engine/user_error.ts';
import { addImageOptions } from './image_options.ts';
import { allOptions, wholeNumberWithin } from '../options.ts';
import { parseShard } from '../shards.ts';
import { addOnnxOptions } from './preprocessing_options.ts';

/** `tuningfork predict`. */
export function register(program: Command): void {
  const command = addPredictOptions(program.command('predict'))
    .option('--out <file>', 'the csv; standard output when absent; with --shard a folder')
    .description(
      'write the probabilities of each class, or the vote fractions, for a folder of images of any size, as csv',
    )
    .option('--shard <k/n>', 'only the k-th of n parts of the images, for machines that work side by side', parseShard)
    .addHelpText(
      'after',
      `
Examples:
  tuningfork predict runs/b0 --data unlabelled/ --out predictions.csv
  tuningfork predict runs/votes --data test-images/ --format kaggle --out submission.csv
  tuningfork predict runs/cv --data test-images/ --format kaggle --tta 8 --out submission.csv   # the mean of all folds
  tuningfork predict runs/b0 --data synthetic:50 --tta 8 | sort -t, -k2 -gr | head
  tuningfork predict runs/b0 --data survey/ --shard 3/100 --out parts/     # one part, on one machine of a hundred
  tuningfork predict merge parts/ --out predictions.csv                    # when all are there
With --out, what was interrupted goes on when the same command is given again.`,
    )
    .action(async (model: string, _options: object, self: Command) => {
      const flags = allOptions<Partial<PredictFlags>>(self);
      const { predict } = await import('../predict.node.ts');
      await predict(model, flags as PredictFlags);
    });
  command
    .command('merge')
    .description('put the parts of a prediction together, when all of them are there')
    .argument('<folder>', 'the --out of `tuningfork predict --shard`')
    .option('--out <file>', 'the whole prediction')
    .action(async (folder: string, _options: object, self: Command) => {
      const { out } = allOptions<{ out?: string }>(self);
      if (out === undefined) throw new UserError('predict merge needs a file to write: give --out');
      const { mergeShards } = await import('../shards.node.ts');
      await mergeShards(folder, out);
    });
}

/** A model, images, and how they are predicted. */
export const addPredictOptions = (command: Command): Command =>
  addOnnxOptions(addImageOptions(command, 'images'))
    .argument(
      '<model>',
      'a run directory, its model.safetensors, an ONNX file, or the folder of a finished cross-validation: the mean of its networks',
    )
    .addOption(
      new Option(
        '--format <name>',
        'csv, or kaggle: vote fractions in the layout and precision of a submission to the Galaxy Challenge',
      )
        .choices(['csv', 'kaggle'])
        .default('csv'),
    )
    .option(
      '--tta <n>',
      'views to average over: 8 symmetries of the square, and as many at 45 degrees',
      wholeNumberWithin(1, 16),
      1,
    )
    .option('--skip-bad', 'leave out images that cannot be read instead of stopping');
