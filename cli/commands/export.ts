import { Option, type Command } from 'commander';
import { EXPORT_NAMES } from '../../models/export_names.ts';
import { allOptions } from '../options.ts';
import { addOnnxOptions } from './preprocessing_options.ts';

/** `tuningfork export`. */
export function register(program: Command): void {
  addOnnxOptions(program.command('export'))
    .description('write a model as ONNX, or its weights alone, for another program')
    .argument('<model>', 'a run directory, its model.safetensors, an ONNX file, or a file of weights')
    .requiredOption('--to <file>', 'the file to write: .onnx, or .safetensors for the weights alone')
    .addOption(
      new Option(
        '--names <program>',
        'for .safetensors: the program whose names and layouts the weights get (default: torchvision)',
      ).choices(EXPORT_NAMES),
    )
    .option('--probabilities', 'for .onnx: output probabilities or vote fractions instead of logits')
    .addOption(
      new Option(
        '--preprocess <most>',
        'for .onnx: take pixels from 0 to 1, or 0 to 255, and normalise them inside; images must still be cropped and resized before',
      ).choices(['1', '255']),
    )
    .addOption(
      new Option('--layout <axes>', 'for .onnx: the layout of its input (default: nchw)').choices(['nchw', 'nhwc']),
    )
    .addHelpText(
      'after',
      `
It prints the model's name in that program and how to prepare images for it, and keeps both in the file's metadata.
An ONNX file takes batches of any length. onnxruntime and others run it, and \`tuningfork train --model\` reads it again.

Examples:
  tuningfork export runs/b0 --to model.onnx
  tuningfork export runs/b0 --to model.onnx --probabilities --preprocess 255
  tuningfork export runs/b0 --to b0.safetensors --names timm
  tuningfork export net.onnx --to ready.onnx --mean 0.5 --std 0.5 --probabilities --preprocess 255
  tuningfork export runs/r50 --to r50.safetensors --names torchvision
  tuningfork export efficientnet-b0-355c32eb.pth --to b0.safetensors --names keras

To load it in Python, with the model's number of classes:
  model = timm.create_model('tf_efficientnet_b0', num_classes=2)
  model.load_state_dict(safetensors.torch.load_file('b0.safetensors'))`,
    )
    .action(async (model: string, _options: object, command: Command) => {
      const { exportModel } = await import('../export.node.ts');
      await exportModel(model, allOptions(command));
    });
}
