import { Option, type Command } from 'commander';
import { addImageOptions } from './image_options.ts';
import { allOptions, numberWithin, wholeNumberWithin } from '../options.ts';
import { addOnnxOptions } from './preprocessing_options.ts';

/** `tuningfork evaluate`. */
export function register(program: Command): void {
  addOnnxOptions(addImageOptions(program.command('evaluate'), 'labels', 'what the model was trained on'))
    .description(
      'judge a model on images with labels, or on galaxies with votes: accuracy, confusion, scores per class, calibration, or the RMSE of vote fractions; with --out a report',
    )
    .argument(
      '<model>',
      'a run directory, its model.safetensors, an ONNX file, or the folder of a finished cross-validation: the mean of its networks',
    )
    .addOption(
      new Option(
        '--split <side>',
        'which images: test is what the data keep apart for testing; default validation if the model was trained on the same data, otherwise all',
      ).choices(['validation', 'train', 'test', 'all']),
    )
    .option(
      '--threshold <share>',
      'how much of the votes makes a label; as in training when absent',
      numberWithin(0, 1),
    )
    .option(
      '--val-fraction <share>',
      'share of images in the validation split; as in training when absent',
      numberWithin(0, 0.9),
    )
    .option(
      '--train-only <ranges>',
      'ids that are never in the validation split, such as 1-99,500-600; as in training when absent',
    )
    .option(
      '--tta <n>',
      'views to average over: 8 symmetries of the square, and as many at 45 degrees; as in training when absent',
      wholeNumberWithin(1, 16),
    )
    .option('--skip-bad', 'leave out images that cannot be read instead of stopping')
    .option('--out <folder>', 'write metrics.json, predictions.csv and report.html there')
    .addHelpText(
      'after',
      `
Examples:
  tuningfork evaluate runs/b0
  tuningfork evaluate runs/b0 --data galaxies/ --threshold 0.8 --out runs/b0-clear
  tuningfork evaluate runs/cv --data other/                # the mean of all folds, on galaxies that none was trained on
  tuningfork evaluate runs/b0 --data synthetic:200 --json | jq .accuracy`,
    )
    .action(async (model: string, _options: object, command: Command) => {
      const { evaluate } = await import('../evaluate.node.ts');
      await evaluate(model, allOptions(command));
    });
}
