import { Command, InvalidArgumentError, Option } from 'commander';
import { drawn, addImageOptions, addStretchOption } from './image_options.ts';
import { ONNX, addPreprocessingOptions } from './preprocessing_options.ts';
import { MODELS, allOptions, numberWithin, wholeNumberWithin } from '../options.ts';
import type { TrainFlags } from '../train.node.ts';

/** `tuningfork train`. */
export function register(program: Command): void {
  addTrainOptions(program.command('train'), 'runs/classifier')
    .description(
      'train a network on images with classes, numbers or votes, and write a report; resumes an interrupted run',
    )
    .addHelpText(
      'after',
      `
Examples:
  tuningfork train --data pets/ --out runs/pets                        # pets/cats/*.jpg, pets/dogs/*.png
  tuningfork train --table labels.csv --image-column file_loc --label-column class --out runs/table
  tuningfork train --table catalogue.csv --image-column file --target-columns redshift,size --out runs/numbers
  tuningfork train --data galaxies/ --weights efficientnet_b0.safetensors --out runs/b0
  tuningfork train --data synthetic:600 --out runs/sky --epochs 8
  tuningfork train --data galaxies/ --weights b0.safetensors --epochs-head 3 --epochs 1 --views 2   # a quick look
  tuningfork train --data pets/ --model net.onnx --unfreeze 0.3 --out runs/net                      # any ONNX network
  tuningfork train --task challenge --data galaxies/ --out runs/challenge                           # all 37 vote fractions
Give the same command again to resume an interrupted run.`,
    )
    .action(async (_options: object, command: Command) => {
      const { train } = await import('../train.node.ts');
      await train(allOptions(command));
    });
}

/** A number, or a name where it is none. */
function unfreezeOf(text: string): number | string {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number)) return text;
  if (!(number > 0 && (number < 1 || Number.isInteger(number))))
    throw new InvalidArgumentError('It must be a whole number, a share below 1, the name of a layer, or all.');
  return number;
}

/** The flags of `tuningfork train` with these arguments. */
export function trainFlags(args: readonly string[]): TrainFlags {
  return addTrainOptions(new Command('train'), 'runs/classifier').parse(args, { from: 'user' }).opts<TrainFlags>();
}

/** The options of a training, which cross-validation has too. */
export function addTrainOptions(command: Command, out: string): Command {
  const task = addTaskOptions(addStretchOption(addImageOptions(command, 'labels', drawn())), out);
  return addViewOptions(addStepOptions(addPhaseOptions(addSplitOptions(addPreprocessingOptions(task)))));
}

/** What is learnt, by which network, and where the run lies. */
function addTaskOptions(command: Command, out: string): Command {
  return command
    .optionsGroup('Task and network:')
    .addOption(
      new Option(
        '--task <name>',
        'what the network learns: classes, numbers (targets), or how people answered questions (votes); for galaxies, smooth-or-featured, or the 37 vote fractions of the challenge (default: what the data hold)',
      ).choices(['classes', 'targets', 'votes', 'smooth-or-featured', 'challenge']),
    )
    .addOption(
      new Option(
        '--head <name>',
        'for votes and the challenge: fractions that follow the tree of questions, one independent sigmoid per answer, or for vote counts a Dirichlet-multinomial distribution (default: what the data allow)',
      ).choices(['tree', 'independent', 'dirichlet']),
    )
    .option('--out <folder>', 'the run directory', out)
    .option(
      '--model <name>',
      `${MODELS}; or an ONNX file (default: efficientnet_b0 with --weights, a small VGG without)`,
    )
    .option(
      '--width <share>',
      'multiply the channels of a VGG or ResNet by this (default: 1; for galaxies, of galaxy_vgg 0.25)',
      numberWithin(0.05, 1),
    )
    .option(
      '--weights <file>',
      'trained weights to start from: safetensors, PyTorch (.pth, .pt, .bin) or Keras (.h5, .keras); without them the network is trained from scratch',
    )
    .addOption(
      new Option('--layout <order>', 'the layout of its input (default: seen from its shape)')
        .choices(['nchw', 'nhwc'])
        .helpGroup(ONNX),
    )
    .addOption(
      new Option(
        '--learn <what>',
        'for smooth-or-featured: learn all vote fractions, of unclear galaxies too, and answer the class by them; or the class alone (default: votes where the data have them)',
      ).choices(['votes', 'class']),
    )
    .option(
      '--threshold <share>',
      'the share of votes that an answer needs to become the label (default: 0.6)',
      numberWithin(0, 1),
    )
    .option('--soft-labels', 'train on the vote fractions instead of the label')
    .option(
      '--label-smoothing <share>',
      'spread this share of the target over all classes (default: 0)',
      numberWithin(0, 1),
    );
}

