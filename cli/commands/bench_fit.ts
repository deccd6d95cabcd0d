import { Option, type Command } from 'commander';
import type { FitNetwork } from '../../bench/tfjs/fit.ts';
import { allOptions, wholeNumberWithin } from '../options.ts';

const NETWORKS: readonly FitNetwork[] = ['cnn', 'mobilenet'];

interface FitFlags {
  readonly network: FitNetwork;
  readonly batch: number;
  readonly size: number;
  readonly repeats: number;
}

/** `tuningfork bench fit`. */
export function addFit(bench: Command): void {
  bench
    .command('fit')
    .description("measure TensorFlow.js's model.fit on this engine's backend and on its own, in turns")
    .addOption(
      new Option(
        '--network <name>',
        'three convolutions and two dense layers, or MobileNet v1 at a quarter of its width',
      )
        .choices(NETWORKS)
        .default('cnn'),
    )
    .option('--batch <n>', 'images per batch', wholeNumberWithin(1, 1024), 16)
    .option('--size <pixels>', 'side of the images', wholeNumberWithin(32, 2048), 96)
    .option('--repeats <n>', 'timed epochs of each, after two that warm up', wholeNumberWithin(1, 1000), 5)
    .addHelpText(
      'after',
      `
An epoch is four batches, with Adam. Of MobileNet the last two blocks and a new head are trained. The losses of the
first two epochs are compared before anything is timed. It needs a checkout with its development dependencies.

Examples:
  tuningfork bench fit --adapter lavapipe
  tuningfork bench fit --network mobilenet --batch 8 --json > mobilenet.json`,
    )
    .action(async (_options: object, command: Command) => {
      const { network, batch, size, repeats, adapter, json } = allOptions<FitFlags>(command);
      const [{ benchModels }, { showModelBench }, { bundleTfjs }] = await Promise.all([
        import('../../bench/models.ts'),
        import('../../bench/show.ts'),
        import('../../bench/tfjs_bundle.ts'),
      ]);
      const program = await bundleTfjs('fit_process');
      const result = await benchModels({
        job: { work: 'fit', model: network, batch, size, adapter },
        repeats,
        cold: false,
        profile: false,
        contenders: [
          ["tfjs on tuningfork's backend", [program, 'tuningfork']],
          ['tfjs on its own', [program, 'webgpu']],
        ],
        onProgress: (text) => console.error(text),
      });
      console.log(json ? JSON.stringify(result, null, 2) : showModelBench(result));
    });
}
