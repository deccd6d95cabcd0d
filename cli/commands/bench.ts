import { Option, type Command } from 'commander';
import type { Job } from '../../bench/contender.ts';
import { allOptions, wholeNumberWithin } from '../options.ts';

interface BenchOptions {
  readonly vs?: 'tfjs';
  readonly batch: number;
  readonly size: number;
  readonly repeats: number;
  readonly cold?: boolean;
  readonly profile?: boolean;
}

/** `tuningfork bench models` and `tuningfork bench train`. */
export function register(program: Command): void {
  const bench = program.command('bench').description('measure this engine, and others beside it on the same adapter');
  addMeasurement(bench, 'models', 'forward', 'the forward pass of EfficientNet-B0');
  addMeasurement(bench, 'train', 'train', 'a training step of EfficientNet-B0: all weights, Adam, batch norm by batch statistics');
  // What a measurement forks to run this engine in a process of its own.
  bench.command('contender', { hidden: true }).action(async () => {
    const [{ serve }, { openTuningfork }] = await Promise.all([import('../../bench/serve.ts'), import('../../bench/tuningfork_contender.ts')]);
    serve(openTuningfork);
    await new Promise(() => {});
  });
}

function addMeasurement(bench: Command, name: string, work: Job['work'], description: string): void {
  bench
    .command(name)
    .description(description)
    .addOption(new Option('--vs <engine>', 'another engine to measure in turn, outputs compared first').choices(['tfjs']))
    .option('--batch <n>', 'images at once', wholeNumberWithin(1, 1024), 4)
    .option('--size <pixels>', 'height and width of the images', wholeNumberWithin(32, 2048), 224)
    .option('--repeats <n>', 'timed runs of each, after two to warm up', wholeNumberWithin(1, 1000), 5)
    .option('--cold', 'switch off the caches of compiled shaders that drivers keep on disk')
    .option('--profile', 'also list the GPU time of this engine by kernel')
    .addHelpText('after', `
Each engine runs in a process of its own, both at once, and their runs take turns.

Examples:
  tuningfork bench ${name} --adapter lavapipe --vs tfjs
  tuningfork bench ${name} --batch 16 --repeats 20 --profile
  tuningfork bench ${name} --vs tfjs --json > ${name}.json`)
    .action(async (_options: object, command: Command) => {
      const { vs, batch, size, repeats, cold = false, profile = false, adapter, json, tuning } = allOptions<BenchOptions>(command);
      const [{ benchModels }, { showModelBench }, { bundleTfjs }, { readTuning }] = await Promise.all([
        import('../../bench/models.ts'), import('../../bench/show.ts'), import('../../bench/tfjs_bundle.ts'), import('../tuning_file.node.ts'),
      ]);
      // What anybody gets is measured, unless a tuning is named here.
      const table = tuning === undefined ? undefined : String(readTuning(tuning, (note) => console.error(note)));
      const result = await benchModels({
        job: { work, batch, size, adapter, ...(table !== undefined && { tuning: table }) },
        repeats,
        cold,
        profile,
        contenders: [['tuningfork', [process.argv[1], 'bench', 'contender']], ...(vs ? [['tfjs', [await bundleTfjs()]] as const] : [])],
        onProgress: (text) => console.error(text),
      });
      console.log(json ? JSON.stringify(result, null, 2) : showModelBench(result));
    });
}
