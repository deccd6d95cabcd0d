import { InvalidArgumentError, type Command } from 'commander';
import { readSchemaFile } from '../../vision/votes/schema_file.node.ts';
import { parseStretch } from '../../vision/data/stretch.ts';
import { defaultData } from '../options.ts';

/**
 * The options that say which images a command takes.
 * @param labels whether it needs labels, or only images
 * @param absent what is taken where nothing is said; undefined where something must be
 */
export function addImageOptions(command: Command, labels: 'labels' | 'images', absent?: string): Command {
  const what =
    labels === 'labels'
      ? 'a folder with a folder of images for each class, perhaps in train/, val/ and test/; a zip, tar or parquet file, or many by a pattern (shards-{000..012}.tar); or a folder of galaxies'
      : 'a folder of images, a zip, tar or parquet file, or many by a pattern';
  command
    .option(
      '--data <path>',
      `${what}, or synthetic:400 to draw galaxies${absent === undefined ? '' : `; ${absent} when absent`}`,
    )
    .option('--table <file>', 'instead of --data: a csv or tsv with a row for each image')
    .option(
      '--image-column <name>',
      'its column of files: paths from the table, or from --images ("image"); of parquet files, that of images',
    )
    .option('--images <folder>', 'where the paths of the table begin: a folder, or an archive that holds them');
  if (labels === 'images') return command;
  return command
    .option(
      '--label-column <name>',
      'its column of classes, or that of parquet files, or the field of the JSON beside images in tar files',
    )
    .option(
      '--target-columns <names>',
      'instead: its columns (or fields) of numbers to predict, separated by commas',
      namesIn,
    )
    .option(
      '--schema <file>',
      'instead: questions that people answered, and the columns that count their answers, as JSON',
      readSchemaFile,
    )
    .option('--split-column <name>', 'its column of sides: train, val or test');
}

/** Names that are separated by commas, each once. */
function namesIn(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidArgumentError('A name between two commas is empty.');
  if (new Set(names).size < names.length) throw new InvalidArgumentError('A name is there twice.');
  return names;
}

/** The option that says how FITS images become what a network is shown; a model remembers it. */
export const addStretchOption = (command: Command): Command =>
  command.option(
    '--stretch <how>',
    "how samples without a range (FITS, floats) become 8 bits: linear or asinh between percentiles (asinh:low=0.5,high=99.5,softening=0.1), or Lupton's for red, green and blue (lupton:minimum=0,stretch=0.5,q=8); linear when absent; remembered in the model",
    parseStretch,
  );

/** What `--help` says of the default. */
export const drawn = (): string => defaultData();
