import { Option, type Command } from 'commander';
import { addImageOptions } from './image_options.ts';
import type { GradcamFlags } from '../gradcam.node.ts';
import { allOptions, wholeNumberWithin } from '../options.ts';
import { addOnnxOptions } from './preprocessing_options.ts';

/** `tuningfork gradcam`. */
export function register(program: Command): void {
  addOnnxOptions(addImageOptions(program.command('gradcam'), 'images'))
    .description('draw what a model looked at: the image and its class activation map side by side, a PNG each')
    .argument('<model>', 'a run directory, its model.safetensors, or an ONNX file')
    .option('--ids <list>', 'which images, separated by commas; the first --count when absent')
    .option('--count <n>', 'how many images', wholeNumberWithin(1, 10_000), 8)
    .option('--class <name>', 'the class or the column (Class7.1) to explain; the predicted class when absent')
    .option('--layer <name>', 'the layer to look at, such as head, stage5 or blocks.10; the last conv when absent')
    .option(
      '--methods <list>',
      'how, separated by commas: grad-cam, grad-cam++, layer-cam, guided (one pass), score-cam, occlusion, integrated-gradients (many passes), or all',
      'grad-cam,grad-cam++,guided',
    )
    .addOption(new Option('--method <list>', 'the same').hideHelp())
    .option('--tta <n>', 'views of each image over which its maps are averaged: 1 to 8', wholeNumberWithin(1, 8), 1)
    .option(
      '--measure',
      'measure how faithful the maps are (deletion, insertion, average drop, increase): a table, and measures.csv and index.html beside the pictures',
    )
    .option('--out <folder>', 'where the pictures go', 'runs/gradcam')
    .addHelpText(
      'after',
      `
Examples:
  tuningfork gradcam runs/b0 --data galaxies/ --ids 100008,100023
  tuningfork gradcam runs/b0 --data synthetic:8 --layer stage6 --class featured
  tuningfork gradcam runs/pets --data new/ --methods all --measure`,
    )
    .action(async (model: string, _options: object, command: Command) => {
      const { gradcam, methodsOf } = await import('../gradcam.node.ts');
      const options = allOptions<{ method?: string; methods: string } & Omit<GradcamFlags, 'methods'>>(command);
      await gradcam(model, { ...options, methods: methodsOf(options.method ?? options.methods) });
    });
}
