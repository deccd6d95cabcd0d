import { Option, type Command } from 'commander';
import { addImageOptions } from './image_options.ts';
import { allOptions, wholeNumberWithin } from '../options.ts';

/** `tuningfork predict`. */
export function register(program: Command): void {
  addImageOptions(program.command('predict'), 'images')
    .description(
      'write the probabilities of each class, or the vote fractions, for a folder of images of any size, as csv',
    )
    .argument(
      '<model>',
      'a run directory, its model.safetensors, or the folder of a finished cross-validation: the mean of its networks',
    )
    .option('--out <file>', 'the csv; standard output when absent')
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
    .option('--skip-bad', 'leave out images that cannot be read instead of stopping')
    .addHelpText(
      'after',
      `
Examples:
  tuningfork predict runs/b0 --data unlabelled/ --out predictions.csv
  tuningfork predict runs/votes --data test-images/ --format kaggle --out submission.csv
  tuningfork predict runs/cv --data test-images/ --format kaggle --tta 8 --out submission.csv   # the mean of all folds
  tuningfork predict runs/b0 --data synthetic:50 --tta 8 | sort -t, -k2 -gr | head`,
    )
    .action(async (model: string, _options: object, command: Command) => {
      const { predict } = await import('../predict.node.ts');
      await predict(model, allOptions(command));
    });
}
