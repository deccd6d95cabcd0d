import { Option, type Command } from 'commander';
import { addImageOptions } from './image_options.ts';
import { allOptions, numberWithin, wholeNumberWithin } from '../options.ts';
import { addOnnxOptions } from './preprocessing_options.ts';

/** `tuningfork evaluate`. */
export function register(program: Command): void {
  addOnnxOptions(addImageOptions(program.command('evaluate'), 'labels', "the model's own training data"))
    .description(
      'judge a model on labelled images: accuracy, confusion, scores per class and calibration, or the errors of numbers and vote fractions; --out writes a report',
    )
    .argument(
      '<model>',
      'a run directory, its model.safetensors, an ONNX file, or the folder of a finished cross-validation, whose networks are averaged',
    )
    .addOption(
      new Option(
        '--split <side>',
        "the images to judge on (default: of the model's own training data validation, or what a cross-validation kept for the test; otherwise all)",
      ).choices(['validation', 'train', 'test', 'all']),
    )
    .option(
      '--threshold <share>',
      'the share of votes that an answer needs to become the label (default: as in training)',
      numberWithin(0, 1),
    )
    .option(
      '--val-fraction <share>',
      'of other data than those of the training: share of the images in the validation split (default: 0.2)',
      numberWithin(0, 0.9),
    )
    .option(
      '--train-only <ranges>',
      'of other data than those of the training: ids that are never in the validation split, such as 1-99,500-600',
    )
    .option(
      '--tta <n>',
      'views to average over: up to 8 symmetries of the square, and 8 more at 45 degrees (default: as in training)',
      wholeNumberWithin(1, 16),
    )
    .option('--skip-bad', 'leave out images that cannot be read, instead of stopping')
    .option('--out <folder>', 'write metrics.json, predictions.csv and report.html there')
    .addHelpText(
      'after',
      `
Examples:
  tuningfork evaluate runs/b0
  tuningfork evaluate runs/b0 --data galaxies/ --threshold 0.8 --out runs/b0-clear
  tuningfork evaluate runs/cv --split test                 # the mean over all folds, on what --test-fraction kept from them
  tuningfork evaluate runs/cv --data other/                # the same, on other galaxies
  tuningfork evaluate runs/b0 --data synthetic:200 --json | jq .accuracy`,
    )
    .action(async (model: string, _options: object, command: Command) => {
      const { evaluate } = await import('../evaluate.node.ts');
      await evaluate(model, allOptions(command));
    });
}
