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
      'cross-validate: split the images into folds, train one network per fold on the others, and report how the figures spread; resumes an interrupted run',
    )
    .option(
      '--fold <k>',
      'train only this fold, so that several machines share the folds',
      wholeNumberWithin(1, MOST_FOLDS),
    )
    .addHelpText(
      'after',
      `
Each fold is a run directory in --out: fold-1, fold-2 and so on. When all are finished, crossval.json holds the figure of
each fold, their mean and standard deviation, and the figure over all images, each predicted by the network that was not
trained on it. Images of --train-only are in the training set of every fold. --keep best chooses the epoch on the fold
that is then judged, and --patience ends a training by it, which flatters the figures a little; --keep last without
--patience does not.

Examples:
  tuningfork crossval --task challenge --data galaxies/ --out runs/cv
  tuningfork crossval --data galaxies/ --weights b0.safetensors --folds 10 --out runs/cv10
  tuningfork crossval --data galaxies/ --out runs/cv --fold $SLURM_ARRAY_TASK_ID     # in a job array; the last job writes the summary
  tuningfork predict runs/cv --data unlabelled/ --out predictions.csv                # the mean over all folds
Give the same command again to resume after an interruption.`,
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
      'the number of folds, each with the same mix of classes or votes',
      wholeNumberWithin(2, MOST_FOLDS),
      5,
    )
    .hook('preAction', () => {
      if (command.getOptionValueSource('valFraction') !== 'default')
        throw new UserError(
          'cross-validation has no use for --val-fraction, because each fold is the validation set once; leave it out, and give --folds',
        );
    })
    .options.find(({ long }) => long === '--val-fraction')!
    .hideHelp();
  return command;
}
