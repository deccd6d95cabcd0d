import { Argument, Option, type Command } from 'commander';
import { allOptions, defaultData, numberWithin, wholeNumberWithin } from '../options.ts';

/** `tuningfork baseline`. */
export function register(program: Command): void {
  program
    .command('baseline')
    .description('score simple guesses in the Galaxy Challenge: the RMSE of 37 vote fractions, overall and by question')
    // BASELINES of galaxies/challenge/baselines.ts, which is not loaded for `--help`.
    .addArgument(
      new Argument('[names...]', 'the guesses to score')
        .choices(['zeros', 'ones', 'mean', 'central-pixel', 'all'])
        .default(['all']),
    )
    .option(
      '--data <folder>',
      "a folder of galaxies with the challenge's csv, or synthetic:400, which draws 400",
      defaultData(),
    )
    .addOption(
      new Option('--split <side>', 'the galaxies to score on')
        .choices(['validation', 'train', 'all'])
        .default('validation'),
    )
    .option(
      '--val-fraction <share>',
      'share of the galaxies in the validation split, chosen by a hash of their ids',
      numberWithin(0, 0.9),
      0.2,
    )
    .option('--train-only <ranges>', 'ids that are never in the validation split, such as 1-99,500-600')
    .option('--clusters <n>', 'clusters of colour for central-pixel (default: 64)', wholeNumberWithin(1, 65_536))
    .option('--seed <n>', 'the seed of the clustering', wholeNumberWithin(0, 2 ** 32 - 1), 1)
    .option('--skip-bad', 'leave out images that cannot be read, instead of stopping')
    .addHelpText(
      'after',
      `
  zeros, ones     the same number in every column
  mean            each column's mean over the training side of the split
  central-pixel   clusters the training galaxies by the mean colour of their central 10 x 10 pixels;
                  a cluster's answer is the mean of its members

Examples:
  tuningfork baseline --data galaxies/
  tuningfork baseline mean central-pixel --data galaxies/ --clusters 128
  tuningfork baseline mean --data synthetic:1000 --json | jq '.baselines[0].rmse'`,
    )
    .action(
      async (names: ('zeros' | 'ones' | 'mean' | 'central-pixel' | 'all')[], _options: object, command: Command) => {
        const { baseline } = await import('../baseline.node.ts');
        await baseline(names, allOptions(command));
      },
    );
}
