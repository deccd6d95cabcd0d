import { Option, type Command } from 'commander';
import { EXPORT_NAMES } from '../../models/export_names.ts';
import { allOptions } from '../options.ts';

/** `tuningfork export`. */
export function register(program: Command): void {
  program
    .command('export')
    .description('write the weights of a model for another program to load')
    .argument('<model>', 'a run directory, its model.safetensors, or a file of weights')
    .requiredOption('--to <file>', 'the file to write: .safetensors')
    .addOption(
      new Option('--names <program>', 'whose names and layouts the weights get')
        .choices(EXPORT_NAMES)
        .default('torchvision'),
    )
    .addHelpText(
      'after',
      `
What the model is called there, and how images are to be prepared for it, is printed and lies in the file's metadata.

Examples:
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
