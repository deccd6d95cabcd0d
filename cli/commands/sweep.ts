import type { Command } from 'commander';
import { allOptions, wholeNumberWithin } from '../options.ts';
import type { SweepFlags } from '../sweep.node.ts';
import { addTrainOptions } from './train.ts';

/** `tuningfork sweep`. */
export function register(program: Command): void {
  addSweepOptions(program.command('sweep'))
    .description(
      'train with every combination of some options, each in its own run directory, and compare them; resumes an interrupted sweep',
    )
    .option(
      '--run <k>',
      'train only the k-th combination, so that several machines share the work',
      wholeNumberWithin(1, 10_000),
    )
    .option('--compare-only', 'train nothing, and compare the runs that are there')
    .addHelpText(
      'after',
      `
The grid is a JSON file. It names options of \`tuningfork train\` without their dashes. Each has a list of values to try,
or one value for all:
  {"lr": [1e-3, 1e-4], "size": [32, 48], "keep": "last"}                                   # all four combinations
  {"random": 8, "seed": 1, "lr": {"log": [1e-5, 1e-2]}, "dropout": {"uniform": [0, 0.5]}}  # eight random ones
Options on the command line apply to all. Each folder is named after its values, such as lr=0.001_size=32, so a grid that
grows keeps the runs that are there.

Examples:
  tuningfork sweep grid.json --data galaxies/ --out runs/sweep
  tuningfork sweep grid.json --data galaxies/ --out runs/sweep --run 3      # one of them; see also \`tuningfork slurm sweep\`
Give the same command again to resume after an interruption.`,
    )
    .action(async (grid: string, _options: object, command: Command) => {
      const { sweep } = await import('../sweep.node.ts');
      await sweep(grid, allOptions<SweepFlags>(command));
    });
}

/** The grid, and the options that all its trainings share. */
export const addSweepOptions = (command: Command): Command =>
  addTrainOptions(command.argument('<grid>', 'a JSON file of options and the values to try'), 'runs/sweep');
