import { Option, type Command } from 'commander';
import { MODELS, allOptions, newModelOptions, numberWithin, wholeNumberWithin } from '../options.ts';

/** `tuningfork tune`. */
export function register(program: Command): void {
  newModelOptions(program.command('tune'))
    .description('measure which kernels are fastest for a model on this adapter, and remember them')
    .argument('[model]', `${MODELS}, a run directory, an ONNX file, or a file of weights`, 'efficientnet_b0')
    .option('--training', 'tune a training step (forward, backward, Adam) instead of a forward pass')
    .option('--batch <n>', 'images per batch (default: 8, with --training 32)', wholeNumberWithin(1, 4096))
    .option('--size <pixels>', "side of the input (default: the model's own)", wholeNumberWithin(1, 4096))
    .addOption(
      new Option('--precision <type>', 'as in training; f16 has its own kernels where there are tensor cores')
        .choices(['f32', 'f16'])
        .default('f32'),
    )
    .option('--budget <seconds>', 'stop after this time; the next run goes on from there', numberWithin(0, 1e6), 300)
    .option('--list', 'show what is remembered, and measure nothing')
    .option('--clear', 'forget everything')
    .addHelpText(
      'after',
      `
Which kernel is fastest depends on shapes: tune with the batch and size that you train or predict with. The result is
kept in tuningfork/tuning.json in $XDG_CACHE_HOME or ~/.cache, or in the file that --tuning or TUNINGFORK_TUNING names.
All commands but bench use it. A training copies it into its run directory, and resumes with the copy.

Examples:
  tuningfork tune
  tuningfork tune efficientnet_b0 --training --batch 16 --budget 600
  tuningfork tune galaxy_vgg --width 0.25 --task challenge --size 96 --training      # for the challenge from scratch
  tuningfork tune --list`,
    )
    .action(async (model: string, _options: object, command: Command) => {
      const { tune } = await import('../tune.node.ts');
      await tune(model, allOptions(command));
    });
}
