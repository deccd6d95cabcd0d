import { Command, InvalidArgumentError, Option } from 'commander';
import { drawn, addImageOptions, addStretchOption } from './image_options.ts';
import { addPreprocessingOptions } from './preprocessing_options.ts';
import { MODELS, allOptions, numberWithin, wholeNumberWithin } from '../options.ts';
import type { TrainFlags } from '../train.node.ts';

/** `tuningfork train`. */
export function register(program: Command): void {
  addTrainOptions(program.command('train'), 'runs/classifier')
    .description(
      'train a network to tell classes of images apart, to predict numbers, or on the votes on galaxies, and write its report; resumes what was interrupted',
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
  tuningfork train --data galaxies/ --weights b0.safetensors --epochs-head 3 --epochs 1 --views 2   # quick look
  tuningfork train --data pets/ --model net.onnx --unfreeze 0.3 --out runs/net                      # a network of others
  tuningfork train --task challenge --data galaxies/ --out runs/challenge                           # all 37 vote fractions
A run that was interrupted goes on when the same command is given again.`,
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
    throw new InvalidArgumentError('It must be a whole number, a share below 1, or the name of a layer.');
  return number;
}

/** The flags of `tuningfork train` with these arguments. */
export function trainFlags(args: readonly string[]): TrainFlags {
  return addTrainOptions(new Command('train'), 'runs/classifier').parse(args, { from: 'user' }).opts<TrainFlags>();
}

/** The options of a training, which cross-validation has too. */
export function addTrainOptions(command: Command, out: string): Command {
  const data = addPreprocessingOptions(addStretchOption(addImageOptions(command, 'labels', drawn())));
  return addStepOptions(addPhaseOptions(addSplitOptions(addTaskOptions(data, out))));
}

/** What is learnt, by which network, and where the run lies. */
function addTaskOptions(command: Command, out: string): Command {
  return command
    .addOption(
      new Option(
        '--task <name>',
        'what is learnt: classes, numbers (targets), or how people answered questions (votes); of galaxies smooth or featured, or the 37 vote fractions of the Galaxy Challenge; by the data when absent',
      ).choices(['classes', 'targets', 'votes', 'smooth-or-featured', 'challenge']),
    )
    .addOption(
      new Option(
        '--head <name>',
        'of votes and the challenge: fractions that obey the tree of questions, or a sigmoid each; or, of counts of votes, how sure they are (dirichlet); by the data when absent',
      ).choices(['tree', 'independent', 'dirichlet']),
    )
    .option('--out <folder>', 'the run directory', out)
    .option('--model <name>', `${MODELS}; or an ONNX file; chosen by whether there are weights when absent`)
    .option(
      '--width <share>',
      "channels of a VGG or ResNet in shares of its own; of the challenge's galaxy_vgg 0.25 when absent",
      numberWithin(0.05, 1),
    )
    .option(
      '--weights <file>',
      'trained weights to start from, of safetensors, PyTorch (.pth, .pt, .bin) or Keras (.h5, .keras); without them the whole network is trained from scratch',
    )
    .addOption(
      new Option('--layout <order>', 'of an ONNX file: how it takes images; seen by its lengths when absent').choices([
        'nchw',
        'nhwc',
      ]),
    )
    .option('--threshold <share>', 'how much of the votes makes a label (0.6)', numberWithin(0, 1))
    .option('--soft-labels', 'aim at the votes themselves instead of the class')
    .option('--label-smoothing <share>', 'share of the target spread evenly over the classes (0)', numberWithin(0, 1));
}

/** Which images are kept apart or left out, and how the others are shown. */
function addSplitOptions(command: Command): Command {
  return command
    .option(
      '--val-fraction <share>',
      'share of images kept for validation, by a hash of their ids; those in val/ or of that side in the table where there are any',
      numberWithin(0, 0.9),
      0.2,
    )
    .option(
      '--test-fraction <share>',
      'share of images kept out of training and validation, by a hash of their ids, for `evaluate --split test` (none)',
      numberWithin(0, 0.9),
    )
    .option('--train-only <ranges>', 'ids never to validate on, such as 1-99,500-600')
    .option('--skip-bad', 'leave out images that cannot be read instead of stopping')
    .option('--limit <n>', 'use only so many of the labelled images, for a quick look', wholeNumberWithin(1, 1e9))
    .option('--seed <n>', 'of everything random', wholeNumberWithin(0, 2 ** 32 - 1), 1)
    .option(
      '--size <pixels>',
      "side of the network's input: 224, or what an ONNX file says (classes and challenge from scratch: 128)",
      wholeNumberWithin(32, 1024),
    )
    .option(
      '--crop <pixels>',
      'side of the central square of an image that is shown: 212 (challenge from scratch: 339); of classes as --size, of images scaled so that their shorter side is 8/7 of it',
      wholeNumberWithin(8, 4096),
    )
    .option('--batch <n>', 'images a step', wholeNumberWithin(1, 4096), 32)
    .option('--views <n>', 'random views an image that the frozen front computes', wholeNumberWithin(1, 64), 4)
    .option(
      '--tta <n>',
      'views over which the final predictions are averaged: 8 symmetries, and as many at 45 degrees (4); of images that have an up 2, it and its mirror image (2)',
      wholeNumberWithin(1, 16),
    );
}

/** How long each phase goes on, what it trains, and what a step may hold. */
function addPhaseOptions(command: Command): Command {
  return command
    .option(
      '--epochs-head <n>',
      'epochs of phase 1: the linear head on frozen features',
      wholeNumberWithin(0, 10_000),
      10,
    )
    .option('--lr-head <rate>', 'learning rate of phase 1', numberWithin(0, 10), 1e-3)
    .option(
      '--epochs <n>',
      'epochs of phase 2, fine-tuning (5), or of training from scratch (15; challenge: 20)',
      wholeNumberWithin(0, 10_000),
    )
    .option('--lr <rate>', 'learning rate of phase 2 (1e-4), or from scratch (1e-3)', numberWithin(0, 10))
    .option(
      '--unfreeze <what>',
      'what phase 2 trains of the end of the network: a number of stages, or of layers with weights where it has none; a share of its weights, such as 0.3; or all from a layer on, by name (3 stages; of an ONNX file 0.75)',
      unfreezeOf,
    )
    .addOption(
      new Option(
        '--memory <level>',
        'what a step may hold: all that gradients need (full), or less and compute cheap activations again (low) or whole blocks (lowest); same results',
      ).choices(['full', 'low', 'lowest']),
    )
    .addOption(
      new Option(
        '--precision <type>',
        'how a step stores activations: f32, or f16 with the loss scaled, which is about half the memory; all is computed in f32',
      )
        .choices(['f32', 'f16'])
        .default('f32'),
    )
    .addOption(
      new Option(
        '--batch-norm <by>',
        "normalise by running statistics or by each batch's own; running when fine-tuning",
      ).choices(['running', 'batch']),
    );
}

/** Rates, regularisation and augmentation, and what a run keeps. */
function addStepOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--schedule <kind>', 'how the learning rate goes on after the warm-up')
        .choices(['constant', 'cosine'])
        .default('cosine'),
    )
    .option('--warmup <steps>', 'steps over which the learning rate grows from 0', wholeNumberWithin(0, 1e6), 0)
    .option('--weight-decay <rate>', 'decoupled weight decay', numberWithin(0, 10), 0)
    .option('--clip <norm>', 'largest global norm of the gradients', numberWithin(1e-9, 1e9))
    .option('--dropout <rate>', 'before the classifier', numberWithin(0, 0.95), 0.2)
    .option('--drop-path <rate>', 'stochastic depth: rate of the last block', numberWithin(0, 0.95), 0)
    .option(
      '--patience <epochs>',
      'stop a phase early after so many epochs without a better validation loss',
      wholeNumberWithin(1, 10_000),
    )
    .addOption(new Option('--keep <which>', 'the weights that are kept').choices(['best', 'last']).default('best'))
    .option('--rotation <degrees>', 'random rotation either way: 180; of classes 0', numberWithin(0, 180))
    .option(
      '--no-up',
      'of images that have no up, as those of the sky: turned by any angle, judged in 4 of 8 symmetries, and --crop pixels of their middle shown as they are; galaxies are taken so',
    )
    .option('--no-flip', 'no mirror images')
    .option('--zoom <share>', 'random scale by 1 ± this: 0.1 (challenge: 0, classes: 0.2)', numberWithin(0, 0.9))
    .option(
      '--shift <share>',
      'random shift, in shares of the view: 0.02 (challenge from scratch: 0.125)',
      numberWithin(0, 0.5),
    )
    .option(
      '--jitter <share>',
      'random brightness, contrast and saturation by 1 ± this: 0.05 (challenge: 0.1)',
      numberWithin(0, 0.9),
    )
    .option('--hue <share>', 'random hue, in shares of the circle: 0 (challenge: 0.05)', numberWithin(0, 0.5))
    .option('--checkpoint-steps <n>', 'steps between checkpoints', wholeNumberWithin(1, 1e6), 25)
    .option(
      '--pack <GiB>',
      'disk that decoded images may take in the run directory while a network is trained from scratch, so that epochs after the first decode none; 0: none',
      numberWithin(0, 1e5),
      4,
    )
    .option(
      '--accept-changes',
      'go on with an interrupted run though images, labels, weights or the adapter have changed since; the report says so',
    );
}
