import { Option, type Command } from 'commander';
import type { EmbedFlags } from '../embed.node.ts';
import { addImageOptions, drawn } from './image_options.ts';
import { addMerge } from './merge_parts.ts';
import { allOptions } from '../options.ts';
import { parseShard } from '../shards.ts';
import { addOnnxOptions } from './preprocessing_options.ts';

/** `tuningfork embed`. */
export function register(program: Command): void {
  const command = addOnnxOptions(addImageOptions(program.command('embed'), 'images', drawn()))
    .description("write a model's features of each image, as .npy, csv or parquet")
    .argument('<model>', 'a run directory, its model.safetensors, an ONNX file, or a file of weights')
    .option(
      '--out <file>',
      'the file to write: .npy, with the ids in <file>.ids.txt, or .csv or .parquet, with the ids in the first column; with --shard a folder',
    )
    .option('--shard <k/n>', 'embed only the k-th of n parts, so that several machines share the work', parseShard)
    .addOption(
      new Option('--format <name>', 'what the file of a part is, with --shard (default: npy)').choices(['npy', 'csv']),
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
  tuningfork embed efficientnet_b0.safetensors --input activations.safetensors --out features.npy
  tuningfork embed runs/b0 --data survey/ --shard 3/100 --out parts/     # part 3, on one of a hundred machines
  tuningfork embed merge parts/ --out features.npy                       # join the parts; or --out features.parquet
Give the same command again to resume after an interruption.`,
    )
    .action(async (model: string, _options: object, self: Command) => {
      const flags = allOptions<EmbedFlags>(self);
      const { requireNoRunFile } = await import('../kept_results.node.ts');
      if (flags.out !== undefined) requireNoRunFile(flags.out, '--out');
      const { embedToFile } = await import('../embed.node.ts');
      await embedToFile(model, flags);
    });
  addMerge(command, { of: 'features', out: '.npy, .csv or .parquet, whatever the parts are' }, async (folder, out) => {
    const { mergeFeatures } = await import('../merge_features.node.ts');
    await mergeFeatures(folder, out);
  });
}
