import type { Command } from 'commander';
import { allOptions, wholeNumberWithin } from '../options.ts';
import type { SweepFlags } from '../sweep.node.ts';
import { addTrainOptions } from './train.ts';

/** `tuningfork sweep`. */
export function register(program: Command): void {
  addSweepOptions(program.command('sweep'))
    .description(
      'train with each combination of some options, in a run directory each, and compare them; resumes what was interrupted',
    )
    .option(
      '--run <k>',
      'train only the k-th combination: to share the combinations between machines',
      wholeNumberWithin(1, 10_000),
    )
    .option('--compare-only', 'train nothing: compare those that are there')
    .addHelpText(
      'after',
      `
The grid is a JSON file. It names options of \`tuningfork train\` without their dashes, each with a list to try or one value for all:
  {"lr": [1e-3, 1e-4], "size": [32, 48], "keep": "last"}                                   all four combinations
  {"random": 8, "seed": 1, "lr": {"log": [1e-5, 1e-2]}, "dropout": {"uniform": [0, 0.5]}}  eight, drawn from the seed
Options on the command line hold for all. Folders are called after what is tried, lr=0.001_size=32; a grid that grows goes on with those there are.

Examples:
  tuningfork sweep grid.json --data galaxies/ --out runs/sweep
  tuningfork sweep grid.json --data galaxies/ --out runs/sweep --run 3      # one of them; see also \`tuningfork slurm sweep\`
What was interrupted goes on when the same command is given again.`,
    )
    .action(async (grid: string, _options: object, command: Command) => {
      const { sweep } = await import('../sweep.node.ts');
      await sweep(grid, allOptions<SweepFlags>(command));
    });
}

/** The grid, and the options that all its trainings share. */
export const addSweepOptions = (command: Command): Command =>
  addTrainOptions(command.argument('<grid>', 'a JSON file of options and what to try for each'), 'runs/sweep');
