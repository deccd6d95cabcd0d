import { Option, type Command } from 'commander';
import { addImageOptions } from './image_options.ts';
import { allOptions, wholeNumberWithin } from '../options.ts';

/** `tuningfork gradcam`. */
export function register(program: Command): void {
  addImageOptions(program.command('gradcam'), 'images')
    .description('draw what a model looked at: the image and its class activation map side by side, a PNG each')
    .argument('<model>', 'a run directory or its model.safetensors')
    .option('--ids <list>', 'which images, separated by commas; the first --count when absent')
    .option('--count <n>', 'how many images', wholeNumberWithin(1, 10_000), 8)
    .option('--class <name>', 'the class or the column (Class7.1) to explain; the predicted class when absent')
    .option('--layer <name>', 'the layer to look at, such as head, stage5 or blocks.10; the last conv when absent')
    .addOption(new Option('--method <name>', 'how').choices(['grad-cam', 'grad-cam++', 'guided', 'all']).default('all'))
    .option('--out <folder>', 'where the pictures go', 'runs/gradcam')
    .addHelpText(
      'after',
      `
Examples:
  tuningfork gradcam runs/b0 --data galaxies/ --ids 100008,100023
  tuningfork gradcam runs/b0 --data synthetic:8 --layer stage6 --class featured`,
    )
    .action(async (model: string, _options: object, command: Command) => {
      const { gradcam } = await import('../gradcam.node.ts');
      await gradcam(model, allOptions(command));
    });
}
