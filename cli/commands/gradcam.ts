import { Option, type Command } from 'commander';
import { addImageOptions } from './image_options.ts';
import type { GradcamFlags } from '../gradcam.node.ts';
import { allOptions, wholeNumberWithin } from '../options.ts';
import { addOnnxOptions } from './preprocessing_options.ts';

/** `tuningfork gradcam`. */
export function register(program: Command): void {
  addOnnxOptions(addImageOptions(program.command('gradcam'), 'images'))
    .description('draw where a model looked: one PNG per image, with the image beside its class activation maps')
    .argument('<model>', 'a run directory, its model.safetensors, or an ONNX file')
    .option('--ids <list>', 'the images to explain, separated by commas (default: the first --count)')
    .option('--count <n>', 'the number of images', wholeNumberWithin(1, 10_000), 8)
    .option('--class <name>', 'the class or column (Class7.1) to explain (default: the predicted class)')
    .option('--layer <name>', 'the layer to look at, such as head, stage5 or blocks.10 (default: the last convolution)')
    .option(
      '--methods <list>',
      'methods, separated by commas, or all: grad-cam, grad-cam++, layer-cam and guided take one pass; score-cam, occlusion and integrated-gradients take many',
      'grad-cam,grad-cam++,guided',
    )
    .addOption(new Option('--method <list>', '--methods').hideHelp())
    .option('--tta <n>', 'views of each image to average its maps over, 1 to 8', wholeNumberWithin(1, 8), 1)
    .option(
      '--measure',
      'measure how faithful the maps are (deletion, insertion, average drop, increase), and write measures.csv and index.html beside the pictures',
    )
    .option('--out <folder>', 'the folder for the pictures', 'runs/gradcam')
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
