import { Option, type Command } from 'commander';
import { EXPORT_NAMES } from '../../models/export_names.ts';
import { allOptions } from '../options.ts';

/** `tuningfork export`. */
export function register(program: Command): void {
  program
    .command('export')
    .description('write a model for another program: as ONNX, or its weights alone')
    .argument('<model>', 'a run directory, its model.safetensors, or a file of weights')
    .requiredOption('--to <file>', 'the file to write: .onnx, or .safetensors for the weights alone')
    .addOption(
      new Option(
        '--names <program>',
        "of .safetensors: whose names and layouts the weights get (torchvision's when absent)",
      ).choices(EXPORT_NAMES),
    )
    .option('--probabilities', 'of .onnx: give probabilities (of the challenge: fractions) instead of logits')
    .addOption(
      new Option(
        '--preprocess <most>',
        'of .onnx: take pixels from 0 to 1 or to 255, and normalise them within; the image must be cut and resized before',
      ).choices(['1', '255']),
    )
    .addOption(
      new Option('--layout <axes>', 'of .onnx: how it takes images (nchw when absent)').choices(['nchw', 'nhwc']),
    )
    .addHelpText(
      'after',
      `
What the model is called there, and how images are to be prepared for it, is printed and lies in the file's metadata.
An ONNX file takes batches of any length; onnxruntime and others run it, and train --model reads it again.

Examples:
  tuningfork export runs/b0 --to model.onnx
  tuningfork export runs/b0 --to model.onnx --probabilities --preprocess 255
  tuningfork export runs/b0 --to b0.safetensors --names timm
  tuningfork export runs/r50 --to r50.safetensors --names torchvision
  tuningfork export efficientnet-b0-355c32eb.pth --to b0.safetensors --names keras

In Python, with as many classes as the model has:
  model = timm.create_model('tf_efficientnet_b0', num_classes=2)
  model.load_state_dict(safetensors.torch.load_file('b0.safetensors'))`,
    )
    .action(async (model: string, _options: object, command: Command) => {
      const { exportModel } = await import('../export.node.ts');
      await exportModel(model, allOptions(command));
    });
}
