import { InvalidArgumentError, Option, type Command } from 'commander';
import { UserError } from '../../engine/user_error.ts';
import { IMAGENET, type Normalisation } from '../../models/normalisation.ts';
import { numberWithin, wholeNumberWithin } from '../options.ts';

/** How the network of an ONNX file wants its pixels, as flags say it. */
export interface PreprocessingFlags {
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly scale?: number;
  readonly channels?: 'rgb' | 'bgr';
}

/** One number for all channels, or three. */
function colour(text: string): number[] {
  const numbers = text.split(',').map((part) => (part.trim() === '' ? NaN : Number(part)));
  if (![1, 3].includes(numbers.length) || !numbers.every(Number.isFinite))
    throw new InvalidArgumentError('It must be a number, or three with commas between them.');
  return numbers.length === 1 ? [numbers[0], numbers[0], numbers[0]] : numbers;
}

/** The options that say how an ONNX file's network wants its pixels. */
export const addPreprocessingOptions = (command: Command): Command =>
  command
    .optionsGroup(ONNX)
    .option(
      '--mean <numbers>',
      "subtract this from each pixel: one number, or three in the network's channel order (default: ImageNet's where none of --mean, --std and --scale is given, and else 0)",
      colour,
    )
    .option(
      '--std <numbers>',
      "then divide by this, given as --mean (default: ImageNet's where none of the three is given, and else 1)",
      colour,
    )
    .option(
      '--scale <number>',
      'the value of the brightest pixel before --mean and --std, such as 255 (default: 1)',
      numberWithin(1, 1000),
    )
    .addOption(
      new Option('--channels <order>', 'the channel order of the network (default: rgb)').choices(['rgb', 'bgr']),
    )
    .optionsGroup('Options:');

/** The heading of the options that only ONNX files need. */
export const ONNX = 'Options for ONNX files:';

/** The same, and the size, for commands that read an ONNX file as it is. */
export const addOnnxOptions = (command: Command): Command =>
  addPreprocessingOptions(
    command
      .optionsGroup(ONNX)
      .option(
        '--size <pixels>',
        'side of the images, where the file leaves it open (default: 224)',
        wholeNumberWithin(1, 4096),
      ),
  );

const HIGHEST_MEAN = 1;
const LOWEST_STD = 1e-3;

/**
 * What flags say of pixels; undefined where they say nothing. Of `--mean` and `--std` what is not given changes nothing
 * where the other or `--scale` is; ImageNet's numbers stand for all three.
 * @throws UserError where the numbers make no sense of pixels
 */
export function preprocessingOf({ mean, std, scale, channels }: PreprocessingFlags): Normalisation | undefined {
  const isSaid = mean ?? std ?? scale;
  if (isSaid === undefined && channels === undefined) return undefined;
  const isBgr = channels === 'bgr';
  const order = (numbers: readonly number[]) => (isBgr ? [...numbers].reverse() : numbers);
  const bright = scale ?? 1;
  const inOne = (numbers: readonly number[]) => order(numbers.map((n) => n / bright));
  const [takenOff, dividedBy] =
    isSaid === undefined ? [IMAGENET.mean, IMAGENET.std] : [inOne(mean ?? [0, 0, 0]), inOne(std ?? [1, 1, 1])];
  const counted = `of pixels that are counted from 0 to ${bright}${scale === undefined ? '; give --scale 255 where the numbers are of pixels counted to 255' : ''}`;
  if (!takenOff.every((n) => n >= 0 && n <= HIGHEST_MEAN))
    throw new UserError(`--mean ${mean!.join(',')} makes no sense ${counted}`);
  if (!dividedBy.every((n) => n >= LOWEST_STD && n <= 1))
    throw new UserError(`--std ${(std ?? [1]).join(',')} makes no sense ${counted}`);
  return { mean: takenOff, std: dividedBy, ...(isBgr && { channels: 'bgr' as const }) };
}
