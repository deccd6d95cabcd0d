import { InvalidArgumentError, Option, type Command } from 'commander';

/** The options that every command has, before or after its name. */
export interface GlobalOptions {
  readonly adapter?: string;
  readonly json?: boolean;
  /** A file of tuned kernels, or `none`; absent: the user's own (tuning_file.node.ts). */
  readonly tuning?: string;
}

/** A command's own options together with the global ones. */
export const allOptions = <T extends object>(command: Command): T & GlobalOptions =>
  command.optsWithGlobals<T & GlobalOptions>();

/** A parser for a number within low..high, ends included. */
export function numberWithin(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= low && value <= high))
      throw new InvalidArgumentError(`It must be a number from ${low} to ${high}.`);
    return value;
  };
}

/** A parser for a whole number within low..high, ends included. */
export function wholeNumberWithin(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\s*\d+\s*$/.test(text) || !(value >= low && value <= high))
      throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
    return value;
  };
}

/**
 * What a command's help says of the models that can be built by name; MODEL_NAMES of models/build_network.ts, which is
 * not loaded for it, has them all.
 */
export const MODELS =
  'efficientnet_b0 to _b7, resnet18, resnet34, resnet50, resnet101, mobilenet_v3_small or _large, convnext_nano or _tiny, vgg11, vgg16, vgg11_bn, vgg16_bn, galaxy_vgg, vgg_small';

/** Options that say more of a model that is given by name (`NewModelFlags` of model_program.node.ts). */
export const newModelOptions = (command: Command): Command =>
  command
    .option(
      '--width <share>',
      'for a VGG or ResNet by name: multiply its channels by this (default: 1)',
      numberWithin(0.05, 1),
    )
    .addOption(
      new Option('--task <name>', 'for a model by name: what it learns (default: smooth-or-featured)').choices([
        'smooth-or-featured',
        'challenge',
      ]),
    )
    .addOption(
      new Option(
        '--head <name>',
        'for the challenge: fractions that follow the tree of questions, or one sigmoid per answer (default: tree)',
      ).choices(['tree', 'independent']),
    );

/**
 * The galaxies that a command takes when it is not told: TUNINGFORK_DATA, or drawn ones, so that it runs where no data
 * is.
 */
export const defaultData = (): string => process.env['TUNINGFORK_DATA'] ?? 'synthetic:400';