/** Which images are kept apart or left out, and how the others are shown. */
function addSplitOptions(command: Command): Command {
  return command
    .optionsGroup('Split and input:')
    .option(
      '--val-fraction <share>',
      'share of the images to validate on, chosen by a hash of their ids; not used where val/ or the table names them',
      numberWithin(0, 0.9),
      0.2,
    )
    .option(
      '--test-fraction <share>',
      'share of the images to keep out of training and validation, for `evaluate --split test` (default: none)',
      numberWithin(0, 0.9),
    )
    .option(
      '--train-only <ranges>',
      'ids that are only trained on, such as 1-99,500-600; of images in folders the numbers that files are called by',
    )
    .option('--skip-bad', 'leave out images that cannot be read, instead of stopping')
    .option('--limit <n>', 'use only this many of the labelled images', wholeNumberWithin(1, 1e9))
    .option('--seed <n>', 'the seed of all random numbers', wholeNumberWithin(0, 2 ** 32 - 1), 1)
    .option(
      '--size <pixels>',
      "side of the network's input (default: 224, or what an ONNX file says; from scratch 128; for galaxies 160, from scratch 96)",
      wholeNumberWithin(32, 1024),
    )
    .option(
      '--crop <pixels>',
      'side of the central square that the network sees (default: --size, of images whose shorter side is scaled to 8/7 of it; for galaxies 260 pixels as they are)',
      wholeNumberWithin(8, 4096),
    )
    .option('--batch <n>', 'images per step', wholeNumberWithin(1, 4096), 32)
    .option(
      '--views <n>',
      'random views of each image that phase 1 prepares (default: 4; galaxies 2)',
      wholeNumberWithin(1, 64),
    )
    .option(
      '--tta <n>',
      'views to average final predictions over: up to 8 symmetries, and 8 more at 45 degrees (default: 4); for images with an up at most 2, the image and its mirror image (default: 2)',
      wholeNumberWithin(1, 16),
    );
}

/** How long each phase goes on, what it trains, and what a step may hold. */
function addPhaseOptions(command: Command): Command {
  return command
    .optionsGroup('Phases and memory:')
    .option(
      '--epochs-head <n>',
      'epochs of phase 1, which trains a linear head on frozen features',
      wholeNumberWithin(0, 10_000),
      10,
    )
    .option('--lr-head <rate>', 'learning rate of phase 1', numberWithin(0, 10), 1e-3)
    .option(
      '--epochs <n>',
      'epochs of phase 2, which fine-tunes, or of training from scratch (default: 5; galaxies 12; from scratch 15, galaxies 30)',
      wholeNumberWithin(0, 10_000),
    )
    .option(
      '--lr <rate>',
      'learning rate of phase 2, or from scratch (default: 1e-4; galaxies 5e-4; from scratch 1e-3)',
      numberWithin(0, 10),
    )
    .option(
      '--unfreeze <what>',
      'how much of the end of the network phase 2 trains: a number of stages (or of layers, where there are no stages), a share of the weights such as 0.3, the name of the first layer, or all (default: 3; for an ONNX file 0.75; galaxies all)',
      unfreezeOf,
    )
    .addOption(
      new Option(
        '--memory <level>',
        'full keeps all activations for the backward pass, low computes cheap ones again, lowest whole blocks; the results are the same (default: full)',
      ).choices(['full', 'low', 'lowest']),
    )
    .addOption(
      new Option(
        '--precision <type>',
        'how activations are stored; f16 takes half the memory and scales the loss; arithmetic is f32 in both',
      )
        .choices(['f32', 'f16'])
        .default('f32'),
    )
    .addOption(
      new Option(
        '--batch-norm <by>',
        "normalise by running statistics or by each batch's own (default: running when fine-tuning, batch from scratch)",
      ).choices(['running', 'batch']),
    );
}

