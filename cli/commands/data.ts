import { Argument, type Command } from 'commander';
import { addImageOptions, addStretchOption, drawn } from './image_options.ts';
import { allOptions, numberWithin } from '../options.ts';
import { SOURCES } from '../sources.ts';
import { addTrainOptions } from './train.ts';

/** `tuningfork data stats`, `tuningfork data pack` and `tuningfork data fetch`. */
export function register(program: Command): void {
  const data = program
    .command('data')
    .description('look at images and labels, decode images in advance, or download public data');

  addStretchOption(addImageOptions(data.command('stats'), 'labels', drawn()))
    .description('count images, classes, sizes and duplicates, show examples, and write a page')
    .option(
      '--threshold <share>',
      'for galaxies: the share of votes that an answer needs to become the label',
      numberWithin(0, 1),
      0.6,
    )
    .option('--skip-bad', 'decode every image, and leave out those that cannot be read')
    .option(
      '--quick',
      'decode only the images that are shown, and skip the search for sizes, channels, duplicates and broken files',
    )
    .option('--out <folder>', 'the folder for the page and its pictures', 'runs/stats')
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
      'decode images in advance, into the run directory of a training from scratch or with --unfreeze all; takes the options of that training',
    )
    .addHelpText(
      'after',
      `
Examples:
  tuningfork data pack --data pets/ --out runs/pets      # on a machine with many cores
  tuningfork train --data pets/ --out runs/pets          # decodes nothing
Give the same command again to resume after an interruption.`,
    )
    .action(async (_options: object, command: Command) => {
      const { dataPack } = await import('../data_pack.node.ts');
      await dataPack(allOptions(command));
    });

  data
    .command('fetch')
    .description('download public files; verifies checksums, resumes an interrupted download')
    .addArgument(new Argument('<set>', 'the set to download').choices(SOURCES.map(({ name }) => name)))
    .requiredOption('--to <folder>', 'the folder for the files')
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
