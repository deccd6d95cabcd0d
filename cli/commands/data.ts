import { Argument, type Command } from 'commander';
import { addImageOptions, addStretchOption, drawn } from './image_options.ts';
import { allOptions, numberWithin } from '../options.ts';
import { SOURCES } from '../sources.ts';
import { addTrainOptions } from './train.ts';

/** `tuningfork data stats`, `tuningfork data pack` and `tuningfork data fetch`. */
export function register(program: Command): void {
  const data = program
    .command('data')
    .description('look at images and their labels, decode them beforehand, or download public ones');

  addStretchOption(addImageOptions(data.command('stats'), 'labels', drawn()))
    .description(
      'count the images of each class, their sizes and equal ones, and draw the votes on galaxies, as a page and as pictures',
    )
    .option('--threshold <share>', 'of galaxies: how much of the votes makes a label', numberWithin(0, 1), 0.6)
    .option('--skip-bad', 'decode every image once, and leave out those that cannot be read')
    .option('--quick', 'decode only the images that are shown: no sizes, channels, equal or broken images are told')
    .option('--out <folder>', 'where the page and the pictures go', 'runs/stats')
    .addHelpText(
      'after',
      `
Examples:
  tuningfork data stats --data pets/
  tuningfork data stats --data galaxies/
  tuningfork data stats --data survey/ --quick                            # millions of images
  tuningfork data stats --data synthetic:1000 --threshold 0.8 --out runs/sky
  tuningfork data stats --data galaxies/ --json | jq .thresholds`,
    )
    .action(async (_options: object, command: Command) => {
      const { dataStats } = await import('../data_stats.node.ts');
      await dataStats(allOptions(command));
    });

  addTrainOptions(data.command('pack'), 'runs/classifier')
    .description(
      'decode the images of a training from scratch into its run directory beforehand; the training takes the same options',
    )
    .addHelpText(
      'after',
      `
Examples:
  tuningfork data pack --data pets/ --out runs/pets      # on a machine with many processors
  tuningfork train --data pets/ --out runs/pets          # decodes nothing
What was interrupted goes on when the same command is given again.`,
    )
    .action(async (_options: object, command: Command) => {
      const { dataPack } = await import('../data_pack.node.ts');
      await dataPack(allOptions(command));
    });

  data
    .command('fetch')
    .description('download a public set of files; resumes where it was interrupted, verifies checksums')
    .addArgument(new Argument('<set>', 'what to download').choices(SOURCES.map(({ name }) => name)))
    .requiredOption('--to <folder>', 'where the files go')
    .addHelpText(
      'after',
      `
Sets:
${SOURCES.map(({ name, licence, files }) => `  ${name} (${licence})\n${files.map(({ file, about }) => `    ${file}: ${about}`).join('\n')}`).join('\n')}

Examples:
  tuningfork data fetch efficientnet-b0 --to weights/
  tuningfork data fetch galaxy-zoo-2 --to galaxies/`,
    )
    .action(async (set: string, _options: object, command: Command) => {
      const { dataFetch } = await import('../data_fetch.node.ts');
      await dataFetch(set, allOptions(command));
    });
}
