import { Option, type Command } from 'commander';
import { MODELS, allOptions, newModelOptions, numberWithin, wholeNumberWithin } from '../options.ts';

/** `tuningfork tune`. */
export function register(program: Command): void {
  newModelOptions(program.command('tune'))
    .description('measure on this adapter which kernels are the fastest for a model, and remember them')
    .argument('[model]', `${MODELS}, a run directory, an ONNX file, or a file of weights`, 'efficientnet_b0')
    .option('--training', 'a training step (forward, backward, Adam) instead of a forward pass')
    .option(
      '--batch <n>',
      'images at a time; as predict and train have it (8, 32) when absent',
      wholeNumberWithin(1, 4096),
    )
    .option('--size <pixels>', "side of the input; the model's own when absent", wholeNumberWithin(1, 4096))
    .addOption(
      new Option(
        '--precision <type>',
        'as train has it: other kernels are measured for f16 where there are tensor cores',
      )
        .choices(['f32', 'f16'])
        .default('f32'),
    )
    .option('--budget <seconds>', 'stop after so long; the next run goes on from there', numberWithin(0, 1e6), 300)
    .option('--list', 'show what is remembered, and measure nothing')
    .option('--clear', 'forget everything')
    .addHelpText(
      'after',
      `
What is fastest depends on shapes: tune with the batch and size that you train or predict with.
It is remembered in tuningfork/tuning.json in $XDG_CACHE_HOME or ~/.cache, or in the file given as --tuning or in the
variable TUNINGFORK_TUNING; all commands but bench take it from there. A training keeps a copy in its folder and resumes with that one.

Examples:
  tuningfork tune
  tuningfork tune efficientnet_b0 --training --batch 16 --budget 600
  tuningfork tune galaxy_vgg --width 0.25 --task challenge --size 128 --training     # for the challenge from scratch
  tuningfork tune --list`,
    )
    .action(async (model: string, _options: object, command: Command) => {
      const { tune } = await import('../tune.node.ts');
      await tune(model, allOptions(command));
    });
}
