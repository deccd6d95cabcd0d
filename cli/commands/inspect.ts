import { Option, type Command } from 'commander';
import { GPU_SHEETS } from '../../engine/device/gpu_sheets.ts';
import { MODELS, allOptions, newModelOptions, wholeNumberWithin } from '../options.ts';

const GPUS = Object.keys(GPU_SHEETS);

/** `tuningfork inspect`. */
export function register(program: Command): void {
  newModelOptions(program.command('inspect'))
    .description('show what a model is made of: parameters, arithmetic, memory, steps, graph; runs nothing')
    .argument('<model>', `${MODELS}, a run directory, an ONNX file, or a file of weights`)
    .option('--training', 'look at a training step (forward, backward, Adam) instead of a forward pass')
    .option('--batch <n>', 'images per batch', wholeNumberWithin(1, 4096), 1)
    .option('--size <pixels>', "side of the input (default: the model's own)", wholeNumberWithin(1, 4096))
    .addOption(
      new Option(
        '--memory <level>',
        'for a training step: full keeps all activations for the backward pass, low computes cheap ones again, lowest whole blocks',
      )
        .choices(['full', 'low', 'lowest'])
        .default('full'),
    )
    .addOption(new Option('--precision <type>', 'how activations are stored').choices(['f32', 'f16']).default('f32'))
    .option('--steps', 'list the steps: kernel, output, workgroups')
    .option('--pipelines', 'list the distinct pipelines: kernel, overrides, steps, workgroups, FLOP, bytes')
    .option('--wgsl <folder>', 'write the WGSL that the driver gets for each pipeline into this folder')
    .addOption(
      new Option(
        '--estimate <gpu>',
        'plan for another GPU, and estimate the time of a run from its data sheet',
      ).choices(GPUS),
    )
    .option('--graph', 'list the graph: op, shape, inputs, names')
    .addHelpText(
      'after',
      `
Examples:
  tuningfork inspect efficientnet_b0
  tuningfork inspect efficientnet_b0 --training --batch 4 --steps
  tuningfork inspect vgg16 --training --batch 32 --memory lowest
  tuningfork inspect galaxy_vgg --training --batch 16 --size 128 --precision f16
  tuningfork inspect galaxy_vgg --width 0.25 --task challenge --size 96 --training --batch 32
  tuningfork inspect efficientnet_b0 --training --batch 32 --estimate rtx-3090 --steps
  tuningfork inspect vgg16 --training --batch 32 --precision f16 --pipelines --wgsl texts/
  tuningfork inspect runs/b0 --graph | less
  tuningfork inspect vgg_small --size 96 --json | jq .memory`,
    )
    .action(async (model: string, _options: object, command: Command) => {
      const { inspect } = await import('../inspect.node.ts');
      await inspect(model, allOptions(command));
    });
}
