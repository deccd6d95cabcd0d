import type { Command } from 'commander';
import { allOptions } from '../options.ts';

/** `tuningfork compare`. */
export function register(program: Command): void {
  program
    .command('compare')
    .description(
      'compare runs: model, time, figures, and the options that differ; --out writes a page with their curves',
    )
    .argument('<run...>', 'run directories, finished or not')
    .option('--out <folder>', 'the folder for compare.html')
    .addHelpText(
      'after',
      `
The figures are those of each run's last evaluation on its validation split. A note says which runs were judged on
different images.

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
