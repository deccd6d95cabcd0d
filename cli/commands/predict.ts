import { Option, type Command } from 'commander';
import type { PredictFlags } from '../predict.node.ts';
import { addImageOptions } from './image_options.ts';
import { addMerge } from './merge_parts.ts';
import { allOptions, wholeNumberWithin } from '../options.ts';
import { parseShard } from '../shards.ts';
import { addOnnxOptions } from './preprocessing_options.ts';

/** `tuningfork predict`. */
export function register(program: Command): void {
  const command = addPredictOptions(program.command('predict'))
    .option('--out <file>', 'the file to write, csv or .parquet, or with --shard a folder (default: standard output)')
    .description('predict images: one csv row per image, with a probability for each class, numbers, or vote fractions')
    .option('--shard <k/n>', 'predict only the k-th of n parts, so that several machines share the work', parseShard)
    .addHelpText(
      'after',
      `
Examples:
  tuningfork predict runs/b0 --data unlabelled/ --out predictions.csv
  tuningfork predict runs/b0 --data unlabelled/ --out predictions.parquet   # id, a column of numbers per class, predicted
  tuningfork predict runs/votes --data test-images/ --format kaggle --out submission.csv
  tuningfork predict runs/cv --data test-images/ --format kaggle --tta 8 --out submission.csv   # the mean over all folds
  tuningfork predict runs/b0 --data synthetic:50 --tta 8 | sort -t, -k2 -gr | head
  tuningfork predict runs/b0 --data survey/ --shard 3/100 --out parts/     # part 3, on one of a hundred machines
  tuningfork predict merge parts/ --out predictions.csv                    # join the parts; or --out predictions.parquet
With --out, give the same command again to resume after an interruption.`,
    )
    .action(async (model: string, _options: object, self: Command) => {
      const flags = allOptions<Partial<PredictFlags>>(self);
      const { requireNoRunFile } = await import('../kept_results.node.ts');
      if (flags.out !== undefined) requireNoRunFile(flags.out, '--out');
      const { predict } = await import('../predict.node.ts');
      await predict(model, flags as PredictFlags);
    });
  addMerge(
    command,
    { of: 'a prediction', out: 'csv, JSON lines where the parts are such, or .parquet' },
    async (folder, out) => {
      const { mergePredictions } = await import('../prediction_rows.node.ts');
      await mergePredictions(folder, out);
    },
  );
}

/** A model, images, and how they are predicted. */
export const addPredictOptions = (command: Command): Command =>
  addOnnxOptions(addImageOptions(command, 'images'))
    .argument(
      '<model>',
      'a run directory, its model.safetensors, an ONNX file, or the folder of a finished cross-validation, whose networks are averaged',
    )
    .addOption(
      new Option('--format <name>', 'csv, or kaggle for a submission to the Galaxy Challenge')
        .choices(['csv', 'kaggle'])
        .default('csv'),
    )
    .option(
      '--tta <n>',
      'views to average over: up to 8 symmetries of the square, and 8 more at 45 degrees',
      wholeNumberWithin(1, 16),
      1,
    )
    .option('--skip-bad', 'leave out images that cannot be read, instead of stopping');
