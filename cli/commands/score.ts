import type { Command } from 'commander';
import { allOptions } from '../options.ts';

/** `tuningfork score`. */
export function register(program: Command): void {
  program
    .command('score')
    .description('score predictions as the Galaxy Challenge did: the root mean square error over 37 columns')
    .argument('<truth>', 'the csv or csv.gz of votes: GalaxyID, and Class1.1 to Class11.6 in any order')
    .argument('<prediction>', 'the csv of predictions for the same galaxies, with the same columns')
    .addHelpText(
      'after',
      `
Both files must have the same galaxies, each once. Votes lie between 0 and 1. Predictions may be any number, as in the
challenge; those outside 0 to 1 are counted.

Examples:
  tuningfork score galaxies/labels.csv predictions.csv
  tuningfork score training_solutions_rev1.csv predictions.csv --json | jq .rmse`,
    )
    .action(async (truth: string, prediction: string, _options: object, command: Command) => {
      const { score } = await import('../score.node.ts');
      await score(truth, prediction, allOptions(command));
    });
}