/** Rates and regularisation, and which weights are kept. */
function addStepOptions(command: Command): Command {
  return command
    .optionsGroup('Optimiser:')
    .addOption(
      new Option('--schedule <kind>', 'the learning rate after the warm-up')
        .choices(['constant', 'cosine'])
        .default('cosine'),
    )
    .option('--warmup <steps>', 'steps in which the learning rate grows from 0', wholeNumberWithin(0, 1e6), 0)
    .option('--weight-decay <rate>', 'decoupled weight decay', numberWithin(0, 10), 0)
    .option(
      '--clip <norm>',
      'scale gradients down to this global norm at most (default: no limit)',
      numberWithin(1e-9, 1e9),
    )
    .option('--dropout <rate>', 'dropout rate before the classifier', numberWithin(0, 0.95), 0.2)
    .option(
      '--drop-path <rate>',
      'stochastic depth: the rate of the last block; earlier blocks have less',
      numberWithin(0, 0.95),
      0,
    )
    .option(
      '--patience <epochs>',
      'end a phase after this many epochs without a better validation loss (default: never)',
      wholeNumberWithin(1, 10_000),
    )
    .addOption(
      new Option('--keep <which>', 'keep the weights of the epoch with the best validation loss, or of the last')
        .choices(['best', 'last'])
        .default('best'),
    );
}

/** How views differ from one another, and what a run keeps. */
function addViewOptions(command: Command): Command {
  return command
    .optionsGroup('Augmentation:')
    .option(
      '--rotation <degrees>',
      'rotate by up to this, either way (default: 0; for images without an up 180)',
      numberWithin(0, 180),
    )
    .option(
      '--no-up',
      'the images have no up, like those of the sky: rotate them by any angle, average 4 symmetries, and crop without scaling (default for galaxies)',
    )
    .option('--no-flip', 'do not mirror images')
    .option(
      '--zoom <share>',
      'scale by up to 1 ± this (default: 0.2; galaxies 0, from scratch 0.1)',
      numberWithin(0, 0.9),
    )
    .option(
      '--shift <share>',
      'shift by up to this share of the view (default: 0.08; galaxies 0.02, from scratch 0.05)',
      numberWithin(0, 0.5),
    )
    .option(
      '--jitter <share>',
      'change brightness, contrast and saturation by up to 1 ± this (default: 0.2; galaxies 0.1)',
      numberWithin(0, 0.9),
    )
    .option(
      '--hue <share>',
      'shift the hue by up to this share of the circle (default: 0; galaxies 0.05)',
      numberWithin(0, 0.5),
    )
    .optionsGroup('Run directory:')
    .option('--checkpoint-steps <n>', 'steps between checkpoints', wholeNumberWithin(1, 1e6), 25)
    .option(
      '--pack <GiB>',
      'disk space for decoded images while the whole network is trained, so that later epochs decode nothing; 0 keeps none',
      numberWithin(0, 1e5),
      4,
    )
    .option(
      '--accept-changes',
      'resume although images, labels, weights or the adapter have changed since; the report says so',
    )
    .optionsGroup('Options:');
}
