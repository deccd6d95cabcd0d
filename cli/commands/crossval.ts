import type { Command } from 'commander';
import { UserError } from '../../engine/user_error.ts';
import { MOST_FOLDS } from '../../vision/data/folds.ts';
import type { CrossvalFlags } from '../crossval.node.ts';
import { allOptions, wholeNumberWithin } from '../options.ts';
import { addTrainOptions } from './train.ts';

/** `tuningfork crossval`. */
export function register(program: Command): void {
  addFoldOptions(program.command('crossval'))
    .description(
      'cross-validate a training: divide the images into folds, train a network for each on the others, and tell how the figures spread; resumes what was interrupted',
    )
    .option(
      '--fold <k>',
      'train only this fold, 1 to --folds: to share the folds between machines',
      wholeNumberWithin(1, MOST_FOLDS),
    )
    .addHelpText(
      'after',
      `
It takes the options of \`tuningfork train\`. Every fold is a run directory, fold-1, fold-2 ... in --out; when all are finished, crossval.json
holds each one's figure, their mean and standard deviation, and the figure over all images, each predicted by the network that did not train
on it. Images of --train-only are trained on in every fold. With --keep best (the default) the epoch that is kept is chosen on the very fold
that is then judged, which flatters a little; --keep last does not.

Examples:
  tuningfork crossval --task challenge --data galaxies/ --out runs/cv
  tuningfork crossval --data galaxies/ --weights b0.safetensors --folds 10 --out runs/cv10
  tuningfork crossval --data galaxies/ --out runs/cv --fold $SLURM_ARRAY_TASK_ID     # one job of an array; the last to finish writes the summary
  tuningfork predict runs/cv --data unlabelled/ --out predictions.csv                # the mean of all folds' networks
What was interrupted goes on when the same command is given again.`,
    )
    .action(async (_options: object, self: Command) => {
      const { crossval } = await import('../crossval.node.ts');
      await crossval(allOptions<CrossvalFlags>(self));
    });
}

/** The options of a training without --val-fraction, which is refused, and the number of folds. */
export function addFoldOptions(command: Command): Command {
  addTrainOptions(command, 'runs/crossval')
    .option(
      '--folds <n>',
      'parts that the images are divided into, alike in their classes or votes',
      wholeNumberWithin(2, MOST_FOLDS),
      5,
    )
    .hook('preAction', () => {
      if (command.getOptionValueSource('valFraction') !== 'default')
        throw new UserError(
          '--val-fraction says nothing to cross-validation: each fold is the validation side once; leave it out, and give --folds',
        );
    })
    .options.find(({ long }) => long === '--val-fraction')!
    .hideHelp();
  return command;
}
