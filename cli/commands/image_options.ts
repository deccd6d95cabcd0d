import { InvalidArgumentError, type Command } from 'commander';
import { readSchemaFile } from '../../vision/votes/schema_file.node.ts';
import { parseStretch } from '../../vision/data/stretch.ts';
import { defaultData } from '../options.ts';

const IMAGES = 'Images:';

/**
 * The options that say which images a command takes.
 * @param labels whether it needs labels, or only images
 * @param absent what is taken where nothing is said; undefined where something must be
 */
export function addImageOptions(command: Command, labels: 'labels' | 'images', absent?: string): Command {
  const what =
    labels === 'labels'
      ? 'a folder with one folder of images per class, optionally inside train/, val/ and test/; a zip, tar or parquet file; several of them as a pattern (shards-{000..012}.tar); a folder of galaxies'
      : 'a folder of images; a zip, tar or parquet file; several of them as a pattern (shards-{000..012}.tar)';
  command
    .optionsGroup(IMAGES)
    .option(
      '--data <path>',
      `${what}; or synthetic:400, which draws 400 galaxies${absent === undefined ? '' : ` (default: ${absent})`}`,
    )
    .option('--table <file>', 'a csv or tsv file with one row per image, instead of --data')
    .option(
      '--image-column <name>',
      'the column that holds the image files, or the images themselves in parquet (default: image)',
    )
    .option(
      '--images <folder>',
      "the folder or archive that the table's paths start from (default: the folder of the table)",
    );
  if (labels === 'labels') addLabelOptions(command);
  return command.optionsGroup('Options:');
}

/** The options that say where labels are found. */
const addLabelOptions = (command: Command): Command =>
  command
    .option('--label-column <name>', 'the column that holds the class; in tar files, the field of the JSON')
    .option(
      '--target-columns <names>',
      'the columns or fields that hold numbers to predict, separated by commas, instead of a class',
      namesIn,
    )
    .option(
      '--schema <file>',
      'a JSON file of questions that people answered, with the columns that count the answers, instead of a class',
      readSchemaFile,
    )
    .option('--split-column <name>', 'the column that says train, val or test');

/** Names that are separated by commas, each once. */
function namesIn(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidArgumentError('A name between two commas is empty.');
  if (new Set(names).size < names.length) throw new InvalidArgumentError('A name is there twice.');
  return names;
}

/** The option that says how FITS images become what a network is shown; a model remembers it. */
export const addStretchOption = (command: Command): Command =>
  command
    .optionsGroup(IMAGES)
    .option(
      '--stretch <how>',
      "how FITS images and floats become 8 bits: linear or asinh between two percentiles (asinh:low=0.5,high=99.5,softening=0.1), or Lupton's RGB (lupton:minimum=0,stretch=0.5,q=8); the model keeps it (default: linear)",
      parseStretch,
    )
    .optionsGroup('Options:');

/** The default that `--help` shows. */
export const drawn = (): string => defaultData();
