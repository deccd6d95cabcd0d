import { Option, type Command } from 'commander';
import { addImageOptions, drawn } from './image_options.ts';
import { allOptions } from '../options.ts';
import { addOnnxOptions } from './preprocessing_options.ts';
import type { EmbedFlags } from '../embed.node.ts';

/** `tuningfork embed`. */
export function register(program: Command): void {
  addOnnxOptions(addImageOptions(program.command('embed'), 'images', drawn()))
    .description("write a model's features of each image, as .npy or csv")
    .argument('<model>', 'a run directory, its model.safetensors, an ONNX file, or a file of weights')
    .requiredOption(
      '--out <file>',
      'the file to write: .npy, with the ids in <file>.ids.txt, or .csv, with the ids in the first column',
    )
    .option('--input <file>', 'a safetensors file with a normalised tensor `input`, instead of images')
    .addOption(
      new Option('--layout <order>', 'the order of axes of --input, and of a flattened --layer')
        .choices(['nchw', 'nhwc'])
        .default('nchw'),
    )
    .option(
      '--layer <name>',
      'another layer, flattened: stem, stage5, blocks.10, head, classifier (default: the features)',
    )
    .option('--skip-bad', 'leave out images that cannot be read, instead of stopping')
    .addHelpText(
      'after',
      `
Examples:
  tuningfork embed efficientnet_b0.safetensors --data galaxies/ --out features.npy
  tuningfork embed runs/b0 --data synthetic:100 --layer head --out head.csv
  tuningfork embed efficientnet_b0.safetensors --input activations.safetensors --out features.npy`,
    )
    .action(async (model: string, _options: object, command: Command) => {
      const flags = allOptions<EmbedFlags>(command);
      const { requireNoRunFile } = await import('../kept_results.node.ts');
      requireNoRunFile(flags.out, '--out');
      const { embedToFile } = await import('../embed.node.ts');
      await embedToFile(model, flags);
    });
}
