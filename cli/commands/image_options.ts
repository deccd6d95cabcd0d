import type { Command } from 'commander';
import { defaultData } from '../options.ts';

/**
 * The options that say which images a command takes.
 * @param labels whether it needs labels, or only images
 * @param absent what is taken where nothing is said; undefined where something must be
 */
export function addImageOptions(command: Command, labels: 'labels' | 'images', absent?: string): Command {
  const what =
    labels === 'labels'
      ? 'a folder with a folder of images for each class, perhaps in train/, val/ and test/; or one of galaxies'
      : 'a folder of images';
  command
    .option(
      '--data <folder>',
      `${what}, or synthetic:400 to draw galaxies${absent === undefined ? '' : `; ${absent} when absent`}`,
    )
    .option('--table <file>', 'instead of --data: a csv or tsv with a row for each image')
    .option('--image-column <name>', 'its column of files: paths from the table, or from --images ("image")')
    .option('--images <folder>', 'where the paths of the table begin');
  if (labels === 'images') return command;
  return command
    .option('--label-column <name>', 'its column of classes')
    .option('--split-column <name>', 'its column of sides: train, val or test');
}

/** What `--help` says of the default. */
export const drawn = (): string => defaultData();
