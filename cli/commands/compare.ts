import type { Command } from 'commander';
import { allOptions } from '../options.ts';

/** `tuningfork compare`. */
export function register(program: Command): void {
  program
    .command('compare')
    .description(
      'put trainings side by side: model, time, figures, the options in which they differ; with --out their curves on a page',
    )
    .argument('<run...>', 'run directories, of any task, finished or not')
    .option('--out <folder>', 'write compare.html there')
    .addHelpText(
      'after',
      `
Figures are those of the last evaluation, on the validation split. Runs that were judged on different galaxies are told of.

Examples:
  tuningfork compare runs/b0 runs/scratch
  tuningfork compare runs/* --out runs/compared
  tuningfork compare runs/* --json | jq '.runs | sort_by(.rmse)[0].run'`,
    )
    .action(async (runs: string[], _options: object, command: Command) => {
      const { compare } = await import('../compare.node.ts');
      await compare(runs, allOptions(command));
    });
}
