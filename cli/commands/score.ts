import type { Command } from 'commander';
import { allOptions } from '../options.ts';

/** `tuningfork score`. */
export function register(program: Command): void {
  program
    .command('score')
    .description(
      'score a csv of predictions against one of votes, as the Galaxy Challenge did: root mean square error of 37 columns',
    )
    .argument('<truth>', 'the votes: GalaxyID and the 37 columns Class1.1 to Class11.6, in any order; .csv or .csv.gz')
    .argument('<prediction>', 'the predictions for the same galaxies, in the same layout and any order')
    .addHelpText(
      'after',
      `
Both files must have the same galaxies, each once. Votes lie in 0..1; predictions may be any number, as in the challenge, and those outside are counted.

Examples:
  tuningfork score galaxies/labels.csv predictions.csv
  tuningfork score training_solutions_rev1.csv predictions.csv --json | jq .rmse`,
    )
    .action(async (truth: string, prediction: string, _options: object, command: Command) => {
      const { score } = await import('../score.node.ts');
      await score(truth, prediction, allOptions(command));
    });
}
